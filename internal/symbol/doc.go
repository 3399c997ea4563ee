// Package symbol names addresses of native code: of a process's objects, of its
// vdso, and of the kernel.
//
//	.symtab, or a debug file's, or .gnu_debugdata's ┐
//	.dynsym, with versions                          ├ table ─┐
//	PLT entries                                     ┘        ├ Object.Name
//	.eh_frame, for what no symbol covers ────────────────────┤
//	the process's memory, for what its IFUNCs chose ─────────┘
//	/proc/kallsyms ────────────────────────── table ────────── Kernel.Name
//
// A symbol names the bytes that its own size holds and not one more: the nearest
// exported function below an address is most often a stranger. A static function
// of a stripped object is named by where its call frame entry begins,
// nginx!sub_51af0, which stays the same from run to run and so can be counted.
//
// Objects come from other processes and may be hostile: whatever they say of
// sizes and offsets is bounded before it is believed.
package symbol
