package luajit

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTraces takes each address of compiled code: all functions that are said to run there
// call one another in the source, on the lines that are said.
func TestTraces(t *testing.T) {
	chains := map[string]bool{} // of all images: what is compiled is a matter of chance
	readers(t, func(t *testing.T, _ *image, r *Reader) {
		r.readTraces()
		addresses, empty, traces := 0, 0, len(r.traces.byCode)
		for _, tr := range r.traces.byCode {
			for pc := tr.code.Start; pc < tr.code.End; pc++ {
				got, ok := r.Trace(pc)
				if !ok || got.Number != tr.number() || got.Code != tr.code {
					t.Fatalf("%#x of trace %d: %+v", pc, tr.number(), got)
				}
				addresses++
				if len(got.Calls) == 0 {
					empty++
				}
				stack := frames(r, got.Calls)
				if wrong := falseEdges(t, stack); len(wrong) > 0 {
					t.Fatalf("trace %d at %d: %v", got.Number, pc-tr.code.Start, wrong)
				}
				chains[chain(stack)] = true
			}
		}
		t.Logf("%d traces, %d addresses", traces, addresses)
		if traces < 30 || empty > 0 {
			t.Errorf("of %d addresses in %d traces %d tell nothing", addresses, traces, empty)
		}
		for _, outside := range []uint64{0, r.vm.Global, r.traces.byCode[0].code.Start - 1, r.traces.byCode[traces-1].code.End, ^uint64(0)} {
			if got, ok := r.Trace(outside); ok {
				t.Errorf("%#x is in trace %+v", outside, got)
			}
		}
		for _, tr := range r.traces.byCode {
			if !slices.ContainsFunc(r.Code(), func(area Range) bool { return area.Contains(tr.code.Start) && area.Contains(tr.code.End-1) }) {
				t.Errorf("trace %d is in none of the code areas %x", tr.number(), r.Code())
			}
		}
	})
	for _, want := range []string{
		"leaf < middle", "leaf < sum < _M.varargs", "__index < _M.metamethods", "thrower < pcall < _M.caught", "middle < _M.compiled", "depth < _M.recursive",
	} {
		if !chains[want] {
			t.Errorf("no code of %s", want)
		}
	}
}

func chain(stack []frame) string {
	var all []string
	for _, f := range stack {
		all = append(all, f.Name)
	}
	return strings.Join(all, " < ")
}

// TestTracesAreReadAgain when the process flushed them, but not on each miss.
func TestTracesAreReadAgain(t *testing.T) {
	m := openImage(t, "nginx-20230119").clone()
	r := m.reader(t)
	now := time.Unix(0, 0)
	r.now = func() time.Time { return now }
	r.readTraces()
	tr := r.traces.byCode[0]
	pc := tr.code.Start
	if _, ok := r.Trace(pc); !ok {
		t.Fatal("the trace is not found")
	}
	array := r.mem.word(r.vm.Global + uint64(r.vm.Layout.Global.Trace))
	ref := array + 8*uint64(tr.number())
	m.write(ref, make([]byte, 8))
	r.Forget()
	if _, ok := r.Trace(pc); ok {
		t.Error("a trace that was flushed is found")
	}
	if len(r.traces.byCode) == 0 || r.traces.find(pc) != tr {
		t.Error("traces were read again within 20 ms")
	}
	now = now.Add(rereadEvery)
	if _, ok := r.Trace(pc); ok || r.traces.find(pc) != nil {
		t.Error("a trace that was flushed is found, later")
	}
	if next := r.traces.byCode[0]; r.traces.known[next.at] != next {
		t.Error("what is known of a trace that stays was lost")
	}
}

// TestSnapshotForms: each release's own form is recognised, from any trace that does not fit both.
func TestSnapshotForms(t *testing.T) {
	want := map[string]snapKind{"nginx-20230119": snapPlaced, "luajit-20210510": snapBare, "luajit-20190507": snapBare}
	for _, name := range images {
		r := openImage(t, name).reader(t)
		r.readTraces()
		sure, both := 0, 0
		for _, tr := range r.traces.byCode {
			s := r.mem.readSnapshots(tr.head[:], snapUnknown)
			if s == nil {
				t.Errorf("%s: trace %d fits no form", name, tr.number())
				continue
			}
			switch {
			case s.fits(snapPlaced) && s.fits(snapBare):
				both++
			case s.kind == want[name]:
				sure++
			default:
				t.Errorf("%s: trace %d has form %d", name, tr.number(), s.kind)
			}
		}
		if sure == 0 {
			t.Errorf("%s: no trace tells its form", name)
		}
		t.Logf("%s: %d traces tell their form, %d fit both", name, sure, both)
	}
}

// TestGuards compares what guards say of a snapshot's place, for releases whose snapshots
// do not say it, with what snapshots say that do.
func TestGuards(t *testing.T) {
	r := openImage(t, "nginx-20230119").reader(t)
	r.readTraces()
	var code, same, sameCalls int
	for _, tr := range r.traces.byCode {
		r.Trace(tr.code.Start) // decodes it
		guards := r.mem.guards(tr.code, tr.snaps.len())
		for at := range tr.code.End - tr.code.Start {
			a, b := snapAt(tr.places, at), snapAt(guards, at)
			code++
			if a == b {
				same++
			}
			if chain(frames(r, r.chain(tr.snaps, a))) == chain(frames(r, r.chain(tr.snaps, b))) {
				sameCalls++
			}
		}
	}
	t.Logf("of %d bytes of code, guards give the snapshot of %.1f%%, and the calls of %.1f%%",
		code, 100*float64(same)/float64(code), 100*float64(sameCalls)/float64(code))
	if sameCalls < code*85/100 {
		t.Error("guards tell too little")
	}
}

func snapAt(places []place, at uint64) int {
	snap := 0
	for _, p := range places {
		if p.from <= at {
			snap = p.snap
		}
	}
	return snap
}

// TestExitNumber of stubs as asm_exitstub_gen in lj_asm_x86.h writes them.
func TestExitNumber(t *testing.T) {
	const at = 0x10010
	for group := range 12 {
		m := words(map[uint64]uint64{at: 0})
		var stubs []byte
		for i := range 32 {
			if i > 0 {
				stubs = append(stubs, 0xeb, byte(4*(32-i)-2))
			}
			stubs = append(stubs, 0x6a, byte(group*32+i))
		}
		m.write(at, append(stubs, 0x6a, byte(group*32>>8), 0xe9, 1, 2, 3, 4))
		mem := newMemory(m)
		for i := range 32 {
			if n, ok := mem.exitNumber(at + 4*uint64(i)); !ok || n != 32*group+i {
				t.Errorf("stub %d of group %d is for exit %d (%v)", i, group, n, ok)
			}
		}
		for _, off := range []uint64{2, 3, 128, 0x100, 0x20000} {
			if n, ok := mem.exitNumber(at + off); ok {
				t.Errorf("at %d of group %d: exit %d", off, group, n)
			}
		}
	}
}

func TestCodeArea(t *testing.T) {
	const area, size = 0x40000, 0x10000
	m := newMemory(words(map[uint64]uint64{area + 8: size}))
	for _, tt := range []struct {
		top, bottom, size uint64
		want              bool
	}{
		{area + 0x8000, area + 0x100, size, true}, {area + size, area + 16, size, true},
		{area + 0x8000, area + 0x100, size / 2, false}, // not what the area says
		{area + 0x100, area + 0x8000, size, false}, {area + 2*size, area + 16, size, false}, {area + 0x8000, area, size, false},
	} {
		var p []byte
		for _, w := range []uint64{area, tt.top, tt.bottom, tt.size} {
			p = binary.LittleEndian.AppendUint64(p, w)
		}
		if got := m.isCodeArea(p); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// TestTracePlace: a trace of a loop begins with the loop's first instruction, where the
// jump that it was started at leads to, and a call's PC is behind the instruction.
func TestTracePlace(t *testing.T) {
	readers(t, func(t *testing.T, _ *image, r *Reader) {
		const startPC, startIns = 72, 80 // of GCtrace
		loops := 0
		r.readTraces()
		for _, tr := range r.traces.byCode {
			got, ok := r.Trace(tr.code.Start)
			if !ok || got.Root != 0 {
				continue
			}
			jump := int64(half(tr.head[:], startIns)>>16) - 0x8000 // BCBIAS_J
			first := uint64(int64(word(tr.head[:], startPC)) + 4 + 4*jump)
			if got.Calls[0].PC == first+4 {
				loops++
			}
		}
		if loops < 5 {
			t.Errorf("%d traces begin with a loop's first instruction", loops)
		}
	})
}
