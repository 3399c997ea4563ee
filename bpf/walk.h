/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The walk up a stack: what it knows of a process, what it has found so far, and the few
 * steps that all its parts take. native.bpf.c goes from frame to frame, luawalk.bpf.c
 * through those of LuaJIT.
 *
 * All state is in one struct walk, and every step is a global function of numbers that
 * looks it up again: so the verifier checks each step once, however often it is taken.
 *
 * A test compiles luawalk.bpf.c for user space, with its own READ, walk_of and process_of.
 */
#ifndef WALK_H
#define WALK_H

/* A frame's kind says what its fields hold. */
enum frame_kind {
	FRAME_KERNEL = 0,  /* address */
	FRAME_NATIVE = 1,  /* address */
	FRAME_VM = 2,	   /* address in lj_vm; aux: global state; what it runs comes next */
	FRAME_LUA = 3,	   /* address of the GCproto; aux: PC behind the call; more: enum pc_from */
	FRAME_C = 4,	   /* address of a C function in Lua; aux: its GCfunc; more: its ffid */
	FRAME_JIT = 5,	   /* address in a trace; aux: global state; the frame at jit_base comes next */
	FRAME_FOREIGN = 6, /* address in code that something else than LuaJIT made, as PCRE does */
	FRAME_ERROR = 7,   /* address of the trouble; more: enum cause */
};

#define FRAME_LEAF 1	/* flag: address is the next instruction, not one behind a call */
#define FRAME_GUESSED 2 /* flag: found by the frame pointer, in code without unwind rows */
#define FRAME_BASE 4	/* flag: the frame at jit_base; those a trace has inlined are above it */

/* Where a Lua frame's PC is from. */
enum pc_from {
	PC_NONE = 0,	 /* there is none: the frame at jit_base, or below a vararg's or a pcall's */
	PC_LINK = 1,	 /* the link of the frame above it */
	PC_REGISTER = 2, /* of the interpreter, as it runs */
	PC_SAVED = 3,	 /* SAVE_PC of the C frame: as of the last call out of the interpreter */
};

/* Why a stack ends early, or what it misses. */
enum cause {
	CAUSE_NONE = 0,
	CAUSE_MAPPING = 1, /* the address is in no mapping that is known */
	CAUSE_ROW = 2,	   /* its object has no unwind row there, and no frame pointer */
	CAUSE_RULE = 3,	   /* its row's rule needs what is not known */
	CAUSE_STACK = 4,   /* the stack cannot be read there */
	CAUSE_THREAD = 5,  /* lj_vm runs, but for which Lua thread? */
	CAUSE_LUA_READ = 6,
	CAUSE_LUA_FRAME = 7, /* what should be a Lua frame is none */
	CAUSE_CODE = 8,	     /* code that was made at run time, not by LuaJIT */
	CAUSE_DEEP = 9,	     /* there is no more room, or there are too many steps */
	CAUSE_REGISTERS = 10, /* those of user space were not to be had */
	CAUSES = 11,
};

struct frame {
	u64 address, aux;
	u32 more;
	u16 kind, flags;
};

/* How the canonical frame address of a range of instructions is found; struct row's cfa. The
 * numbers are those of internal/unwind. */
enum cfa_rule {
	CFA_NONE = 0, /* a gap: nothing is known */
	CFA_SP = 1,
	CFA_FP = 2,
	CFA_PLT = 3,	  /* rsp+n, and 8 more if pc&15 >= add: .plt */
	CFA_FP_DEREF = 4, /* *(rbp+n)+add */
	CFA_SP_DEREF = 5, /* *(rsp+n)+add */
	CFA_REGISTER = 6, /* a register of the leaf: add is its DWARF number */
	CFA_SIGNAL = 7,
	CFA_END = 8, /* the outermost frame */
	CFA_SP_INDEXED = 9, /* *(rsp+n+8*r9)+add, of the leaf */
};

enum fp_rule { FP_SAME = 0, FP_AT_CFA = 1, FP_UNKNOWN = 2, FP_AT_FP = 3 };

/* internal/unwind's Row. A row holds up to the next one. */
struct row {
	u32 pc; /* in the object's file, as its program headers count */
	s32 cfa_offset;
	s32 fp_offset;
	u16 add;
	u8 cfa;
	u8 fp;
};

enum mapping_kind {
	MAPPED_OBJECT = 1, /* of an ELF file, or the vdso */
	MAPPED_CODE = 2,   /* made at run time, not by LuaJIT as far as is known */
	MAPPED_LUAJIT = 3, /* LuaJIT's traces */
};

struct mapping {
	u64 start, end;
	u64 bias; /* address less that in the file */
	u32 first_row, rows;
	u32 kind;
	u32 pad;
};

#define VMS_MAX 4

struct process {
	u32 flags; /* enum process_flags */
	u32 first_mapping, mappings;
	u32 vms;
	u64 globals[VMS_MAX];	   /* the VMs' global_State */
	u64 code_start, code_end;  /* lj_vm */
	u32 cur_l, jit_base;	   /* offsets in global_State; 0: not known yet */
	u32 vm_state, pad;
};

#define MAX_FRAMES 224
#define MAX_KERNEL 64
#define MAX_STEPS 160
#define MAX_LUA_FRAMES 160 /* of one C frame */

struct walk {
	u64 pc, sp, fp;
	u64 base, vm_pc;       /* the interpreter's BASE and PC, if it was interrupted */
	u64 ax, r9, r10, r11;  /* CFA registers of hand-written assembly; the leaf's only */
	u64 thread;	       /* lua_State whose frames are walked */
	u64 lua_frame;	       /* of that: where to go on */
	u64 stack, stack_end;  /* of that */
	u64 thread_base;       /* its L->base */
	u64 limit;	       /* Lua frames below do not belong to this C frame */
	u64 lua_pc;	       /* of the frame that comes next */
	u64 first_thread;      /* the thread of the leaf, and what it ran for */
	u64 request;
	u64 found_thread, found_cframe, found_base, found_global; /* by running_thread */
	u64 scan_at, scan_found; /* a return address, and where it is */
	u32 tgid;
	u32 leaf;	       /* the registers are those of the interrupted instruction */
	u32 skip;	       /* the next Lua frame is of the same call */
	u32 pc_from, lua_flags;
	u32 done, pad;
	u32 frames;
	struct frame frame[MAX_FRAMES];
};

static __always_inline void emit(struct walk *w, u64 address, u64 aux, u32 more, u32 kind, u32 flags)
{
	u64 n = w->frames;
	barrier_var(n); /* else one copy is checked, and another used */
	if (n >= MAX_FRAMES)
		return;
	struct frame *f = &w->frame[n];
	f->address = address;
	f->aux = aux;
	f->more = more;
	f->kind = kind;
	f->flags = flags;
	w->frames = n + 1;
}

static __always_inline void trouble(struct walk *w, u64 address, u32 cause)
{
	emit(w, address, 0, cause, FRAME_ERROR, 0);
}

#endif
