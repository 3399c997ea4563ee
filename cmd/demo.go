package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// RunRole runs this process as a part of the demo's gateway, and does not return, if the
// demo started it as one.
func RunRole() { testrig.Main() }

// demoRate is the load in requests a second: enough that no step is waited for, and too
// little to be noticed.
const demoRate = 60

// demoOptions is what a user may ask of demo.
type demoOptions struct {
	limit limits
	show  display
}

func newDemoCmd(env Env) *cobra.Command {
	o := &demoOptions{limit: limits{duration: 12 * time.Second, count: demoCount()}, show: display{trees: true}}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Trace a gateway that is started for it, with load",
		Long: `Demo starts a gateway of nginx and Lua that is configured as APISIX is, its
upstreams, and a load; traces it as "apisixscope trace" does; and shows some
plain requests, then one of each kind that is worth a look. At the end it
removes all of it.

It needs root, and nginx with the Lua module: on Debian the packages nginx-light
and libnginx-mod-http-lua.`,
		Example: `  apisixscope demo
  apisixscope demo -o json | jq .`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), env)
		},
	}
	cmd.Flags().SortFlags = false
	o.limit.addFlags(cmd.Flags())
	o.show.addFlags(cmd.Flags())
	completeTrace(cmd)
	return cmd
}

func (o *demoOptions) run(ctx context.Context, env Env) error {
	out, sink, err := o.show.open(env)
	if err != nil {
		return err
	}
	defer out.discard()
	talk := newTalk(env)
	talk.on = true
	talk.say("starting nginx with Lua, configured as APISIX is, and its upstreams")
	rig, err := testrig.Start(ctx, testrig.Options{})
	if err != nil {
		return fmt.Errorf("start demo: %w", err)
	}
	tour := newTour(sink, talk, out.stdout)
	sum, err := o.visit(ctx, rig, &window{
		env: env, talk: talk, read: bpf.Options{Probes: true}, duration: o.limit.duration, count: o.limit.count,
		keep: tour.keep, to: tour, out: out,
	})
	err = errors.Join(err, rig.Close())
	if err != nil || interrupted(ctx, env) {
		return err
	}
	if sum.Shown == 0 {
		return hint.Wrap(errors.New("trace demo: no request was seen"), `"apisixscope doctor" tells what this host lacks`)
	}
	talk.say("the gateway and its upstreams are gone; on a gateway of yours, type next:")
	talk.say("  apisixscope doctor")
	talk.say("  apisixscope trace")
	talk.say("  apisixscope trace --status 5xx --evidence")
	return nil
}

// visit sends load to the rig and opens the window on it.
func (o *demoOptions) visit(ctx context.Context, rig *testrig.Rig, w *window) (trace.Summary, error) {
	kinds := demoKinds()
	w.talk.say("sending it %d requests a second of %d kinds, from a process of its own", demoRate, len(kinds))
	load, err := testrig.Load{
		Target: rig.Target(), Kinds: kinds, Conns: 8, Rate: demoRate,
		Duration: 24 * time.Hour, // it is stopped
	}.Start()
	if err != nil {
		return trace.Summary{}, fmt.Errorf("start demo: %w", err)
	}
	w.target, err = w.env.Find(ctx, gateway.Query{PID: rig.MasterPID()})
	var sum trace.Summary
	if err == nil {
		w.talk.say("tracing it as this does: apisixscope trace --pid %d", rig.MasterPID())
		sum, err = w.run(ctx)
	}
	load.Stop()
	if _, lerr := load.Wait(context.WithoutCancel(ctx)); err == nil && lerr != nil {
		err = fmt.Errorf("send demo's load: %w", lerr)
	}
	return sum, err
}

// interrupted reports whether the user ended a command before its time.
func interrupted(ctx context.Context, env Env) bool {
	select {
	case <-env.Hurry:
		return true
	default:
		return ctx.Err() != nil
	}
}
