package profile

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// maxStalls is how many long ticks are told one by one.
const maxStalls = 20

// stalls finds out what long ticks were spent with. Samples of one come one after the
// other, but those of several workers may be mixed.
type stalls struct {
	in    *interner
	open  map[int]*stall // by worker
	ended []Blocked      // the longest ticks, the longest first
	ticks int
}

type stall struct {
	tick      Tick
	samples   int
	functions map[uint32]*presence
	plugins   map[string]int
	phases    map[string]int
}

// presence is in how many samples of a tick a function was, and how far from the root.
type presence struct {
	samples, depth int
	lua            bool
	last           int // the sample that was counted last, from 1
}

// add takes a sample, and the key of its stack.
func (st *stalls) add(s *Sample, key []byte) {
	if st.open == nil {
		st.open = map[int]*stall{}
	}
	t := st.open[s.PID]
	if t != nil && !t.tick.Start.Equal(s.Tick.Start) {
		st.end(s.PID, t)
		t = nil
	}
	if t == nil {
		t = &stall{tick: s.Tick, functions: map[uint32]*presence{}, plugins: map[string]int{}, phases: map[string]int{}}
		st.open[s.PID] = t
	}
	t.tick.Length = max(t.tick.Length, s.Tick.Length)
	t.samples++
	t.plugins[clean(s.Labels.Plugin, maxLabel)]++
	t.phases[clean(s.Labels.Phase, maxLabel)]++
	frames := len(key) / 4
	for i := range frames {
		p := &st.in.places[binary.LittleEndian.Uint32(key[4*i:])]
		f := t.functions[p.fn]
		if f == nil {
			f = &presence{}
			t.functions[p.fn] = f
		}
		if f.last == t.samples || p.kind == FrameMissing { // recursion counts once, by its innermost frame
			continue
		}
		f.last = t.samples
		f.samples++
		f.depth += frames - i
		f.lua = f.lua || isLua(p.kind)
	}
}

func (st *stalls) end(pid int, t *stall) {
	delete(st.open, pid)
	st.ticks++
	b := Blocked{Worker: pid, Tick: t.tick, Samples: t.samples, Plugin: most(t.plugins, t.samples), Phase: most(t.phases, t.samples)}
	if id, ok := t.culprit(); ok {
		f := st.in.functions[id]
		b.Function, b.File, b.Line = f.name, f.file, f.start
	}
	st.ended = append(st.ended, b)
	slices.SortStableFunc(st.ended, func(a, b Blocked) int {
		return cmp.Or(cmp.Compare(b.Tick.Length, a.Tick.Length), a.Tick.Start.Compare(b.Tick.Start), cmp.Compare(a.Worker, b.Worker))
	})
	st.ended = st.ended[:min(len(st.ended), maxStalls)]
}

// culprit returns the function nearest to the leaf that more than half of the samples have.
func (t *stall) culprit() (uint32, bool) {
	var best *presence
	var id uint32
	for i, f := range t.functions {
		if 2*f.samples <= t.samples {
			continue
		}
		if best == nil || nearer(f, best) > 0 || nearer(f, best) == 0 && i < id {
			best, id = f, i
		}
	}
	return id, best != nil
}

// nearer compares by Lua first, and then by the mean distance from the root.
func nearer(f, g *presence) int {
	if f.lua != g.lua {
		if f.lua {
			return 1
		}
		return -1
	}
	return cmp.Compare(f.depth*g.samples, g.depth*f.samples)
}

// most returns the word that more than half of the samples have.
func most(words map[string]int, samples int) string {
	for w, n := range words {
		if 2*n > samples {
			return w
		}
	}
	return ""
}

// finish ends all ticks.
func (st *stalls) finish() {
	for pid, t := range st.open {
		st.end(pid, t)
	}
}
