package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

// maxHz is what a timer of the kernel can keep up with.
const maxHz = 10_000

// tooFast says that --hz is above maxHz.
func tooFast(hz int) error {
	return hint.Misuse(fmt.Errorf("--hz must be at most %d: got %d", maxHz, hz))
}

// profileOptions is what a user may ask of profile.
type profileOptions struct {
	query    gateway.Query
	duration time.Duration
	hz       int
	offCPU   bool
	stalls   time.Duration // 0 for not asked for
	by       string
	format   string // empty until settled
	quiet    bool   // nothing is written: the web shows it
	place    place
	from     playback
	web      bool
}

func newProfileCmd(env Env) *cobra.Command {
	o := &profileOptions{duration: 30 * time.Second, hz: 99, by: profile.ByFunction}
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Tell what the gateway's workers use the CPU for",
		Long: `Profile samples the stacks of the gateway's workers: kernel, native code, and
Lua, also where LuaJIT has compiled and inlined it. Each sample knows its
worker, phase, plugin and route.

With --off-cpu it tells instead what threads waited for, and with --stalls what
the event loop did when it was blocked for so long.

The window ends by --duration, by Ctrl-C (twice: at once), by SIGTERM, or when
the reader of a pipe goes away, and what was seen until then is shown. At the
end a summary on stderr tells what was lost, and which stacks are not whole.`,
		Example: `  apisixscope profile                           # who uses the CPU?
  apisixscope profile --by route                # for which routes, with what?
  apisixscope profile -d 10s -w flame.svg       # a flame graph
  apisixscope profile -w cpu.pb.gz              # for go tool pprof
  apisixscope profile --stalls 10ms -d 5m       # what blocks the event loop?
  apisixscope profile --off-cpu --by plugin     # who waits, in which plugin?
  apisixscope profile --web                     # in a browser
  apisixscope profile -r incident.apisixscope   # of a recording`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.from.asked(cmd.Flags()) {
				return o.replay(cmd.Context(), env, cmd.Flags())
			}
			return o.run(cmd.Context(), env)
		},
	}
	o.addFlags(cmd.Flags())
	o.complete(cmd)
	return cmd
}

func (o *profileOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	o.from.addFlag(f)
	f.VarP(period{&o.duration}, "duration", "d", "end after this time; 0 means by Ctrl-C alone")
	f.Var(number[int]{&o.query.PID, 1}, "pid", "of the gateway's master or any worker, if there are several gateways")
	f.Var(number[int]{&o.hz, 1}, "hz", "take so many samples a second of each CPU")
	f.BoolVar(&o.offCPU, "off-cpu", false, "tell what threads waited for, instead of what they ran")
	f.Var(period{&o.stalls}, "stalls", "tell what the event loop did in ticks longer than this")
	f.Var(choice{&o.by, "WHAT", groupings()}, "by", "show apart what is of each plugin, phase, route or worker; or function")
	f.StringVarP(&o.format, "output", "o", "", "as `FORMAT` top, flame, folded, speedscope, json or pprof (default by the name of the file: *.svg, *.html, *.folded, *.speedscope.json, *.json, *.pb.gz; else top)")
	o.place.addFileFlag(f)
	f.BoolVar(&o.web, "web", false, "show it with pprof's pages, on a port of this host alone, until Ctrl-C")
	o.place.addColorFlag(f)
}

// groupings are the words for --by.
func groupings() []string {
	return []string{profile.ByFunction, profile.LabelPlugin, profile.LabelPhase, profile.LabelRoute, profile.LabelWorker}
}

func (o *profileOptions) complete(cmd *cobra.Command) {
	for flag, known := range map[string][]string{
		"output": render.ProfileFormats(), "by": groupings(), "color": colorModes(), "hz": {"19", "99", "499", "999"}, "stalls": {"10ms", "50ms"},
	} {
		// It fails for flags that do not exist or have words already.
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp))
	}
}

// settle chooses what the user did not, and checks what cannot be had together.
func (o *profileOptions) settle() error {
	asked := o.format
	if named := render.ProfileFormat(o.place.file); asked == "" || asked == "flame" && named != "" && render.IsFlame(named) {
		o.format = named // an HTML file is a flame graph, too
	}
	o.quiet = o.web && asked == "" && o.place.file == ""
	if o.format == "" {
		o.format = "top"
	}
	apart := o.by != profile.ByFunction
	switch {
	case asked != "" && !slices.Contains(render.ProfileFormats(), asked):
		return render.UnknownFormat(asked, render.ProfileFormats())
	case o.hz > maxHz:
		return tooFast(o.hz)
	case o.offCPU && o.stalls > 0:
		return hint.Wrap(hint.Misuse(errors.New("--off-cpu and --stalls cannot be told at once")), "a stall is work; leave one of the two out")
	case apart && o.format == "pprof":
		return hint.Wrap(hint.Misuse(errors.New("--by has no form in pprof: it holds all labels of each sample")), fmt.Sprintf("use it there: go tool pprof -tagroot %s", o.by))
	case apart && o.format == "json":
		return hint.Wrap(hint.Misuse(errors.New("--by has no form in json: each line has all labels of its samples")), "leave it out")
	}
	return nil
}

// kind is what is to be sampled.
func (o *profileOptions) kind() profile.Kind {
	switch {
	case o.offCPU:
		return profile.OffCPU
	case o.stalls > 0:
		return profile.Stall
	}
	return profile.CPU
}

func (o *profileOptions) run(ctx context.Context, env Env) error {
	if err := o.settle(); err != nil {
		return err
	}
	if env.OpenProfile == nil {
		return errors.New("sample stacks: this program was built without its sampler")
	}
	out, err := openOutput(env, o.place.file)
	if err != nil {
		return err
	}
	defer out.discard()
	if err := env.Ready(); err != nil {
		return err
	}
	target, err := env.find(ctx, o.query)
	if err != nil {
		return err
	}
	w := &profileWindow{o: o, title: describe(target), window: &window{
		env: env, talk: newTalk(env), target: target, command: "profile", duration: o.duration, out: out,
	}}
	return w.run(ctx)
}

// replay shows the profile of a recording.
func (o *profileOptions) replay(ctx context.Context, env Env, f *pflag.FlagSet) error {
	if err := o.settle(); err != nil {
		return err
	}
	r, err := o.from.open(env, f)
	if err != nil {
		return err
	}
	if r.Profile == nil {
		return fmt.Errorf("no profile is in %s: %s", o.from.file, cmp.Or(r.NoProfile, r.Cut, "it was not sampled"))
	}
	out, err := openOutput(env, o.place.file)
	if err != nil {
		return err
	}
	defer out.discard()
	w := &profileWindow{o: o, title: r.Gateway, window: &window{env: env, talk: newTalk(env), out: out}}
	if err := w.show(ctx, r.Profile, r.Samples); err != nil || r.Cut == "" {
		return err
	}
	_, err = fmt.Fprintf(env.Err, "note: %s\n", text.Clean(r.Cut))
	return err
}
