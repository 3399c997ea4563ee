package profile

import (
	"cmp"
	"maps"
	"path"
	"slices"

	pprof "github.com/google/pprof/profile"
)

// ByFunction is what a Table can be by beside the keys of labels.
const ByFunction = "function"

// Row is one line of a Table. Times are in nanoseconds.
type Row struct {
	// Name is the function's, or the label's value; empty for samples without that label.
	Name string
	// Title is what else a label's value is called, as a route's name; may be empty.
	Title   string
	File    string // of a function; may be empty
	Line    int    // where the function begins; 0 for not known
	Object  string // the base name of a native function's object
	Kind    FrameKind
	Flat    int64 // of the function itself; of a label the same as Cum
	Cum     int64 // with what it called
	Samples int64 // of Cum
	// Compiled is how much of Cum a Lua function's frame was JIT-compiled.
	Compiled int64
}

// Total returns the time of all samples.
func Total(p *pprof.Profile) int64 {
	var sum int64
	for _, s := range p.Sample {
		sum += s.Value[1]
	}
	return sum
}

// Table returns the rows by function, the one with the most of its own first; or by a
// label's values, the greatest first and those without last.
func Table(p *pprof.Profile, by string) []Row {
	if by == ByFunction {
		return functionTable(p)
	}
	rows := map[string]*Row{}
	for _, s := range p.Sample {
		value := LabelOf(s, by)
		r := rows[value]
		if r == nil {
			r = &Row{Name: value}
			rows[value] = r
		}
		if by == LabelRoute && r.Title == "" {
			r.Title = LabelOf(s, LabelRouteName)
		}
		r.Flat += s.Value[1]
		r.Cum += s.Value[1]
		r.Samples += s.Value[0]
	}
	return sorted(rows, func(a, b *Row) int {
		if (a.Name == "") != (b.Name == "") {
			return cmp.Compare(b.Name, a.Name)
		}
		return cmp.Or(cmp.Compare(b.Cum, a.Cum), cmp.Compare(a.Name, b.Name))
	})
}

func functionTable(p *pprof.Profile) []Row {
	rows := map[*pprof.Function]*Row{}
	kinds := map[*pprof.Function]map[FrameKind]int64{}
	for _, s := range p.Sample {
		seen := map[*pprof.Function]bool{}
		for i, l := range s.Location {
			f := l.Line[0].Function
			r := rows[f]
			if r == nil {
				r = &Row{Name: f.Name, File: f.Filename, Line: int(f.StartLine)}
				rows[f], kinds[f] = r, map[FrameKind]int64{}
			}
			if i == 0 {
				r.Flat += s.Value[1]
			}
			if seen[f] { // recursion
				continue
			}
			seen[f] = true
			r.Cum += s.Value[1]
			r.Samples += s.Value[0]
			k := KindOf(l)
			kinds[f][k] += s.Value[1]
			if k == FrameJIT {
				r.Compiled += s.Value[1]
			}
			if k == FrameNative && l.Mapping != nil {
				r.Object = path.Base(l.Mapping.File)
			}
		}
	}
	for f, r := range rows {
		for _, k := range slices.Sorted(maps.Keys(kinds[f])) {
			if r.Kind == "" || kinds[f][k] > kinds[f][r.Kind] {
				r.Kind = k
			}
		}
	}
	return sorted(rows, func(a, b *Row) int {
		return cmp.Or(cmp.Compare(b.Flat, a.Flat), cmp.Compare(b.Cum, a.Cum), cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}

func sorted[K comparable](rows map[K]*Row, compare func(a, b *Row) int) []Row {
	var all []*Row
	for _, r := range rows {
		all = append(all, r)
	}
	slices.SortFunc(all, compare)
	out := make([]Row, len(all))
	for i, r := range all {
		out[i] = *r
	}
	return out
}

// LabelOf returns the value of a sample's label; empty for none.
func LabelOf(s *pprof.Sample, key string) string {
	if v := s.Label[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

var objectKinds = func() map[string]FrameKind {
	kinds := map[string]FrameKind{}
	for k, o := range kindObjects {
		kinds[o.Path] = k
	}
	return kinds
}()

// KindOf returns what kind of frame a location is.
func KindOf(l *pprof.Location) FrameKind {
	if l.Mapping == nil {
		return FrameNative
	}
	return cmp.Or(objectKinds[l.Mapping.File], FrameNative)
}

// With returns the part of a profile whose samples have a label of this value. It shares
// all with p.
func With(p *pprof.Profile, label, value string) *pprof.Profile {
	part := &pprof.Profile{
		SampleType: p.SampleType, DefaultSampleType: p.DefaultSampleType, PeriodType: p.PeriodType, Period: p.Period,
		Mapping: p.Mapping, Location: p.Location, Function: p.Function, TimeNanos: p.TimeNanos, DurationNanos: p.DurationNanos,
	}
	for _, s := range p.Sample {
		if LabelOf(s, label) == value {
			part.Sample = append(part.Sample, s)
		}
	}
	return part
}
