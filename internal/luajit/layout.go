package luajit

import "runtime"

// A Layout holds what it takes to walk a Lua stack of a VM: offsets in bytes. Those that
// differ between releases were found in the VM itself; 0 means that it was not found yet.
type Layout struct {
	State  StateLayout
	Global GlobalLayout
	Func   FuncLayout
	CFrame CFrameLayout

	// Proto is sizeof(GCproto): bytecode begins there, so a function's GCproto is its
	// pc less Proto.
	Proto uint32
}

// StateLayout is lua_State (lj_obj.h). Size is from the VM: 104 or 112.
type StateLayout struct {
	Glref    uint32 // -> global_State
	Base     uint32 // base of the function that runs, where it was last stored
	Top      uint32
	MaxStack uint32
	Stack    uint32
	Env      uint32 // table of globals
	CFrame   uint32 // newest C frame; the lower two bits are flags
	ExData   uint32 // OpenResty's: the ngx_http_request_t
	Size     uint32
}

// GlobalLayout is global_State (lj_obj.h) and what lies behind it in GG_State
// (lj_dispatch.h): all are offsets from the global_State, and all are from the VM.
type GlobalLayout struct {
	CurL     uint32 // -> the lua_State that runs
	JITBase  uint32 // base of the frame that compiled code was entered with, or null
	Dispatch uint32 // dispatch table; 0 if the interpreter's code is unknown
	Trace    uint32 // jit_State.trace, with freetrace at +8 and sizetrace at +12
	Code     uint32 // jit_State.mcarea, with mctop, mcbot and szmcarea behind it
}

// FuncLayout is GCfunc (lj_obj.h).
type FuncLayout struct {
	GCT  uint32 // type of any collectable object, a byte; 8 for a function
	FFID uint32 // 0 for a Lua function, 1 for a C function, else a builtin; a byte
	PC   uint32 // of a Lua function: -> bytecode
	C    uint32 // of others: -> code of the C function
}

// CFrameLayout is the frame of the interpreter on the C stack (lj_frame.h, CFRAME_OFS_…).
// Compiled code runs on the same frame, with its spills below.
type CFrameLayout struct {
	NRes   uint32 // int32; below 0 for frames that run no Lua function
	L      uint32
	PC     uint32 // bytecode behind the instruction that runs, where it was last stored
	Prev   uint32 // -> frame below of the same lua_State
	FP     uint32 // the caller's rbp or x29
	Return uint32 // the caller's pc
	Size   uint32 // the caller's stack pointer, less the frame's address
}

// Types of objects, as FuncLayout.GCT says: ~LJ_T… of lj_obj.h.
const (
	gctString = 4
	gctThread = 6
	gctProto  = 7
	gctFunc   = 8
	gctTrace  = 9
	gctTable  = 11
	gctUdata  = 12
)

// A value's type is in its upper 17 bits, a pointer in the lower 47 (lj_obj.h, GC64).
const (
	pointerMask = 1<<47 - 1
	itypeShift  = 47

	itypeString = 0x1ffff &^ gctString
	itypeFunc   = 0x1ffff &^ gctFunc
	itypeTable  = 0x1ffff &^ gctTable
	itypeUdata  = 0x1ffff &^ gctUdata
)

// gc64 is what all releases with GC64 have in common. They were compared from
// v2.1-20190507 to v2.1-20240314.
func gc64(arch string) Layout {
	l := Layout{
		State:  StateLayout{Glref: 16, Base: 32, Top: 40, MaxStack: 48, Stack: 56, Env: 72, CFrame: 80, ExData: 96},
		Func:   FuncLayout{GCT: 9, FFID: 10, PC: 32, C: 40},
		CFrame: CFrameLayout{NRes: 8, L: 16, PC: 24, Prev: 32, FP: 64, Return: 72, Size: 80},
		Proto:  104,
	}
	if arch == "arm64" {
		// Untested.
		l.CFrame = CFrameLayout{NRes: 40, L: 16, PC: 8, Prev: 0, FP: 192, Return: 200, Size: 208}
	}
	return l
}

// host is the architecture of the processes that we read: our own.
const host = runtime.GOARCH
