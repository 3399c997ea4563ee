package cmd_test

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// openProfile yields what testrig's samples tell of the kind that is asked for.
func (s scene) openProfile(_ context.Context, asked cmd.Sampling) (profile.Source, error) {
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
