package luajit

import "errors"

// A VM is one LuaJIT universe: a global_State and all its coroutines. A worker of nginx
// has one for HTTP, and a second one if its stream module runs Lua, too.
type VM struct {
	Module string // "http" or "stream"; "" when found from a lua_State
	Main   uint64 // address of the main thread's lua_State
	Global uint64 // address of global_State
	Layout Layout

	// Interpreter is where lj_vm lies in the process; zero if unknown.
	Interpreter Range
}

// A Range is a piece of a process's memory: [Start, End).
type Range struct{ Start, End uint64 }

// Contains reports whether addr is in r.
func (r Range) Contains(addr uint64) bool { return addr >= r.Start && addr < r.End }

var (
	// ErrNoVM says that no LuaJIT was found where one was looked for.
	ErrNoVM = errors.New("no LuaJIT VM")
	// ErrNotGC64 says that a LuaJIT was found whose references have 32 bits.
	ErrNotGC64 = errors.New("LuaJIT was built without GC64")
)
