package luajit

import (
	"io"
	"time"
)

// A Target is the process that a Reader reads.
type Target interface {
	io.ReaderAt // of memory; offsets are addresses

	// ReadFile returns the file that the process knows as path, which is relative to
	// its working directory unless it begins with "/".
	ReadFile(path string) ([]byte, error)
}

// A Reader names what is on the Lua stacks of one VM. It is for one goroutine. It keeps
// what it has learned, within bounds, and checks that it still holds before it is used again.
type Reader struct {
	vm      VM
	arch    string
	mem     *memory
	target  Target
	protos  map[uint64]*proto
	sources map[string]source
	globals globals
	traces  traces
	now     func() time.Time
}

// NewReader returns a Reader of the VM in a process. It reads nothing yet.
func NewReader(vm VM, t Target) *Reader {
	return &Reader{
		vm: vm, arch: host, mem: newMemory(t), target: t,
		protos: map[uint64]*proto{}, sources: map[string]source{}, now: time.Now,
	}
}

// VM returns the VM, with the offsets in its Layout that were found since.
func (r *Reader) VM() VM { return r.vm }

// Forget drops the memory that was read, so that what follows sees the process as it is
// now. Call it before each batch of samples.
func (r *Reader) Forget() { r.mem.forget() }

// Running returns the lua_State that runs, or ran last, and whether it runs: between
// requests none does.
func (r *Reader) Running() (state uint64, runs bool) {
	l := &r.vm.Layout
	state = r.mem.word(r.vm.Global + uint64(l.Global.CurL))
	if state == 0 {
		return 0, false
	}
	return state, r.mem.word(state+uint64(l.State.CFrame))&^3 != 0
}

// Code returns the areas that LuaJIT keeps its compiled code in. Other anonymous memory
// that can be executed is someone else's: PCRE's, say.
func (r *Reader) Code() []Range {
	if g := &r.vm.Layout.Global; g.Code == 0 || g.Trace == 0 {
		g.findJIT(r.mem, r.mem.global(r.vm.Global))
	}
	return r.mem.codeAreas(&r.vm)
}
