package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// logsOptions is what a user may ask of logs.
type logsOptions struct {
	query  gateway.Query
	filter trace.Filter
	where  string
	names  naming
	limit  limits
	socket bool   // sockets are watched as well
	format string // empty until settled
	place  place
	view   logs.View
	from   playback
}

func newLogsCmd(env Env) *cobra.Command {
	o := &logsOptions{limit: limits{duration: 30 * time.Second}}
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Log requests as they finish, with headers",
		Long: `Logs shows a line for each request as it finishes, read from nginx's own request
object: exact, behind TLS and HTTP/2 as well, and at once, where the gateway's
access log may wait for seconds. A request that ended before its time has a
second line that tells who gave up first.

A condition of --where is made of fields such as status, upstream_time or route,
and of header("name"); docs/logs.md lists all. Secrets in headers and queries
are hidden unless --show-secrets is given.

The window ends as that of trace does: by --duration, by --count, by Ctrl-C,
or when the reader of a pipe goes away.`,
		Example: `  apisixscope logs --status 5xx --header all
  apisixscope logs --where 'status >= 500 && header("x-tenant") == "acme"'
  apisixscope logs --where 'upstream_time > 200ms && route == "orders"'
  apisixscope logs -d 0 -o json | jq .
  apisixscope logs -d 10s -o apisix --show-secrets | sort >ours.log
  apisixscope logs -d 10s -w window.har
  apisixscope logs -o 'template={{.status}} {{.uri}} {{ms .request_time}}'
  apisixscope logs -r incident.apisixscope --status 5xx`,
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
	completeLogs(cmd)
	return cmd
}

func (o *logsOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	addFilterFlags(f, &o.filter)
	addWhereFlag(f, &o.where)
	o.from.addFlag(f)
	o.limit.addFlags(f)
	f.Var(number[int]{&o.query.PID, 1}, "pid", "of the gateway's master or any worker, if there are several gateways")
	o.names.addFlags(f)
	f.Var(&words{add: o.view.Headers.Add, kind: "NAME"}, "header", "show the headers of this name, on all four sides of the gateway; or all")
	f.Var(bytesUpTo{&o.view.Body, bpf.MaxBody}, "body", "show so many bytes of the bodies that go to and come from the node, where that is plain HTTP/1")
	f.BoolVar(&o.socket, "sockets", false, "watch sockets, too: they tell why a node failed; costs the gateway some 2 µs a request")
	f.BoolVar(&o.view.Secrets, "show-secrets", false, "show credentials in headers and queries")
	f.StringVarP(&o.format, "output", "o", "", "as `FORMAT` text, json, apisix, har or template=TEMPLATE (default json to a file named *.json or *.jsonl, har to *.har, else text)")
	o.place.addFileFlag(f)
	o.place.addColorFlag(f)
}

func completeLogs(cmd *cobra.Command) {
	known := append(render.LogFormats(), "template=")
	// It fails for flags that do not exist or have words already.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("header", cobra.FixedCompletions(
		[]string{"all", "content-type", "host", "user-agent", "x-forwarded-for", "x-request-id"}, cobra.ShellCompDirectiveNoFileComp))
}

// settle chooses what the user did not: JSON and HAR are made to have all headers.
func (o *logsOptions) settle() {
	switch ext := filepath.Ext(o.place.file); {
	case o.format != "":
	case ext == ".json", ext == ".jsonl":
		o.format = "json"
	case ext == ".har":
		o.format = "har"
	default:
		o.format = "text"
	}
	if (o.format == "json" || o.format == "har") && !o.view.Headers.Any() {
		o.view.Headers.All = true
	}
}

func (o *logsOptions) run(ctx context.Context, env Env) error {
	o.settle()
	keep, err := newLogsKeeper(&o.filter, o.where)
	if err != nil {
		return err
	}
	var host string // is known once the gateway is found
	out, sink, err := o.open(env, &host)
	if err != nil {
		return err
	}
	defer out.discard()
	w := &window{
		env: env, command: "logs", nodes: &metrics.Nodes{}, read: o.reads(keep),
		duration: o.limit.duration, count: o.limit.count, keep: keep.keep, to: sink, out: out,
	}
	if err := w.meet(ctx, o.query, &o.names); err != nil {
		return err
	}
	host = hostname(w.target)
	_, err = w.run(ctx)
	keep.tell(env)
	return err
}

// open opens what shows log lines; host is to be known when the first one comes.
func (o *logsOptions) open(env Env, host *string) (*output, trace.Sink, error) {
	return o.place.open(env, func(out *output) (trace.Sink, error) {
		return render.Logs(o.format, out, render.LogOptions{
			Options: o.place.options(env, out), View: o.view, Hostname: host, Version: env.Version,
		})
	})
}

// replay logs the requests of a recording.
func (o *logsOptions) replay(ctx context.Context, env Env, f *pflag.FlagSet) error {
	o.settle()
	keep, err := newLogsKeeper(&o.filter, o.where)
	if err != nil {
		return err
	}
	var host string
	env.Ready = ready
	out, sink, err := o.open(env, &host)
	if err != nil {
		return err
	}
	defer out.discard()
	r, err := o.from.open(env, f)
	switch {
	case err != nil:
		return err
	case o.view.Body > 0 && r.Bodies == 0:
		return hint.Wrap(fmt.Errorf("no bodies are in %s: it was recorded without --body", o.from.file), "leave --body out")
	}
	host = r.Host
	w := &replayWindow{recording: r, window: &window{
		env: env, talk: newTalk(env), count: o.limit.count, keep: keep.keep, to: sink, out: out,
	}}
	if !o.wantsHeaders(keep) {
		w.shape = func(x *trace.Exchange) { x.Headers = nil }
	}
	err = w.run(ctx)
	keep.tell(env)
	return err
}

// reads is what log lines are made of, and no more.
func (o *logsOptions) reads(keep *logsKeeper) bpf.Options {
	b := bpf.Options{
		Probes: true, Logged: true, AllHeaders: o.wantsHeaders(keep), Body: o.view.Body,
		NoSockets: !o.socket && o.view.Body == 0,
	}
	b.Only.Routes, b.Only.Services, b.Only.Consumers = o.filter.Plain()
	return b
}

// wantsHeaders reports whether something that is asked for is made of headers.
func (o *logsOptions) wantsHeaders(keep *logsKeeper) bool {
	return o.view.Headers.Any() || keep.where != nil && keep.where.Headers() || render.WantsHeaders(o.format)
}

// hostname is the gateway's, as its root directory says: it may be a container.
func hostname(t *gateway.Target) string {
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/root/etc/hostname", leader(t).PID)); err == nil {
		if name := strings.TrimSpace(string(b)); name != "" {
			return name
		}
	}
	name, _ := os.Hostname() // without one, none is shown
	return name
}
