package profile

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	pprof "github.com/google/pprof/profile"
)

// Finish returns what was added in a window that began then. The same samples make the same
// profile, in whichever order they came. Nothing may be added later.
func (b *Builder) Finish(began time.Time, window time.Duration) (*pprof.Profile, Summary) {
	b.stalls.finish()
	return b.Peek(began, window)
}

// Peek returns what was added so far in a window that began then. More may be added: neither
// the profile nor the Summary change with it. Of Stall, ticks that go on are not told of yet.
func (b *Builder) Peek(began time.Time, window time.Duration) (*pprof.Profile, Summary) {
	sum := b.sum
	sum.Began, sum.Window = began, window
	sum.Lost, sum.Truncated, sum.Missing = maps.Clone(sum.Lost), maps.Clone(sum.Truncated), maps.Clone(sum.Missing)
	sum.Notes = slices.Clone(sum.Notes)
	sum.Stalls, sum.Ticks = slices.Clone(b.stalls.ended), b.stalls.ticks
	p := &pprof.Profile{
		SampleType: sampleTypes(b.o.Kind), TimeNanos: began.UnixNano(), DurationNanos: int64(window),
		Period: int64(b.o.Period), PeriodType: &pprof.ValueType{Type: "cpu", Unit: "nanoseconds"},
		Comments: sum.comments(),
	}
	p.DefaultSampleType = p.SampleType[1].Type
	if b.o.Kind == OffCPU {
		p.PeriodType, p.Period = p.SampleType[0], 1
	}
	w := writer{Builder: b, p: p, locations: make([]*pprof.Location, len(b.in.places))}
	w.functions = make([]*pprof.Function, len(b.in.functions))
	w.mappings = make([]*pprof.Mapping, len(b.in.objects))
	if id, ok := b.in.executable(); ok {
		w.mapping(id) // as the first one it is what the profile is said to be of
	}
	for _, e := range b.sorted() {
		w.sample(e, b.values[e])
	}
	return p, sum
}

func sampleTypes(k Kind) []*pprof.ValueType {
	what, of := "samples", "cpu"
	switch k {
	case OffCPU: // named as Go's profiles of blocking are
		what, of = "contentions", "delay"
	case Stall:
		of = "stall"
	}
	return []*pprof.ValueType{{Type: what, Unit: "count"}, {Type: of, Unit: "nanoseconds"}}
}

// sorted returns the entries by stack, from the root, and then by tags.
func (b *Builder) sorted() []entry {
	rank := b.ranks()
	at := func(stack string, i int) int { return rank[binary.LittleEndian.Uint32([]byte(stack[4*i:]))] }
	return slices.SortedFunc(maps.Keys(b.values), func(x, y entry) int {
		if x.stack != y.stack {
			s, t := b.stacks[x.stack], b.stacks[y.stack]
			for i, j := len(s)/4-1, len(t)/4-1; i >= 0 && j >= 0; i, j = i-1, j-1 {
				if c := cmp.Compare(at(s, i), at(t, j)); c != 0 {
					return c
				}
			}
			if c := cmp.Compare(len(s), len(t)); c != 0 {
				return c
			}
		}
		v, u := b.values[x], b.values[y] // whose tags differed before they were cleaned
		return cmp.Or(b.tags[x.tags].compare(&b.tags[y.tags]), cmp.Compare(v[1], u[1]), cmp.Compare(v[0], u[0]))
	})
}

// ranks numbers the places in an order that follows from what they are, not from when they
// came.
func (b *Builder) ranks() []int {
	in := b.in
	order := make([]int, len(in.places))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		p, q := &in.places[i], &in.places[j]
		f, g := &in.functions[p.fn], &in.functions[q.fn]
		c := cmp.Or(cmp.Compare(f.name, g.name), cmp.Compare(f.file, g.file), cmp.Compare(f.start, g.start),
			cmp.Compare(p.kind, q.kind), cmp.Compare(p.line, q.line), cmp.Compare(p.addr, q.addr))
		if c == 0 && p.object != q.object && p.object > 0 && q.object > 0 {
			o, m := &in.objects[p.object-1], &in.objects[q.object-1]
			c = cmp.Or(cmp.Compare(o.Path, m.Path), cmp.Compare(o.BuildID, m.BuildID), cmp.Compare(o.Start, m.Start))
		}
		return c
	})
	rank := make([]int, len(order))
	for r, i := range order {
		rank[i] = r
	}
	return rank
}

// writer makes pprof's values of ours, each when it is first needed.
type writer struct {
	*Builder
	p         *pprof.Profile
	locations []*pprof.Location
	functions []*pprof.Function
	mappings  []*pprof.Mapping
}

func (w *writer) sample(e entry, v *[2]int64) {
	stack := w.stacks[e.stack]
	s := &pprof.Sample{Value: []int64{v[0], v[1]}, Location: make([]*pprof.Location, 0, len(stack)/4)}
	for ; len(stack) > 0; stack = stack[4:] {
		s.Location = append(s.Location, w.location(binary.LittleEndian.Uint32([]byte(stack[:4]))))
	}
	w.tags[e.tags].label(s)
	w.p.Sample = append(w.p.Sample, s)
}

// location has one line, also where functions were inlined: Speedscope reads no more than
// one of each, and pprof would call all but the last one inlined that way.
func (w *writer) location(id uint32) *pprof.Location {
	if l := w.locations[id]; l != nil {
		return l
	}
	p := &w.in.places[id]
	l := &pprof.Location{ID: uint64(len(w.p.Location) + 1), Address: p.addr, Line: []pprof.Line{{Function: w.function(p.fn), Line: int64(p.line)}}}
	if p.object > 0 {
		l.Mapping = w.mapping(p.object - 1)
	}
	w.p.Location = append(w.p.Location, l)
	w.locations[id] = l
	return l
}

func (w *writer) function(id uint32) *pprof.Function {
	if f := w.functions[id]; f != nil {
		return f
	}
	of := &w.in.functions[id]
	f := &pprof.Function{ID: uint64(len(w.p.Function) + 1), Name: of.name, SystemName: of.name, Filename: of.file, StartLine: int64(of.start)}
	w.p.Function = append(w.p.Function, f)
	w.functions[id] = f
	return f
}

func (w *writer) mapping(id uint32) *pprof.Mapping {
	if m := w.mappings[id]; m != nil {
		return m
	}
	o := &w.in.objects[id]
	m := &pprof.Mapping{
		ID: uint64(len(w.p.Mapping) + 1), Start: o.Start, Limit: o.Limit, Offset: o.Offset, File: o.Path, BuildID: o.BuildID,
		HasFunctions: true, HasFilenames: true, HasLineNumbers: true, // so pprof does not look for the file
	}
	w.p.Mapping = append(w.p.Mapping, m)
	w.mappings[id] = m
	return m
}
