// Package unwind says how to get from a frame of native code to its caller's: what the
// objects of a process say of it in .eh_frame, and where in the process they are.
//
//	/proc/PID/maps -> Mapping -> Open -> elf.File -> Rows
//	                     └──────────── Bias ─────────┘
//
// nginx, libc, OpenSSL and LuaJIT keep no frame pointers, so their own unwind tables are
// the only way up a stack. A kernel program cannot run the little machine that .eh_frame
// is written for (DWARF 5, 6.4); it can look a row up. A row follows the program counter,
// the stack pointer and the frame pointer, which is all that the way up takes.
//
// A rule that a row cannot express makes a row that says so, and why: never a row that is
// wrong. Objects come from other processes and may be hostile: sizes are bounded, and
// time is linear in them.
//
// On arm64, rows are what plain tables say; they are untested there.
package unwind
