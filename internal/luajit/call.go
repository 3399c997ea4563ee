package luajit

// A Call is one frame of a Lua stack: of a Lua function if Proto is set, else of a C
// function or a builtin, which Func names.
type Call struct {
	Proto uint64 // address of the GCproto
	PC    uint64 // address of the bytecode behind the instruction that runs; 0 if unknown

	Func uint64 // address of the GCfunc; 0 if a trace does not tell
	C    uint64 // address of the C function's code
	FFID uint8  // 1 for a C function, above for a builtin
}

// A Function is what a Lua function and a place in it are called.
type Function struct {
	Name  string // as its source calls it, "main chunk", or "anonymous:LINE"
	Phase string // of a main chunk that nginx.conf holds: "access_by_lua"; or ""
	File  string // the chunk: a path, or such as "access_by_lua(nginx.conf:278)"
	Line  int    // of the place; that of First if the place is unknown
	First int    // line on which the function begins; 0 for a main chunk and what has no source
	Last  int    // line on which it ends
}

// A Trace is a piece of code that LuaJIT compiled, seen at one place.
type Trace struct {
	Number uint32 // as LuaJIT numbers it
	Root   uint32 // number of the trace that it is a side trace of; 0 for a root trace
	Code   Range

	// Calls are the Lua functions that run there, leaf first. Those before the last were
	// inlined: no stack has a frame of them. The last is the frame at jit_base, which is
	// on the stack too, with the place in it that its own frame cannot tell. Calls is
	// empty where the trace does not tell.
	Calls []Call
}
