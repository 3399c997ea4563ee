// Package luajit reads LuaJIT's virtual machine in the memory of a running process: which
// functions are on a Lua stack, what they are called, and which of them a piece of
// compiled code stands for.
//
//	Find, FromState -> VM -> Reader: Frame, CFunction, Trace, Stack
//
// Offsets are found by structure, never by version. It needs LuaJIT with GC64 (64-bit
// references), as OpenResty's branch has it on x86-64 and arm64; see lj_obj.h, lj_frame.h
// and lj_jit.h there. Nothing is written, and nothing is stopped: the process runs on while
// it is read, so each object is checked before it is believed, and each loop is bounded.
//
// On arm64 the layout is as the sources have it. It is untested there.
package luajit
