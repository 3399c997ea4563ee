package profile

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Summary is what a window saw, and what it could not see.
type Summary struct {
	Kind    Kind
	Period  time.Duration // between two samples; 0 with OffCPU
	Began   time.Time
	Window  time.Duration
	Samples uint64
	Weight  time.Duration // of all samples

	Lost      map[string]uint64 // samples that could not be kept, by cause
	Truncated map[string]uint64 // samples whose stack ends early, by reason
	Missing   map[string]uint64 // samples with a frame that could not be told, by reason
	Coarse    uint64            // samples of which less detail was kept, for want of room
	Notes     []string          // what the source had to say of itself

	Ticks  int       // long ones, with Stall
	Stalls []Blocked // the longest of them, the longest first
}

// Blocked is a long tick of an event loop, and what it was spent with.
type Blocked struct {
	Worker  int
	Tick    Tick
	Samples int
	// Function is the one nearest to the leaf that more than half of the samples share, a
	// Lua function if there is one; empty if they share none.
	Function, File string
	Line           int // where the function begins; 0 for not known
	Plugin, Phase  string
}

// comments says in the profile itself what Summary says beside it.
func (s *Summary) comments() []string {
	what := "apisixscope: " + string(s.Kind)
	if s.Period > 0 {
		what += fmt.Sprintf(", a sample each %v", s.Period)
	}
	out := []string{what}
	for _, c := range []struct {
		what string
		n    map[string]uint64
	}{{"lost", s.Lost}, {"stacks that end early", s.Truncated}, {"stacks with a gap", s.Missing}} {
		for _, cause := range slices.Sorted(maps.Keys(c.n)) {
			out = append(out, fmt.Sprintf("%s: %d, %s", c.what, c.n[cause], cause))
		}
	}
	if s.Coarse > 0 {
		out = append(out, fmt.Sprintf("less detail: %d, there were too many different stacks", s.Coarse))
	}
	for i := range s.Stalls {
		out = append(out, "stall: "+s.Stalls[i].String())
	}
	for _, n := range s.Notes {
		out = append(out, "note: "+n)
	}
	return out
}

// String says it in a sentence.
func (b *Blocked) String() string {
	s := fmt.Sprintf("the loop of worker %d was blocked for %v at %s", b.Worker, roughly(b.Tick.Length), b.Tick.Start.Format("15:04:05.000"))
	switch {
	case b.Function == "":
		return s + fmt.Sprintf(" (%d samples)", b.Samples)
	case b.Plugin != "":
		s += " by " + b.Plugin + "'s " + b.Function
	default:
		s += " by " + b.Function
	}
	switch {
	case b.File != "" && b.Line > 0:
		s += fmt.Sprintf(" (%s:%d)", b.File, b.Line)
	case b.File != "":
		s += " (" + b.File + ")"
	}
	return s
}

// roughly leaves three digits or four.
func roughly(d time.Duration) time.Duration {
	switch {
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond)
	case d >= 100*time.Microsecond:
		return d.Round(10 * time.Microsecond)
	}
	return d
}
