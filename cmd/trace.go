package cmd

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
)

// traceOptions is what a user may ask of trace.
type traceOptions struct {
	query  gateway.Query
	filter trace.Filter
	names  naming
	probes string
	phases bool
	cpu    cpuOptions
	limit  limits
	show   display
	from   playback
}

func newTraceCmd(env Env) *cobra.Command {
	o := &traceOptions{probes: "auto", limit: limits{duration: 30 * time.Second}}
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "Follow requests through the gateway",
		Long: `Trace follows requests through the gateway for a bounded window. Of each it
shows the client's connection, the request inside nginx, every attempt at an
upstream node, and the upstream's own process where that runs on this host.

The window ends by --duration, by --count, by Ctrl-C (twice: at once), by
SIGTERM, or when the reader of a pipe goes away. The exit code is 0 for each of
these, 1 for an error, and 2 for a wrong command line. At the end a summary on
stderr tells how many requests were seen, which filter removed them if none was
left, and what was lost.

A filter may be given several times, or with a list as a,b: any of its words
will do. Of different filters, each must agree.`,
		Example: `  apisixscope trace --host shop.example --status 5xx
  apisixscope trace --path '/orders/*' --slower-than 200ms
  apisixscope trace -c 100 -o json | jq .
  apisixscope trace -d 10s -o otlp -w traces.jsonl
  apisixscope trace -d 1m --summary
  apisixscope trace --cpu --route checkout      # which request burns the CPU?
  apisixscope trace -r incident.apisixscope     # what record has kept`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.from.asked(cmd.Flags()) {
				return o.replay(cmd.Context(), env, cmd.Flags())
			}
			return o.run(cmd.Context(), env)
		},
	}
	o.addFlags(cmd.Flags())
	completeTrace(cmd)
	return cmd
}

func (o *traceOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	addFilterFlags(f, &o.filter)
	o.from.addFlag(f)
	o.limit.addFlags(f)
	f.Var(number[int]{&o.query.PID, 1}, "pid", "of the gateway's master or any worker, if there are several gateways")
	f.Var(choice{&o.probes, "MODE", probeModes()}, "probes", "auto reads nginx's request object if it can, off watches sockets alone")
	f.BoolVar(&o.phases, "phases", false, "also show nginx's phases, and how long Lua ran; costs the gateway some 5 µs a request")
	o.cpu.addFlags(f)
	o.names.addFlags(f)
	o.show.addFlags(f)
	f.BoolVar(&o.show.secrets, "show-secrets", false, "show credentials in queries")
	f.BoolVar(&o.show.summary, "summary", false, "show no single request, but a table of all at the end")
}

func (o *traceOptions) run(ctx context.Context, env Env) error {
	if o.phases && o.probes == "off" {
		return hint.Wrap(hint.Misuse(errors.New("--phases cannot be told with --probes off")), "leave one of the two out")
	}
	if err := o.cpu.check(o.probes); err != nil {
		return err
	}
	o.show.cpu = o.cpu.on
	out, sink, err := o.show.open(env)
	if err != nil {
		return err
	}
	defer out.discard()
	w := &window{
		env: env, command: "trace", nodes: &metrics.Nodes{}, read: bpf.Options{Probes: o.probes == "auto", Phases: o.phases},
		duration: o.limit.duration, count: o.limit.count, cpu: o.cpu, keep: o.filter.Keep,
		to: sink, out: out, quiet: o.show.summary,
	}
	if err := w.meet(ctx, o.query, &o.names); err != nil {
		return err
	}
	_, err = w.run(ctx)
	return err
}

// replay shows the requests of a recording.
func (o *traceOptions) replay(ctx context.Context, env Env, f *pflag.FlagSet) error {
	o.show.cpu = o.cpu.on
	env.Ready = ready
	out, sink, err := o.show.open(env)
	if err != nil {
		return err
	}
	defer out.discard()
	r, err := o.from.open(env, f)
	if err != nil {
		return err
	}
	w := &replayWindow{recording: r, cpu: o.cpu.on, window: &window{
		env: env, talk: newTalk(env), count: o.limit.count, keep: o.filter.Keep, to: sink, out: out, quiet: o.show.summary,
	}}
	return w.run(ctx)
}

// find finds the gateway. A process that the user named and that is none is misuse.
func (env *Env) find(ctx context.Context, q gateway.Query) (*gateway.Target, error) {
	t, err := env.Find(ctx, q)
	if errors.Is(err, gateway.ErrNotGateway) {
		return nil, hint.Misuse(err)
	}
	return t, err
}
