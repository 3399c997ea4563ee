package bench

import (
	"slices"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestJoin(t *testing.T) {
	logged := func(number int, path string, end time.Duration) *fact {
		return &fact{AccessLine: testrig.AccessLine{Worker: 7, ClientPort: 4000, ConnectionSeq: number,
			Request: "GET " + path + " HTTP/1.1", Time: at(end)}}
	}
	trace := func(number int, path string, start time.Duration) *traced {
		return &traced{PID: 7, ClientPort: 4000, ConnectionRequest: number, Start: at(start), Duration: 5 * ms,
			Method: "GET", Path: path, Version: "1.1"}
	}
	answered := func(f *fact) *fact { f.Status = 200; return f }
	replied := func(x *traced) *traced { x.Status = 200; return x }
	for _, tt := range []struct {
		name   string
		probes bool
		facts  []*fact
		traces []*traced
		want   []int // of each fact, the index of its trace or -1
		counts joined
	}{
		{"a port used again", true,
			[]*fact{logged(1, "/a", 5*ms), logged(1, "/a", time.Minute), logged(1, "/a", time.Hour)},
			[]*traced{trace(1, "/a", time.Minute), trace(1, "/a", 2*time.Hour), trace(1, "/a", 0)},
			[]int{2, 0, -1}, joined{extra: make([]*traced, 1)}},
		{"requests beside each other", true,
			[]*fact{logged(2, "/a", 5*ms), logged(1, "/b", 6*ms)},
			[]*traced{trace(1, "/b", 0), trace(2, "/x", ms)},
			[]int{1, 0}, joined{misread: 1}},
		{"another number", true,
			[]*fact{logged(1, "/a", 5*ms)}, []*traced{trace(2, "/a", 0)},
			[]int{-1}, joined{extra: make([]*traced, 1)}},
		{"one exchange too many", false,
			[]*fact{logged(1, "/a", 5*ms), logged(2, "/a", 15*ms), logged(3, "/a", 25*ms), logged(4, "/b", 35*ms)},
			[]*traced{trace(1, "/a", 0), trace(2, "/x", 5*ms), trace(3, "/a", 10*ms), trace(4, "/a", 20*ms), trace(5, "/b", 30*ms)},
			[]int{0, 2, 3, 4}, joined{misnumbered: 3, extra: make([]*traced, 1)}},
		{"one exchange too few", false,
			[]*fact{logged(1, "/a", 5*ms), logged(2, "/a", 15*ms), logged(3, "/a", 25*ms)},
			[]*traced{trace(2, "/a", 20*ms), trace(1, "/a", 10*ms)},
			[]int{-1, 1, 0}, joined{misnumbered: 2}},
		{"a request that was not answered", false,
			[]*fact{answered(logged(1, "/a", 9*ms))}, []*traced{trace(2, "/a", 5*ms), replied(trace(1, "/a", 0))},
			[]int{1}, joined{extra: make([]*traced, 1)}},
	} {
		traces := slices.Clone(tt.traces)
		j := join(tt.facts, tt.traces, tt.probes)
		for i, f := range tt.facts {
			if got := slices.Index(traces, j.of[f]); got != tt.want[i] {
				t.Errorf("%s: fact %d: want trace %d, got %d", tt.name, i, tt.want[i], got)
			}
		}
		if j.misnumbered != tt.counts.misnumbered || j.misread != tt.counts.misread || len(j.extra) != len(tt.counts.extra) {
			t.Errorf("%s: want %+v, got %+v", tt.name, tt.counts, *j)
		}
	}
}
