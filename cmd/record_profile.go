package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/profile"
)

// stacks is a source of samples that adds them up on their way, and keeps the profile in the
// recording now and then, and when it is closed.
type stacks struct {
	profile.Source
	r       *recording
	to      *replay.Writer
	build   *profile.Builder
	began   time.Time
	due     time.Time
	samples uint64
}

// errUnwanted is why there is no profile where nobody wants one.
var errUnwanted = errors.New("it was recorded with --no-profile")

// openStacks begins to sample the workers; an error says why there is no profile.
func (r *recording) openStacks(ctx context.Context) (*stacks, error) {
	switch {
	case r.o.noProfile:
		return nil, errUnwanted
	case r.env.OpenProfile == nil:
		return nil, errors.New("this program was built without its sampler")
	}
	asked := Sampling{Target: r.target, Kind: profile.CPU, Hz: r.o.hz, Swept: true, Log: r.env.Log}
	src, err := r.env.OpenProfile(ctx, asked)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	s := &stacks{
		Source: src, r: r, began: now, due: now.Add(profileEvery),
		build: profile.NewBuilder(profile.Options{Kind: profile.CPU, Period: asked.period()}),
	}
	return s, nil
}

// profileEvery is between two profiles that are kept, at least; what came since the last one
// is lost if the program is killed.
const profileEvery = 10 * time.Second

// traced reports whether samples go on to the trace, which tells of which requests they are.
func (s *stacks) traced() bool {
	return s != nil && s.r.target.Lua != nil && s.r.target.LayoutSource.Known()
}

// cpu is what the window is to ask of the CPU times of single requests.
func (r *recording) cpu() cpuOptions { return cpuOptions{on: r.stacks.traced(), hz: r.o.hz} }

// sampled is the world as the window sees it: it gets the samples on their way to the profile.
func (r *recording) sampled() Env {
	env := r.env
	env.OpenTrace = r.open
	env.OpenProfile = func(context.Context, Sampling) (profile.Source, error) { return r.stacks, nil }
	return env
}

// Next returns the next sample once it is counted. What the sampler has to say of itself is
// the profile's alone.
func (s *stacks) Next(ctx context.Context) (profile.Sample, error) {
	for {
		p, err := s.Source.Next(ctx)
		if err != nil {
			return p, err
		}
		p.Label()
		s.build.Add(&p)
		if p.Kind == profile.CPU {
			s.samples += uint64(max(p.Count, 1))
		}
		if now := time.Now(); now.After(s.due) {
			if err := s.write(s.build.Peek); err != nil {
				return p, err
			}
			// A long window has no more of them than a few dozen.
			s.due = time.Now().Add(max(profileEvery, 10*time.Since(now), now.Sub(s.began)/10))
		}
		if p.Kind != profile.Lost && p.Kind != profile.Note {
			return p, nil
		}
	}
}

// write keeps the profile of the samples so far, as tell has it.
func (s *stacks) write(tell func(time.Time, time.Duration) (*pprof.Profile, profile.Summary)) error {
	p, sum := tell(s.began, time.Since(s.began))
	if err := s.to.Profile(p, &sum); err != nil {
		return s.r.writeError(err)
	}
	return nil
}

// Close ends the sampling, and keeps all that was sampled, if there was a window.
func (s *stacks) Close() error {
	if s == nil {
		return nil
	}
	err := s.Source.Close()
	if s.r.opened.Load() {
		err = errors.Join(err, s.write(s.build.Finish))
	}
	return err
}

// pump takes samples for as long as the window lasts, where the trace does not. The function
// it returns ends that.
func (s *stacks) pump(ctx context.Context) (end func() error) {
	if s == nil || s.traced() {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		for {
			_, err := s.Next(ctx)
			switch {
			case errors.Is(err, io.EOF), err != nil && ctx.Err() != nil:
				done <- s.Close()
				return
			case err != nil:
				done <- errors.Join(fmt.Errorf("sample stacks: %w", err), s.Close())
				return
			}
		}
	}()
	return func() error {
		cancel()
		return <-done
	}
}
