package luajit

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// Offsets in GCtrace (lj_jit.h). ir is biased: constant ref lies at ir + 8*ref.
const (
	traceSnaps    = 10 // nsnap, 16 bits
	traceIR       = 32
	traceMap      = 44 // nsnapmap
	traceSnap     = 48
	traceSnapMap  = 56
	traceCode     = 88 // mcode
	traceCodeSize = 84
	traceNumber   = 104
	traceRoot     = 108
)

// rereadEvery is how often traces are read again at most, because code is in none of them.
const rereadEvery = 20 * time.Millisecond

// traces are the pieces of compiled code of a VM.
type traces struct {
	byCode []*trace // sorted, and apart
	known  map[uint64]*trace
	read   time.Time // when they were last read
	kind   snapKind  // as the traces so far have it
}

// trace is one GCtrace, as it was when it was read.
type trace struct {
	at   uint64
	head [traceSize]byte
	code Range

	places []place // decoded when first asked for
	calls  map[int][]Call
	snaps  *snapshots
}

func (t *trace) number() uint32 { return uint32(short(t.head[:], traceNumber)) }

// same reports whether head is still that of t: the parts that a process changes while a
// trace lives, marks of the collector and links to other traces, are left out.
func (t *trace) same(head []byte) bool {
	return head[gctOffset] == gctTrace && slices.Equal(t.head[traceSnaps:24], head[traceSnaps:24]) &&
		slices.Equal(t.head[traceIR:traceCode+8], head[traceIR:traceCode+8]) &&
		t.number() == uint32(short(head, traceNumber))
}

// Trace returns the trace that holds pc, an address of compiled code, and the Lua
// functions that run there. For a return address give the address less 1. Not every address
// of a code area is in a trace: code that leaves traces is there, too.
func (r *Reader) Trace(pc uint64) (Trace, bool) {
	t := r.traceAt(pc)
	if t == nil {
		return Trace{}, false
	}
	return Trace{
		Number: t.number(),
		Root:   uint32(short(t.head[:], traceRoot)),
		Code:   t.code,
		Calls:  r.callsAt(t, pc),
	}, true
}

// traceAt finds pc among the traces, and reads them again if they are no more what they were.
func (r *Reader) traceAt(pc uint64) *trace {
	if t := r.traces.find(pc); t != nil && r.alive(t) {
		return t
	}
	if !r.traces.read.IsZero() && r.now().Sub(r.traces.read) < rereadEvery {
		return nil
	}
	r.mem.forget() // it changed since: pages that were read before may be as old
	r.readTraces()
	return r.traces.find(pc)
}

// alive reports whether t is still the process's trace of its number.
func (r *Reader) alive(t *trace) bool {
	var head [traceSize]byte
	array := r.mem.word(r.vm.Global + uint64(r.vm.Layout.Global.Trace))
	return r.mem.word(array+8*uint64(t.number())) == t.at && r.mem.read(t.at, head[:]) && t.same(head[:])
}

func (t *traces) find(pc uint64) *trace {
	i := sort.Search(len(t.byCode), func(i int) bool { return t.byCode[i].code.Start > pc })
	if i > 0 && t.byCode[i-1].code.Contains(pc) {
		return t.byCode[i-1]
	}
	return nil
}

// readTraces reads jit_State.trace anew. Traces that did not change keep what is known.
func (r *Reader) readTraces() {
	r.traces.read = r.now()
	g := &r.vm.Layout.Global
	if g.Trace == 0 || g.Code == 0 {
		g.findJIT(r.mem, r.mem.global(r.vm.Global))
	}
	r.traces.byCode = nil
	known := map[uint64]*trace{}
	for _, at := range r.traceRefs() {
		t := &trace{at: at}
		if !r.mem.object(at, gctTrace, t.head[:]) {
			continue
		}
		if old := r.traces.known[at]; old != nil && old.same(t.head[:]) {
			t = old
		}
		start, size := word(t.head[:], traceCode), uint64(half(t.head[:], traceCodeSize))
		if start == 0 || size == 0 || size > codeMost || start > addressEnd {
			continue
		}
		t.code = Range{start, start + size}
		known[at] = t
		r.traces.byCode = append(r.traces.byCode, t)
	}
	r.traces.known = known
	slices.SortFunc(r.traces.byCode, func(a, b *trace) int { return cmp.Compare(a.code.Start, b.code.Start) })
}

// traceRefs returns the addresses of all traces.
func (r *Reader) traceRefs() []uint64 {
	at := r.vm.Layout.Global.Trace
	if at == 0 {
		return nil
	}
	array := r.mem.word(r.vm.Global + uint64(at))
	size, ok := r.mem.half(r.vm.Global + uint64(at) + 12)
	if !ok || size < 2 || size > tracesMost {
		return nil
	}
	refs := make([]byte, 8*size)
	if !r.mem.read(array, refs) {
		return nil
	}
	var all []uint64
	for i := uint32(1); i < size; i++ {
		if ref := word(refs, 8*i); ref != 0 {
			all = append(all, ref)
		}
	}
	return all
}
