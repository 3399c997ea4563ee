package luajit

import (
	"slices"
	"strings"
	"testing"
)

// standing is the stack on which the workload's pause stands still, leaf first; "@" marks
// the line of a frame.
var standing = []string{
	"ffi.__call", "each @each", "string.gsub", "compare @compare", "table.sort", "__index @__index",
	"spread @spread", "guarded @guarded", "pcall", "_M.pause @pause", "main chunk",
}

func TestStack(t *testing.T) {
	readers(t, func(t *testing.T, m *image, r *Reader) {
		calls, err := r.Stack(Point{State: m.State, IP: m.IP})
		if err != nil {
			t.Fatal(err)
		}
		stack := frames(r, calls)
		var got []string
		for _, f := range stack {
			name := f.Name
			if _, mark, ok := strings.Cut(workloadLine(t, f.Line), "-- @"); ok && inWorkload(f) {
				name += " @" + mark
			}
			if inWorkload(f) && (f.Line <= f.First || f.Line >= f.Last) {
				t.Errorf("%s is at line %d, but goes from %d to %d", f.Name, f.Line, f.First, f.Last)
			}
			got = append(got, name)
		}
		if len(got) < len(standing) || !slices.Equal(got[:len(standing)], standing) {
			t.Errorf("stack %q, want %q", got, standing)
		}
		if wrong := falseEdges(t, stack); len(wrong) > 0 {
			t.Errorf("false calls: %v", wrong)
		}
		if state, runs := r.Running(); state != m.State || !runs {
			t.Errorf("%#x runs: %v; want %#x", state, runs, m.State)
		}
	})
}

// TestPhase, of the main chunk that nginx.conf holds.
func TestPhase(t *testing.T) {
	m := openImage(t, "nginx-20230119")
	r := m.reader(t)
	calls, err := r.Stack(Point{State: m.State})
	if err != nil {
		t.Fatal(err)
	}
	last := frames(r, calls)[len(calls)-1]
	if last.Name != "main chunk" || last.Phase != "content_by_lua" || last.File != "content_by_lua(nginx.conf:16)" || last.Line != 2 || last.First != 0 {
		t.Errorf("%+v", last)
	}
}

// TestStackOfNothing: what is no stack of this VM is refused, and the rest of a damaged one kept.
func TestStackOfNothing(t *testing.T) {
	m := openImage(t, "luajit-20210510").clone()
	r := m.reader(t)
	for _, state := range []uint64{0, 1, m.State + 8, r.vm.Global, 1 << 63, ^uint64(0)} {
		if calls, err := r.Stack(Point{State: state}); err == nil {
			t.Errorf("stack of %#x: %v", state, calls)
		}
	}
	calls, _ := r.Stack(Point{State: m.State})
	base := r.mem.word(m.State + 32)
	m.write(base-16, make([]byte, 16)) // neither function nor link
	r.Forget()
	if left, err := r.Stack(Point{State: m.State}); err == nil || len(left) != 0 {
		t.Errorf("of %d calls without the first, %v (%v)", len(calls), left, err)
	}
}
