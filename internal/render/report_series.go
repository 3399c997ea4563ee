package render

import (
	"slices"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
)

const (
	// seriesMost is how many steps of time a report draws; a longer window has longer steps.
	seriesMost = 240
	// seriesCauses is how many causes are told apart in each of them.
	seriesCauses = 32
)

// series counts requests by when they ended, in steps of a second, or of twice that as often
// as it takes. The zero series is empty.
type series struct {
	step   time.Duration
	from   time.Time // the first step's beginning
	steps  []*step   // nil where nothing ended
	causes []cause   // of those that failed; further ones share the last number
}

// step is what ended in one of them.
type step struct {
	classes [statusClasses]uint64
	took    metrics.Histogram
	causes  [seriesCauses + 1]uint32 // of those that failed
}

func (s *step) requests() uint64 { return s.classes[classGood] + s.classes[classRefused] + s.failed() }
func (s *step) failed() uint64   { return s.classes[classFailed] }

// add counts a request that ended then. One of which no time is known is left out.
func (s *series) add(end time.Time, x *trace.Exchange, class int, c cause) {
	if x.Start.IsZero() {
		return
	}
	at := s.at(end)
	if s.steps[at] == nil {
		s.steps[at] = &step{}
	}
	of := s.steps[at]
	of.classes[class]++
	if x.Status != 101 {
		of.took.Add(max(x.Duration, 0))
	}
	if class == classFailed {
		of.causes[s.number(c)]++
	}
}

// at returns the step of a time, for which it makes room.
func (s *series) at(t time.Time) int {
	if s.steps == nil {
		s.step, s.from = time.Second, t.Truncate(time.Second)
	}
	for {
		after := t.Sub(s.from)
		i := int(after / s.step)
		if after < 0 {
			i = -int((-after + s.step - 1) / s.step)
		}
		switch {
		case i >= seriesMost, i < len(s.steps)-seriesMost:
			s.halve()
		case i < 0:
			s.steps = append(make([]*step, -i), s.steps...)
			s.from = s.from.Add(time.Duration(i) * s.step)
		default:
			if i >= len(s.steps) {
				s.steps = append(s.steps, make([]*step, i+1-len(s.steps))...)
			}
			return i
		}
	}
}

// halve makes each two steps one.
func (s *series) halve() {
	s.step *= 2
	from := s.from.Truncate(s.step)
	if from.Before(s.from) { // the first one joins what would have been before it
		s.steps = append([]*step{nil}, s.steps...)
	}
	s.from = from
	var out []*step
	for pair := range slices.Chunk(s.steps, 2) {
		out = append(out, merged(pair))
	}
	s.steps = out
}

func merged(pair []*step) *step {
	var out *step
	for _, p := range pair {
		switch {
		case out == nil:
			out = p
		case p != nil:
			for i, n := range p.classes {
				out.classes[i] += n
			}
			for i, n := range p.causes {
				out.causes[i] += n
			}
			out.took.Merge(&p.took)
		}
	}
	return out
}

// number returns a cause's place in the counts of a step.
func (s *series) number(c cause) int {
	for i := range s.causes {
		if s.causes[i] == c {
			return i
		}
	}
	if len(s.causes) < seriesCauses {
		c.own()
		s.causes = append(s.causes, c)
		return len(s.causes) - 1
	}
	return seriesCauses
}

// time returns when a step begins.
func (s *series) time(i int) time.Time { return s.from.Add(time.Duration(i) * s.step) }
