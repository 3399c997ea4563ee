package cmd

import (
	"context"
	"errors"
	"io"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/tui"
)

// profilePause is between two profiles that are shown, at least; making one may take a while.
const profilePause = 2 * time.Second

// profile samples the workers from when their profile is first looked at.
func (w *topWindow) profile(ctx context.Context, send func(tea.Msg)) error {
	if w.env.OpenProfile == nil {
		send(tui.Profile{Status: "this program was built without its sampler"})
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-w.sample:
	}
	send(tui.Profile{Status: "opening the sampler"})
	asked := Sampling{Target: w.target, Kind: profile.CPU, Hz: w.o.hz, Swept: true, Log: w.window.env.Log}
	src, err := w.env.OpenProfile(ctx, asked)
	if err != nil {
		send(tui.Profile{Status: "no profile: " + err.Error()})
		return err
	}
	send(tui.Profile{Status: "sampling"})
	b := profile.NewBuilder(profile.Options{Kind: profile.CPU, Period: asked.period()})
	return errors.Join(sampleInto(ctx, b, src, send), src.Close())
}

// sampleInto shows what the samples say so far, now and then and at the end.
func sampleInto(ctx context.Context, b *profile.Builder, src profile.Source, send func(tea.Msg)) error {
	began := time.Now()
	due := began.Add(profilePause)
	show := func(status string) {
		at := time.Now()
		p, sum := b.Peek(began, at.Sub(began))
		send(tui.Profile{Profile: p, Summary: sum, Status: status})
		due = time.Now().Add(max(profilePause, 10*time.Since(at)))
	}
	for {
		s, err := src.Next(ctx)
		switch {
		case errors.Is(err, io.EOF) || ctx.Err() != nil && errors.Is(err, ctx.Err()):
			show("")
			return nil
		case err != nil:
			send(tui.Profile{Status: "no profile: " + err.Error()})
			return err
		}
		s.Label()
		b.Add(&s)
		if time.Now().After(due) {
			show("sampling")
		}
	}
}
