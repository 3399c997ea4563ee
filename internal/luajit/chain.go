package luajit

// inlinedMost bounds the frames of one trace: it has at most 250 slots (LJ_MAX_JSLOTS).
const inlinedMost = 128

// callsAt returns the Lua functions that run at pc, leaf first, by the last snapshot that
// holds there. An inlined function that has no guard of its own is counted to its caller.
func (r *Reader) callsAt(t *trace, pc uint64) []Call {
	if t.places == nil {
		t.snaps = r.mem.readSnapshots(t.head[:], r.traces.kind)
		if t.snaps == nil {
			return nil
		}
		if r.traces.kind == snapUnknown && !t.snaps.fits(snapPlaced+snapBare-t.snaps.kind) {
			r.traces.kind = t.snaps.kind
		}
		t.places, t.calls = r.placesOf(t, t.snaps), map[int][]Call{}
	}
	at := 0
	for _, p := range t.places {
		if p.from > pc-t.code.Start {
			break
		}
		at = p.snap
	}
	calls, known := t.calls[at]
	if !known {
		calls = r.chain(t.snaps, at)
		t.calls[at] = calls
	}
	return calls
}

// chain follows the frames of a snapshot down to the one at jit_base, which has slot 2 as
// its base. Below a base are the function and the link of its frame (lj_frame.h, LJ_FR2).
// It returns nil if it does not get there.
func (r *Reader) chain(s *snapshots, i int) []Call {
	slots, pcBase := s.slots(i)
	base := int(pcBase&0xff) + 2
	pc := pcBase>>8 + 4 // it is at the instruction, the others are behind theirs
	constant := func(slot int) (uint64, bool) {
		ref, ok := slots[uint8(slot)]
		if !ok || slot < 0 || ref >= 0x8000 { // REF_BIAS: what is below is constant
			return 0, false
		}
		v := r.mem.word(s.ir + 8*uint64(ref) + 8)
		return v, v != 0
	}
	var calls []Call
	below := false // a vararg function has two frames, and the upper one is done
	for range inlinedMost {
		if !below {
			fn, _ := constant(base - 2)
			calls = append(calls, r.inlined(fn, pc))
		}
		if base == 2 {
			return calls
		}
		link, ok := constant(base - 1)
		if !ok {
			return nil
		}
		step := r.step(link)
		if step.slots <= 0 || step.slots > base-2 {
			return nil
		}
		below, pc = step.vararg, step.pc
		if step.cont {
			pc, _ = constant(base - 3)
		}
		base -= step.slots
	}
	return nil
}

// inlined makes a Call of a function in a trace and the place in it. Where a trace was compiled for
// all closures of a function, the function is no constant, and pc alone tells it.
func (r *Reader) inlined(fn, pc uint64) Call {
	if c, ok := r.call(fn&pointerMask, pc); ok {
		return c
	}
	return Call{Proto: r.protoOf(pc), PC: pc}
}

// A step is what the link of a frame says of the frame below (lj_frame.h, FRAME_…).
type step struct {
	slots  int    // that it is further down
	pc     uint64 // the place in it, if the link tells
	c      bool   // it was called from C
	vararg bool   // it is the same function's, and has the link that counts
	cont   bool   // a metamethod: the place is two slots below the link
}

// step reads a link; slots is 0 for what is none.
func (r *Reader) step(link uint64) step {
	const slotsMost = 1 << 20
	if link&3 == 0 { // the caller's pc, behind its call: base of the callee is A + 2 higher
		ins, ok := r.mem.half(link - 4)
		if !ok {
			return step{}
		}
		return step{slots: 2 + int(ins>>8&0xff), pc: link}
	}
	if link>>3 > slotsMost {
		return step{}
	}
	s := step{slots: int(link >> 3)}
	switch link & 7 {
	case 1, 5: // C, CP
		s.c = true
	case 2: // CONT
		s.cont = true
	case 3: // VARG
		s.vararg = true
	}
	return s // 6, 7: PCALL, PCALLH: the frame below is pcall's own
}

// call makes a Call of the GCfunc at fn.
func (r *Reader) call(fn, pc uint64) (Call, bool) {
	l := &r.vm.Layout
	var head [48]byte
	if !r.mem.object(fn, gctFunc, head[:]) {
		return Call{}, false
	}
	if ffid := head[l.Func.FFID]; ffid != 0 {
		return Call{Func: fn, C: word(head[:], l.Func.C), FFID: ffid}, true
	}
	return Call{Proto: word(head[:], l.Func.PC) - uint64(l.Proto), PC: pc, Func: fn}, true
}
