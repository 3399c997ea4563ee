package profile

import (
	"context"
	"errors"
	"io"
	"time"

	pprof "github.com/google/pprof/profile"
)

// Pipeline joins the stages of a profile.
type Pipeline struct {
	From  Source
	Build *Builder
	// Each sees a sample once it has its labels; nil for nobody.
	Each func(*Sample)
	// Talk is told what the source says about itself while it runs; nil for nobody.
	Talk func(string)
}

// Run moves samples until the source ends or the context is done: both are a good end.
func (p Pipeline) Run(ctx context.Context) (*pprof.Profile, Summary, error) {
	began := time.Now()
	for {
		s, err := p.From.Next(ctx)
		if errors.Is(err, io.EOF) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			out, sum := p.Build.Finish(began, time.Since(began))
			return out, sum, nil
		}
		if err != nil {
			return nil, Summary{}, err
		}
		if s.Kind == Note && p.Talk != nil {
			p.Talk(s.Cause)
		}
		s.Label()
		if p.Each != nil {
			p.Each(&s)
		}
		p.Build.Add(&s)
	}
}
