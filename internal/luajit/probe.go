package luajit

import (
	"fmt"

	"github.com/apisixscope/apisixscope/internal/hint"
)

const (
	// stateSizeFirst, stateSizeLast bound sizeof(lua_State): the main thread lies that far
	// below global_State (GG_State in lj_dispatch.h).
	stateSizeFirst, stateSizeLast = 88, 160
	// globalMost is how much of GG_State is looked at: sizes were 4 KiB for what lies
	// before the dispatch table, and 2 KiB for that.
	globalMost = 4 * pageSize
	// curLFirst, curLLast bound cur_L in global_State: it was at 344 and 368.
	curLFirst, curLLast = 200, 1024
	// dispatchLeast is the least length of the dispatch table: as many as bytecodes.
	dispatchLeast = 90

	needGC64 = "use a LuaJIT with GC64: OpenResty's own builds have it; others want XCFLAGS=-DLUAJIT_ENABLE_GC64"
)

// FromState returns the VM that the lua_State at address state belongs to, a coroutine's
// or the main one. A sample in the interpreter tells one: where nothing is exported, it is
// the way to find a VM. Without f.Interpreter the VM lacks Dispatch. Errors are ErrNoVM and
// ErrNotGC64.
func (f Finder) FromState(state uint64) (VM, error) {
	m := newMemory(f.Memory)
	vm := VM{Layout: gc64(f.arch()), Interpreter: f.Interpreter}
	var head [24]byte
	if !m.object(state, gctThread, head[:]) {
		if m.isThread32(state) {
			return VM{}, hint.Wrap(fmt.Errorf("read lua_State at %#x: %w", state, ErrNotGC64), needGC64)
		}
		return VM{}, fmt.Errorf("read lua_State at %#x: %w", state, ErrNoVM)
	}
	vm.Global = word(head[:], vm.Layout.State.Glref)
	for size := uint64(stateSizeFirst); size <= stateSizeLast; size += 8 {
		if m.isThread(vm.Global-size, vm.Global) {
			vm.Main, vm.Layout.State.Size = vm.Global-size, uint32(size)
			break
		}
	}
	if vm.Main == 0 {
		return VM{}, fmt.Errorf("find main thread before global_State at %#x: %w", vm.Global, ErrNoVM)
	}
	image := m.global(vm.Global)
	g := &vm.Layout.Global
	if g.CurL = curL(m, image, vm.Global); g.CurL == 0 {
		return VM{}, fmt.Errorf("find cur_L in global_State at %#x: %w", vm.Global, ErrNoVM)
	}
	g.JITBase = g.CurL + 8
	g.Dispatch = dispatch(image, f.Interpreter)
	g.findJIT(m, image)
	return vm, nil
}

// isThread reports whether a lua_State of the VM is at addr.
func (m *memory) isThread(addr, global uint64) bool {
	var head [24]byte
	return m.object(addr, gctThread, head[:]) && word(head[:], 16) == global && global%8 == 0
}

// isThread32 reports whether addr is a lua_State with 32-bit references: gct at 5, and
// glref at 8 leads to a global_State that has its main thread right before it.
func (m *memory) isThread32(addr uint64) bool {
	var head [12]byte
	if !m.read(addr, head[:]) || head[5] != gctThread {
		return false
	}
	global := uint64(half(head[:], 8))
	for size := uint64(40); size <= stateSizeLast && size < global; size += 4 {
		if m.read(global-size, head[:]) && head[5] == gctThread && uint64(half(head[:], 8)) == global {
			return true
		}
	}
	return false
}

// global reads as much of GG_State from global_State on as can be read.
func (m *memory) global(at uint64) []byte {
	image := make([]byte, globalMost)
	n := 0
	for n < len(image) {
		step := min(len(image)-n, int(pageSize-(at+uint64(n))%pageSize))
		if !m.read(at+uint64(n), image[n:n+step]) {
			break
		}
		n += step
	}
	return image[:n]
}

// curL finds global_State.cur_L: right before it are bc_cfunc_int and bc_cfunc_ext,
// instructions FUNCC or FUNCCW with A = LUA_MINSTACK and D = 0 (lj_state.c, lj_api.c).
func curL(m *memory, image []byte, global uint64) uint32 {
	isCall := func(ins uint32) bool {
		op := ins & 0xff
		return ins>>8 == 20 && op >= 80 && op <= 110
	}
	for at := uint32(curLFirst); at <= curLLast && int(at)+16 <= len(image); at += 8 {
		thread := word(image, at)
		if isCall(half(image, at-8)) && isCall(half(image, at-4)) && (thread == 0 || m.isThread(thread, global)) {
			return at
		}
	}
	return 0
}

// dispatch finds the dispatch table: the first long run of pointers into the interpreter.
func dispatch(image []byte, code Range) uint32 {
	run := uint32(0)
	for at := uint32(curLFirst) &^ 7; int(at)+8 <= len(image); at += 8 {
		if !code.Contains(word(image, at)) {
			run = 0
			continue
		}
		if run++; run == dispatchLeast {
			return at - 8*(run-1)
		}
	}
	return 0
}
