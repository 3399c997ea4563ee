package profile

import (
	"context"
	"time"
)

// A Source yields samples in the order in which they were taken, and among them what was
// lost and what there is to note. Next returns io.EOF at the end of the window, and no
// later than when ctx is done. A Sample's Stack is valid until the next call.
type Source interface {
	Next(context.Context) (Sample, error)
	Close() error
}

// Kind is what a Sample tells.
type Kind string

// The kinds of samples. A profile is of one of the first three.
const (
	CPU    Kind = "cpu"    // a thread was running: Weight is CPU time
	OffCPU Kind = "offcpu" // a thread was blocked: Weight is how long, Count how often
	Stall  Kind = "stall"  // a thread was running in a long tick of its event loop, which is Tick

	Lost Kind = "lost" // Count samples could not be kept, because of Cause
	Note Kind = "note" // Cause is what the source has to say of itself, in words
	// Swept tells that every sample that was taken before Time has been told. Sources do so
	// where it is asked for.
	Swept Kind = "swept"
)

// Sample is one observation of a thread.
type Sample struct {
	Kind Kind
	Time time.Time
	PID  int // of the worker, in our PID namespace
	TID  int // of the thread
	// Count is of how many observations the sample is made; 0 counts as 1.
	Count int64
	// Weight is the time that the sample stands for: of CPU, the sampling period for each of
	// Count; of Stall, the part of the tick that is told by it. A tick without any sample is
	// one with an empty stack, and Truncated says so.
	Weight time.Duration
	// Stack is the leaf first, and the process's start last.
	Stack []Frame
	// Truncated says why the stack ends before the process's start, in a few words that do
	// not differ from sample to sample, such as "no unwind row: libfoo.so". It becomes a
	// frame of its own below the last one. Empty for a whole stack.
	Truncated string
	Labels    Labels
	// VM is what the Lua VM did, as its global_State.vmstate says.
	VM VMState
	// Tick is the event loop's, with Stall. Samples of one tick come one after the other.
	Tick Tick

	Cause string // of Lost and Note
	Slept []int  // of Swept: the processes that have slept since the one before, or ended
}

// Labels are what a sample belongs to; empty, where there is none or it is not known.
type Labels struct {
	Phase  string // nginx's, such as access; else timer, init_worker and so on
	Plugin string // of APISIX
	// Of the request that Lua worked for, as its ngx.ctx.api_ctx says.
	Route, RouteName string // id and name
	Service          string // id
	Consumer         string // name
	Host             string
	URI              string // without the query; read only where a user asks for it
	TraceID          string // 32 hex digits
	// Request is the address of nginx's request object, which is reused once the request
	// has ended; 0 for none. It began at Started, by nginx's clock of milliseconds.
	Request uint64
	Started time.Time
}

// VMState is what a Lua VM does beside running Lua.
type VMState string

// The states of interest, LuaJIT's LJ_VMST_GC, RECORD, OPT and ASM: the collector runs, or
// the JIT compiler does.
const (
	VMOther   VMState = ""
	VMCollect VMState = "gc"
	VMCompile VMState = "compile"
)

// Tick is the work of an event loop between two waits.
type Tick struct {
	Start  time.Time
	Length time.Duration
}

// FrameKind is what a Frame is of.
type FrameKind string

// The kinds of frames.
const (
	FrameKernel FrameKind = "kernel"
	FrameNative FrameKind = "native" // a function of the executable, a library, or the vdso
	FrameLua    FrameKind = "luajit" // a Lua function that was interpreted
	FrameJIT    FrameKind = "jit"    // a Lua function in the machine code of a trace
	FrameC      FrameKind = "c"      // a C function as Lua knows it, such as string.gsub
	FrameRegex  FrameKind = "regex"  // machine code that PCRE's JIT made
	// FrameMissing stands for frames that could not be told: its Name says why, in words
	// that do not differ from sample to sample, such as "trace unknown".
	FrameMissing FrameKind = "missing"
)

// Frame is one function of a stack.
//
// The machine code of LuaJIT's interpreter and of its traces is no frame of its own: the
// Lua function that it runs is, as FrameLua or FrameJIT; what C functions the interpreter
// calls, as lj_tab_newkey, are native frames above it. Of a trace, each function that was
// inlined is a frame.
type Frame struct {
	Kind FrameKind
	// Name is the function's; empty for one without a name, which is then known by its
	// object and Address.
	Name string
	// File is where a Lua function was defined: its chunk's name without the "@" or "=",
	// such as "/usr/local/apisix/apisix/plugins/cors.lua". Of others it may be empty.
	File string
	// Line is where the function was at, StartLine where it begins; 0 for not known.
	Line, StartLine int
	// Mapping is the object that a native frame is of; nil for others.
	Mapping *Mapping
	// Address is the instruction's virtual address in the object's file (not in the
	// process, so that workers and runs agree). 0 for frames of no object.
	Address uint64
}

// Mapping is a part of an object that is mapped executable. Frames may share one; those
// that are equal are the same.
type Mapping struct {
	Path    string // of the object, as the gateway sees it
	BuildID string // in hex; empty for none
	// Start and Limit are virtual addresses of the segment in the object's file, Offset is
	// where in the file it begins: as its program header has them. Limit 0 is not known.
	Start, Limit, Offset uint64
}
