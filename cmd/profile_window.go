package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/profile"
)

// Sampling is what a profile asks of the kernel side.
type Sampling struct {
	Target *gateway.Target
	Kind   profile.Kind  // CPU, OffCPU or Stall
	Hz     int           // samples a second of each CPU; of no concern to OffCPU
	Stall  time.Duration // ticks of the event loop that are no longer are left out, with Stall
	Swept  bool          // profile.Swept tells how far the window was told
	Bare   bool          // native code needs no names
	Log    *slog.Logger
}

// period is the time between two samples.
func (s Sampling) period() time.Duration {
	if s.Kind == profile.OffCPU {
		return 0
	}
	return time.Second / time.Duration(s.Hz)
}

// profileWindow is a profile of one gateway from its opening to its summary.
type profileWindow struct {
	*window
	o       *profileOptions
	title   string // of what is profiled
	samples atomic.Uint64
}

// run opens the window, and waits for its end, but not for an orderly one if the user is
// in a hurry.
func (w *profileWindow) run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- w.watch(ctx) }()
	select {
	case err := <-done:
		return err
	case <-w.env.Hurry:
		w.out.discard()
		return nil
	}
}

func (w *profileWindow) watch(ctx context.Context) error {
	p, sum, err := w.sample(ctx)
	if err != nil || p == nil {
		return err
	}
	return w.show(ctx, p, sum)
}

// show shows the profile, and what is to be said of it.
func (w *profileWindow) show(ctx context.Context, p *pprof.Profile, sum profile.Summary) error {
	if err := w.write(p, sum); err != nil {
		return err
	}
	if w.talk.on && w.target != nil {
		sum.Notes = nil // they were told when they came
	}
	if err := render.ProfileSummary(w.env.Err, sum); err != nil || !w.o.web {
		return err
	}
	stop := ctx.Done()
	if ctx.Err() != nil { // Ctrl-C has ended the window: it takes another one
		stop = w.env.Hurry
	}
	return serveProfile(stop, p, w.o.by, func(address string) {
		fmt.Fprintf(w.env.Err, "profile: %s\nCtrl-C ends it\n", address)
	})
}

// sample returns what the window saw; nil if there was none.
func (w *profileWindow) sample(ctx context.Context) (*pprof.Profile, profile.Summary, error) {
	w.talk.say("gateway: %s", describe(w.target))
	asked := Sampling{Target: w.target, Kind: w.o.kind(), Hz: w.o.hz, Stall: w.o.stalls, Log: w.env.Log}
	src, err := w.env.OpenProfile(ctx, asked)
	if err != nil {
		return nil, profile.Summary{}, err
	}
	if ctx.Err() != nil { // there was no window
		return nil, profile.Summary{}, src.Close()
	}
	ctx, cancel := w.bound(ctx)
	defer cancel()
	if w.env.verbose() {
		w.talk.say("sampling after %d ms", time.Since(w.env.Began).Milliseconds())
	}
	w.talk.say("profiling %s", w.extent())
	stop := w.progress(ctx, func() string { return fmt.Sprintf("%d samples", w.samples.Load()) })
	p, sum, err := profile.Pipeline{
		From: src, Build: profile.NewBuilder(profile.Options{Kind: asked.Kind, Period: asked.period()}),
		Each: func(*profile.Sample) { w.samples.Add(1) },
		Talk: func(note string) { w.talk.say("note: %s", note) },
	}.Run(ctx)
	stop()
	return p, sum, errors.Join(err, src.Close())
}

// write shows the profile where it is wanted.
func (w *profileWindow) write(p *pprof.Profile, sum profile.Summary) error {
	if w.o.quiet {
		return nil
	}
	err := render.Profile(w.o.format, w.out, p, sum, render.ProfileOptions{
		Options: w.o.place.options(w.env, w.out), By: w.o.by, Title: w.title, Version: w.env.Version,
	})
	if w.out.unread(err) {
		err = nil
	}
	if err != nil {
		return err
	}
	return w.out.commit()
}
