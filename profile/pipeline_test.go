package profile_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// slice is a Source of samples that are known.
type slice struct {
	samples []profile.Sample
	end     error
	next    int
}

func (s *slice) Next(context.Context) (profile.Sample, error) {
	if s.next == len(s.samples) {
		return profile.Sample{}, s.end
	}
	s.next++
	return s.samples[s.next-1], nil
}

func (s *slice) Close() error { return nil }

func TestPipeline(t *testing.T) {
	samples := append(testrig.Samples(), profile.Sample{Kind: profile.Note, Cause: "no symbols"}, profile.Sample{Kind: profile.Lost, Cause: "ring", Count: 2})
	var talk []string
	labelled := 0
	run := func(ctx context.Context, end error) (profile.Summary, error) {
		p, sum, err := profile.Pipeline{
			From: &slice{samples: samples, end: end}, Build: profile.NewBuilder(cpu()),
			Each: func(s *profile.Sample) {
				if s.Labels.Plugin != "" {
					labelled++
				}
			},
			Talk: func(note string) { talk = append(talk, note) },
		}.Run(ctx)
		if err == nil && p.CheckValid() != nil {
			t.Error(p.CheckValid())
		}
		return sum, err
	}
	sum, err := run(context.Background(), io.EOF)
	if err != nil || sum.Samples != 353 || sum.Lost["ring"] != 2 || labelled != 259 || len(talk) != 1 || sum.Began.IsZero() {
		t.Errorf("%v %+v, %d labelled, talk %q", err, sum, labelled, talk)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if sum, err = run(ctx, context.Canceled); err != nil || sum.Samples != 353 {
		t.Errorf("the end of the context: %v, %d samples", err, sum.Samples)
	}
	broken := errors.New("read ring buffer: file already closed")
	if _, err = run(context.Background(), broken); !errors.Is(err, broken) {
		t.Errorf("a broken source: %v", err)
	}
}
