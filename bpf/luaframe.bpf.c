//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * From frame to frame on the stack of a Lua thread: lj_frame.h and lj_obj.h of LuaJIT 2.1
 * with GC64. luawalk.bpf.c says which thread, and where.
 */
#ifndef WALK_TEST
#include "sample.h"
#endif

/* lua_State, the same in all releases with GC64 */
#define L_GLREF 16
#define L_BASE 32
#define L_CFRAME 80
#define L_EXDATA 96 /* OpenResty's: the ngx_http_request_t */

/* From L_GCLIST on: gclist, base, top, maxstack, stack, openupval, env, cframe. */
#define L_GCLIST 24
enum { W_BASE = 1, W_MAXSTACK = 3, W_STACK = 4, W_CFRAME = 7, L_WORDS = 8 };

/* lj_vm's C frame (CFRAME_OFS_* in lj_frame.h): fp and return address lie together. */
#if defined(__TARGET_ARCH_x86)
#define CF_NRES 8
#define CF_L 16
#define CF_PC 24
#define CF_PREV 32
#define CF_CALLER 64
#define CF_SIZE 80
#else
#define CF_NRES 40
#define CF_L 16
#define CF_PC 8
#define CF_PREV 0
#define CF_CALLER 192
#define CF_SIZE 208
#endif

#define CF_POINTER(cf) ((cf) & ~3ULL) /* the low bits are flags */

#define GC_POINTER(v) ((v) & ((1ULL << 47) - 1))
#define TYPE_FUNCTION 0x1fff7
#define GCT_FUNCTION 8 /* ~LJ_TFUNC */
#define PROTO_SIZE 104 /* of GCproto; its bytecode, to which a function's pc points, is behind it */
#define PROTO_SIZEBC 12
#define BYTECODES_MAX (1 << 26) /* LJ_MAX_BCINS */

#define VM_IN_C ~1 /* vmstate: ~LJ_VMST_C */

/* The type of a frame: the low bits of its link. */
enum {
	LINK_LUA = 0,
	LINK_C = 1,
	LINK_CONT = 2,
	LINK_VARARG = 3,
	LINK_CP = 5,
	LINK_TYPE = 7,
};

#define CONT_FFI_CALLBACK 1 /* LJ_CONT_FFI_CALLBACK */

#define DELTA_MAX (1ULL << 30)
#define ABOVE_SP_MAX (1 << 20) /* a C frame further above sp is not the current one */

/* The A operand of the call before pc: how far the called function's base is from its
 * caller's. Returns 0 if the bytecode cannot be read. */
static __always_inline u64 call_delta(u64 pc)
{
	u32 instruction;
	if (READ(&instruction, sizeof(instruction), pc - 4))
		return 0;
	return 8 * (2 + (u64)((instruction >> 8) & 255));
}

/* Is pc in the bytecode that begins at code, or right behind it? */
__noinline int in_bytecode(u64 code, u64 pc)
{
	u32 size = 0;
	if (pc & 3 || pc < code || READ(&size, sizeof(size), code - PROTO_SIZE + PROTO_SIZEBC))
		return 0;
	return size < BYTECODES_MAX && pc - code <= 4 * (u64)size;
}

static __always_inline int lua_ends(struct walk *w, u64 at, u32 cause)
{
	trouble(w, at, cause);
	return 1;
}

/* Emits one Lua frame and goes to the one below. Returns 1 where the C frame's ends. */
__noinline int lua_step(u32 slot)
{
	struct walk *w = walk_of(slot);
	if (!w)
		return 1;
	u64 at = w->lua_frame, slots[2]; /* the function, and the link */
	if (at <= w->stack + 8 || (w->limit && at < w->limit))
		return 1;
	if (at > w->stack_end + 4096)
		return lua_ends(w, at, CAUSE_LUA_FRAME);
	if (READ(slots, sizeof(slots), at - 8))
		return lua_ends(w, at, CAUSE_LUA_READ);
	u64 function = GC_POINTER(slots[0]), link = slots[1];
	if (!w->skip && function != w->thread) { /* the lowest frame holds the thread itself */
		u64 words[6]; /* of GCfunc: 1 has gct and ffid, 4 pc, 5 the C function */
		if (READ(words, sizeof(words), function))
			return lua_ends(w, function, CAUSE_LUA_READ);
		if (((words[1] >> 8) & 255) != GCT_FUNCTION)
			return lua_ends(w, function, CAUSE_LUA_FRAME);
		u32 ffid = (words[1] >> 16) & 255;
		/* Where a link was not what it seemed, it leads to a function that has no such PC. */
		if (w->pc_from == PC_LINK && (ffid != 0 || !in_bytecode(words[4], w->lua_pc)))
			return lua_ends(w, at, CAUSE_LUA_FRAME);
		if (ffid == 0)
			emit(w, words[4] - PROTO_SIZE, w->lua_pc, w->pc_from, FRAME_LUA, w->lua_flags);
		else
			emit(w, words[5], function, ffid, FRAME_C, w->lua_flags);
	}
	w->lua_flags = w->skip = 0;
	w->lua_pc = 0;
	w->pc_from = PC_NONE;
	if ((link & 3) == LINK_LUA) {
		u64 delta = call_delta(link);
		if (!delta)
			return lua_ends(w, link, CAUSE_LUA_READ);
		w->lua_frame = at - delta;
		w->lua_pc = link;
		w->pc_from = PC_LINK;
		return 0;
	}
	u64 delta = link & ~(u64)LINK_TYPE;
	if (!delta || delta > DELTA_MAX)
		return lua_ends(w, link, CAUSE_LUA_FRAME);
	w->lua_frame = at - delta;
	switch (link & LINK_TYPE) {
	case LINK_VARARG: /* the frame below is of the same call, and has its link */
		w->skip = 1;
		return 0;
	case LINK_CONT: {
		u64 cont[2] = {}; /* the continuation, and the PC that it goes on at */
		READ(cont, sizeof(cont), at - 24);
		w->lua_pc = cont[1];
		w->pc_from = PC_LINK;
		return cont[0] == CONT_FFI_CALLBACK;
	}
	case LINK_C:
	case LINK_CP:
		return 1;
	}
	return 0; /* pcall */
}

/* The first word of a Lua function's bytecode, if there is such a function in a slot. */
static __always_inline u64 lua_code(u64 slot_at, u64 *word)
{
	u64 function = 0, words[6];
	if (READ(&function, sizeof(function), slot_at) || function >> 47 != TYPE_FUNCTION ||
	    READ(words, sizeof(words), GC_POINTER(function)))
		return 0;
	*word = words[1];
	return words[4];
}

/* Does the VM run C, or is it on the way there or back? */
__noinline int vm_in_c(u32 slot)
{
	struct walk *w = walk_of(slot);
	struct process *p = w ? process_of(w->tgid) : NULL;
	u64 global = 0;
	s32 state = 0;
	if (!p || !p->vm_state || READ(&global, sizeof(global), w->thread + L_GLREF) ||
	    READ(&state, sizeof(state), global + p->vm_state))
		return 0;
	return state == VM_IN_C;
}

enum first_frame {
	FIRST_SAVED = 0, /* as L->base and SAVE_PC have it */
	FIRST_FOUND = 1,
	FIRST_NONE = 2, /* C calls, but no function runs yet */
};

/*
 * Notes which Lua frame is the first, where the interpreter itself was interrupted: by its
 * registers BASE and PC, since L->base is that of the last call out of it. While it calls or
 * returns, the one is the callee's already, or still, and the other the caller's.
 */
__noinline int first_by_registers(u32 slot)
{
	struct walk *w = walk_of(slot);
	if (!w)
		return FIRST_SAVED;
	u64 base = w->base, pc = w->vm_pc, word = 0, link = 0;
	if (base <= w->stack + 8 || base > w->stack_end || base & 7)
		return FIRST_SAVED;
	if (vm_in_c(slot)) {
		/* As it returns to C, PC has the base of the function that has called C. */
		if (pc & 7 || pc <= w->stack + 8 || pc >= base || !lua_code(pc - 16, &word))
			return FIRST_SAVED;
		w->lua_frame = pc - 8;
		return FIRST_NONE;
	}
	u64 code = lua_code(base - 16, &word);
	u32 ffid = (word >> 16) & 255;
	READ(&link, sizeof(link), base - 8);
	/* A builtin's PC is its own header's, or its caller's already. */
	if (code && (ffid ? pc == link || pc == code || pc == code + 4 : in_bytecode(code, pc))) {
		w->lua_frame = base - 8;
	} else if ((pc & 3) == LINK_LUA) {
		u64 delta = call_delta(pc), at = base - 8 - delta;
		code = delta && at > w->stack + 8 ? lua_code(at - 8, &word) : 0;
		if (!code || ((word >> 16) & 255) != 0 || !in_bytecode(code, pc))
			return FIRST_SAVED;
		w->lua_frame = at;
	} else if (((pc & LINK_TYPE) == LINK_C || (pc & LINK_TYPE) == LINK_CP) && pc < DELTA_MAX) {
		w->lua_frame = base - 8 - (base == w->thread_base ? 0 : pc & ~(u64)LINK_TYPE);
		return FIRST_NONE;
	} else {
		return FIRST_SAVED;
	}
	w->lua_pc = pc;
	w->pc_from = PC_REGISTER;
	return FIRST_FOUND;
}
