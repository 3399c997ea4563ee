package luajit

import (
	"errors"
	"fmt"
)

// A Point is where a thread of the process was seen. What is not known is 0.
type Point struct {
	State uint64 // the lua_State, as cur_L has it
	IP    uint64 // instruction pointer; of compiled code, the address in it that is on the stack
	Base  uint64 // the interpreter's registers: rdx and rbx on x86-64, x19 and x21 on arm64
	PC    uint64
}

// depthMost bounds a Lua stack. LuaJIT's own limit is 65,500 slots; a frame takes two.
const depthMost = 32 << 10

// errStack says that a stack made no sense: it was read while it changed.
var errStack = errors.New("it is no chain of frames")

// Stack returns the calls on the Lua stack of a coroutine, leaf first, across the C functions
// that it called. It makes sense for a thread that does not move. What it could read before an
// error it returns, too.
func (r *Reader) Stack(p Point) ([]Call, error) {
	var head [104]byte
	l := &r.vm.Layout
	if !r.mem.object(p.State, gctThread, head[:]) || word(head[:], l.State.Glref) != r.vm.Global {
		return nil, fmt.Errorf("read lua_State at %#x: %w", p.State, ErrNoVM)
	}
	w := walk{r: r, bottom: word(head[:], l.State.Stack) + 8, top: word(head[:], l.State.MaxStack)}
	if w.top < w.bottom || w.top > addressEnd {
		return nil, fmt.Errorf("read stack of lua_State at %#x: %w", p.State, errStack)
	}
	w.top += 8 * 64 // LJ_STACK_EXTRA and some
	w.state = p.State
	err := w.run(w.start(p, head[:]))
	if err != nil {
		err = fmt.Errorf("read stack of lua_State at %#x: %w", p.State, err)
	}
	return w.calls, err
}

type walk struct {
	r           *Reader
	state       uint64
	bottom, top uint64
	calls       []Call
}

// start returns the frame that runs, a slot's address, and the place in it.
func (w *walk) start(p Point, state []byte) (frame, pc uint64) {
	r, l := w.r, &w.r.vm.Layout
	if base := w.jitBase(); base != 0 {
		if t := r.traceAt(p.IP); t != nil {
			if calls := r.callsAt(t, p.IP); len(calls) > 0 {
				last := len(calls) - 1
				w.calls = append(w.calls, calls[:last]...)
				return base - 8, calls[last].PC
			}
		}
		return base - 8, 0
	}
	if r.vm.Interpreter.Contains(p.IP) && p.Base > w.bottom && p.Base <= w.top && p.Base%8 == 0 {
		if frame, pc, ok := w.interpreted(p); ok {
			return frame, pc
		}
	}
	return word(state, l.State.Base) - 8, w.savedPC(word(state, l.State.CFrame))
}

// interpreted finds the frame by the interpreter's registers. L->base is older: calls
// among Lua functions do not store it.
func (w *walk) interpreted(p Point) (frame, pc uint64, ok bool) {
	link := w.r.mem.word(p.Base - 8)
	if w.isFrame(p.Base - 8) {
		c, _ := w.r.call(w.r.mem.word(p.Base-16)&pointerMask, 0)
		if w.r.inBytecode(c.Proto, p.PC) {
			return p.Base - 8, p.PC, true
		}
		// A builtin, or a function whose header has not run yet.
		if _, _, ok := w.below(p.Base, link); ok && (c.Proto == 0 || link == p.PC) {
			return p.Base - 8, 0, true
		}
	}
	// A call before its link is stored, or a return: results are over the function's slot
	// then, perhaps over its link, too. PC is the link, which on the way out of
	// metamethods has its lowest bit turned (vm_return).
	for _, link := range []uint64{p.PC, link, p.PC ^ 1} {
		if frame, pc, ok := w.below(p.Base, link); ok {
			return frame, pc, true
		}
	}
	// A return to C: PC is the base of C's frame, before L->base is (vm_return).
	for _, base := range []uint64{p.PC, -p.PC} {
		if base > w.bottom && base < p.Base && base%8 == 0 && w.isFrame(base-8) {
			if c, _ := w.r.call(w.r.mem.word(base-16)&pointerMask, 0); c.Proto == 0 {
				return base - 8, 0, true
			}
		}
	}
	return 0, 0, false // C calls: then L->base holds
}

// below returns the frame that link leads to from the one with this base, and the place in it.
func (w *walk) below(base, link uint64) (frame, pc uint64, ok bool) {
	step := w.r.step(link)
	down := 8 * uint64(step.slots)
	if step.slots <= 0 || down > base-8-w.bottom || !w.isFrame(base-8-down) {
		return 0, 0, false
	}
	frame = base - 8 - down
	c, _ := w.r.call(w.r.mem.word(frame-8)&pointerMask, 0)
	if step.pc != 0 {
		return frame, step.pc, w.r.inBytecode(c.Proto, step.pc)
	}
	if pc := w.r.mem.word(base - 24); w.r.inBytecode(c.Proto, pc) { // of a metamethod
		return frame, pc, true
	}
	return frame, 0, true
}

// isFrame reports whether the slot below frame holds a function, or the thread itself.
func (w *walk) isFrame(frame uint64) bool {
	fn := w.r.mem.word(frame - 8)
	return fn>>itypeShift == itypeFunc || fn&pointerMask == w.state
}

// inBytecode reports whether pc is in the function, or right behind its last instruction.
func (r *Reader) inBytecode(proto, pc uint64) bool {
	size, ok := r.mem.half(proto + protoSizeBC)
	bc := proto + protoSize
	return ok && proto != 0 && size <= bytecodeMost && pc >= bc && pc <= bc+4*uint64(size) && pc%4 == 0
}

// savedPC returns the place in the function that runs, as the newest C frame has it that
// runs one: parser and recorder have frames without (lj_vm_cpcall).
func (w *walk) savedPC(cframe uint64) uint64 {
	const framesMost = 8
	r, l := w.r, &w.r.vm.Layout.CFrame
	for range framesMost {
		cframe &^= 3
		nres, ok := r.mem.half(cframe + uint64(l.NRes))
		if !ok {
			return 0
		}
		if int32(nres) >= 0 {
			return r.mem.word(cframe + uint64(l.PC))
		}
		cframe = r.mem.word(cframe + uint64(l.Prev))
	}
	return 0
}

// jitBase returns jit_base if the coroutine runs compiled code.
func (w *walk) jitBase() uint64 {
	g := &w.r.vm.Layout.Global
	base := w.r.mem.word(w.r.vm.Global + uint64(g.JITBase))
	if w.r.mem.word(w.r.vm.Global+uint64(g.CurL)) != w.state || base <= w.bottom || base > w.top || base%8 != 0 {
		return 0
	}
	return base
}

func (w *walk) run(frame, pc uint64) error {
	below := false
	for range depthMost {
		if frame <= w.bottom {
			return nil
		}
		var slots [16]byte
		if frame > w.top || frame%8 != 0 || !w.r.mem.read(frame-8, slots[:]) {
			return errStack
		}
		fn, link := word(slots[:], 0)&pointerMask, word(slots[:], 8)
		if !below && fn != w.state { // a frame of the thread itself holds nothing: a dummy
			call, ok := w.r.call(fn, pc)
			if !ok {
				return errStack
			}
			w.calls = append(w.calls, call)
		}
		step := w.r.step(link)
		if step.slots <= 0 {
			return errStack
		}
		below, pc = step.vararg, step.pc
		if step.cont {
			pc = w.r.mem.word(frame - 16)
		}
		frame -= 8 * uint64(step.slots)
	}
	return errStack
}
