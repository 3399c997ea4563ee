package cmd_test

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// openProfile yields what testrig's samples tell of the kind that is asked for.
func (s scene) openProfile(_ context.Context, asked cmd.Sampling) (profile.Source, error) {
	if s == sceneUnsampled {
		return nil, hint.Wrap(errors.New("look into worker 4132: open /proc/4132/mem: permission denied"), "run as root")
	}
	if asked.Swept {
		return &sampled{scene: s, all: shopSamples()}, nil
	}
	all := testrig.Samples()
	for i := range all {
		all[i].Kind = asked.Kind
		all[i].Tick = profile.Tick{Start: testrig.SamplesBegan, Length: max(asked.Stall, 34*time.Millisecond)}
	}
	if s == sceneLossy {
		all = append(all, profile.Sample{Kind: profile.Lost, Cause: "ring buffer full", Count: 3}, profile.Sample{Kind: profile.Note, Cause: "libfoo.so has no \x1b[31msymbols"})
	}
	return &sampled{scene: s, all: all}, nil
}

// sampled is a profile.Source that ends with the context.
type sampled struct {
	scene scene
	all   []profile.Sample
	next  int
}

func (s *sampled) Next(ctx context.Context) (profile.Sample, error) {
	s.next++
	switch s.scene {
	case sceneStuck:
		<-(chan struct{})(nil)
	case sceneBroken:
		return profile.Sample{}, errors.New("read ring buffer: file already closed")
	case sceneQuiet:
	case sceneBusy:
		time.Sleep(time.Millisecond)
		if ctx.Err() == nil {
			return s.all[s.next%len(s.all)], nil
		}
	default:
		if s.next <= len(s.all) {
			return s.all[s.next-1], nil
		}
	}
	<-ctx.Done()
	return profile.Sample{}, io.EOF
}

func (s *sampled) Close() error { return nil }

// shopSamples are of what the shop's gateway does: its second request burns the CPU, and so
// does a timer.
func shopSamples() []profile.Sample {
	const period = time.Second / 99
	var all []profile.Sample
	add := func(request int, after time.Duration) {
		start := began.Add(time.Duration(request) * time.Second)
		s := profile.Sample{Kind: profile.CPU, Time: start.Add(after), PID: 4132, TID: 4132, Count: 1, Weight: period}
		if request > 0 {
			s.Labels.Request, s.Labels.Started = uint64(request), start
		}
		all = append(all, s)
	}
	add(0, period)
	add(1, 2*time.Millisecond)
	for i := range 20 {
		add(2, time.Duration(i+1)*period)
	}
	return append(all, profile.Sample{Kind: profile.Swept, Time: began.Add(time.Hour)})
}
