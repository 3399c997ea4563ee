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
		if r.mem.word(p.Base-16)>>itypeShift == itypeFunc {
			return p.Base - 8, p.PC
		}
		// A return: results are over the function's slot already, and PC is the caller's.
		if step := r.step(p.PC); p.PC&3 == 0 && step.slots > 0 {
			frame := p.Base - 8 - 8*uint64(step.slots)
			if frame > w.bottom && r.mem.word(frame-8)>>itypeShift == itypeFunc {
				return frame, p.PC
			}
		}
	}
	if cframe := word(state, l.State.CFrame) &^ 3; cframe != 0 {
		pc = r.mem.word(cframe + uint64(l.CFrame.PC))
	}
	return word(state, l.State.Base) - 8, pc
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
