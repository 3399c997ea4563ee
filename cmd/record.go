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

// recordOptions is what a user may ask of record.
type recordOptions struct {
	query     gateway.Query
	filter    trace.Filter
	filters   []string // those that were given, in words
	names     naming
	limit     limits
	hz        int
	noProfile bool
	body      int
	secrets   bool
	file      string
	force     bool
}

func newRecordCmd(env Env) *cobra.Command {
	o := &recordOptions{hz: usualHz, limit: limits{duration: 30 * time.Second}}
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Keep a window in a file, to look at it later and elsewhere",
		Long: `Record keeps what a window shows in a file: each request with its tree, headers
and CPU time, what the workers do, their profile, what doctor and the Admin API
say, and what was lost. The file is read without rights and a gateway: by open,
and with -r by trace, logs and profile, with any filter and format.

It is written as the window goes on: one that is cut off, by a kill or a full
disk, is read up to the last second or so. Credentials are hidden before they
reach it, unless --show-secrets is given; it is readable for its owner alone.

The window ends as that of trace does. The filters decide what is kept: the less
they remove, the more can be asked later.`,
		Example: `  apisixscope record -w incident.apisixscope
  apisixscope record -w checkout.apisixscope --route checkout -d 5m
  apisixscope record -w bodies.apisixscope --body 1000 --no-profile

  apisixscope open incident.apisixscope
  apisixscope trace -r incident.apisixscope --status 5xx
  apisixscope logs -r incident.apisixscope --header all
  apisixscope profile -r incident.apisixscope -w flame.svg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.noProfile && cmd.Flags().Changed("hz") {
				return hint.Wrap(hint.Misuse(errors.New("--hz is of no use with --no-profile")), "leave one of the two out")
			}
			o.filters = givenFilters(cmd.Flags())
			return o.run(cmd.Context(), env)
		},
	}
	o.addFlags(cmd.Flags())
	completeTrace(cmd)
	return cmd
}

func (o *recordOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&o.file, "write", "w", "", "keep the window in `FILE`, such as incident.apisixscope")
	f.BoolVar(&o.force, "force", false, "overwrite a file that is there")
	addFilterFlags(f, &o.filter)
	o.limit.addFlags(f)
	f.Var(number[int]{&o.query.PID, 1}, "pid", "of the gateway's master or any worker, if there are several gateways")
	f.Var(number[int]{&o.hz, 1}, "hz", "take so many samples a second of each CPU, for the profile")
	f.BoolVar(&o.noProfile, "no-profile", false, "sample no stacks: there will be no profile, and no CPU time of requests")
	f.Var(bytesUpTo{&o.body, bpf.MaxBody}, "body", "keep so many bytes of the bodies that go to and come from the node, where that is plain HTTP/1")
	o.names.addFlags(f)
	f.BoolVar(&o.secrets, "show-secrets", false, "keep credentials in headers and queries as they are")
}

// givenFilters are the filters of a command line, as they were given.
func givenFilters(f *pflag.FlagSet) []string {
	known := pflag.NewFlagSet("", pflag.ContinueOnError)
	addFilterFlags(known, &trace.Filter{})
	var given []string
	known.VisitAll(func(filter *pflag.Flag) {
		if flag := f.Lookup(filter.Name); flag.Changed {
			given = append(given, "--"+flag.Name+" "+flag.Value.String())
		}
	})
	return given
}

// check says what is wrong with the flags.
func (o *recordOptions) check() error {
	const such = "such as: apisixscope record -w incident.apisixscope"
	switch {
	case o.file == "":
		return hint.Wrap(hint.Misuse(errors.New("name the file to write with -w")), such)
	case o.file == "-":
		return hint.Wrap(hint.Misuse(errors.New("a recording is written to a file, not to stdout")), such)
	case o.hz > maxHz:
		return tooFast(o.hz)
	}
	return nil
}

func (o *recordOptions) run(ctx context.Context, env Env) error {
	if err := o.check(); err != nil {
		return err
	}
	if err := env.Ready(); err != nil {
		return err
	}
	w := &window{
		env: env, command: "record", nodes: &metrics.Nodes{},
		read:     bpf.Options{Probes: true, Logged: true, AllHeaders: true, Body: o.body, Workers: true},
		duration: o.limit.duration, count: o.limit.count, keep: o.filter.Keep, out: &output{}, quiet: true, kept: recordMemory,
	}
	if err := w.meet(ctx, o.query, &o.names); err != nil {
		return err
	}
	r := &recording{o: o, env: env, target: w.target, window: w}
	if err := r.begin(ctx); err != nil {
		return err
	}
	w.env, w.cpu, w.to = r.sampled(), r.cpu(), r
	return r.run(ctx)
}
