package cmd

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/trace"
)

// topOptions is what a user may ask of top.
type topOptions struct {
	query    gateway.Query
	filter   trace.Filter
	where    string
	names    naming
	duration time.Duration
	headers  bool
	hz       int
	secrets  bool
}

func newTopCmd(env Env) *cobra.Command {
	o := &topOptions{duration: 5 * time.Minute, headers: true, hz: usualHz}
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Look at the gateway's requests, routes, nodes and workers",
		Long: `Top shows on the terminal what the gateway does while it does it: its requests,
each with its waterfall and headers, the routes, the upstream nodes, the
workers, what they use the CPU for, and how routes are configured. ? lists the
keys.

The window ends by --duration, and + makes it 5 minutes longer. The screen stays
for reading, with nothing attached to the gateway, until q. The status bar tells
the time left, what watching costs, and what was lost.

The filters of the command line are those of trace and logs: what they remove is
not counted either. / filters what is shown, in the language of --where.`,
		Example: `  apisixscope top
  apisixscope top --route checkout
  apisixscope top --where 'status >= 500 || upstream_time > 1s'
  apisixscope top -d 1h --headers=false`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), env)
		},
	}
	o.addFlags(cmd.Flags())
	completeTrace(cmd)
	return cmd
}

func (o *topOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	addFilterFlags(f, &o.filter)
	addWhereFlag(f, &o.where)
	f.VarP(period{&o.duration}, "duration", "d", "end after this time; 0 means by q alone")
	f.Var(number[int]{&o.query.PID, 1}, "pid", "of the gateway's master or any worker, if there are several gateways")
	o.names.addFlags(f)
	f.BoolVar(&o.headers, "headers", o.headers, "read the headers of each request")
	f.Var(number[int]{&o.hz, 1}, "hz", "take so many samples a second of each CPU, once the page Profile is shown")
	f.BoolVar(&o.secrets, "show-secrets", false, "show credentials in queries")
}

func (o *topOptions) run(ctx context.Context, env Env) error {
	if err := needScreen(env, "trace or logs"); err != nil {
		return err
	}
	if o.hz > maxHz {
		return tooFast(o.hz)
	}
	keep, err := newLogsKeeper(&o.filter, o.where)
	if err != nil {
		return err
	}
	if err := env.Ready(); err != nil {
		return err
	}
	target, err := env.find(ctx, o.query)
	if err != nil {
		return err
	}
	live, err := o.open(ctx, env, target, keep)
	if err != nil {
		return err
	}
	return live.show(ctx)
}

// needScreen says what to use instead where nothing can be drawn.
func needScreen(env Env, instead string) error {
	switch {
	case !env.OutTerm:
		return hint.Wrap(hint.Misuse(errors.New("draw the screen: stdout is not a terminal")), "use "+instead+" to write to a file or a pipe")
	case env.Getenv != nil && env.Getenv("TERM") == "dumb":
		return hint.Wrap(hint.Misuse(errors.New("draw the screen: TERM=dumb names a terminal that cannot do it")), "use "+instead+", or set TERM to what the terminal is, such as xterm-256color")
	}
	return nil
}
