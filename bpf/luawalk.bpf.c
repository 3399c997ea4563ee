//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Through LuaJIT's VM, and whatever else of Lua is on the native stack.
 *
 * C and Lua take turns on two stacks. A C frame of lj_vm belongs to a run of frames on its
 * Lua thread's stack, down to the one that C has entered. So each time the native walk
 * comes to lj_vm or to a trace, those frames come first, and then the C frame's caller.
 */
#include "luaframe.bpf.c"

/* Goes over to the frames of a Lua thread, unless they have been begun. */
__noinline int enter_thread(u32 slot, u64 thread)
{
	struct walk *w = walk_of(slot);
	u64 words[L_WORDS];
	if (!w || READ(words, sizeof(words), thread + L_GCLIST))
		return 0;
	w->stack = words[W_STACK];
	w->thread_base = words[W_BASE];
	w->stack_end = words[W_MAXSTACK];
	if (w->thread != thread) {
		w->thread = thread;
		w->lua_frame = words[W_BASE] - 8;
	}
	if (!w->first_thread) {
		u64 request = 0;
		READ(&request, sizeof(request), thread + L_EXDATA);
		w->first_thread = thread;
		w->request = request;
	}
	return 1;
}

/* Is it a thread of a VM that runs? Then the VM's current thread is of the same VM. */
__noinline int is_thread(u64 thread, u32 cur_l)
{
	u64 global = 0, current = 0, again = 0;
	if (!thread || thread & 7 || thread >> 47)
		return 0;
	if (READ(&global, sizeof(global), thread + L_GLREF) || !global || global & 7 || global >> 47)
		return 0;
	if (!cur_l) /* the first thread of a VM that is not known yet */
		return 1;
	if (READ(&current, sizeof(current), global + cur_l) || !current ||
	    READ(&again, sizeof(again), current + L_GLREF))
		return 0;
	return again == global;
}

#define OUTER_CFRAMES 4

/* The first C frame of a chain that is not below sp: in found_cframe. */
__noinline int cframe_above(u32 slot, u64 at)
{
	struct walk *w = walk_of(slot);
	if (!w)
		return 0;
	for (int i = 0; i < OUTER_CFRAMES && at && at < w->sp; i++) {
		u64 before = 0;
		if (READ(&before, sizeof(before), at + CF_PREV))
			return 0;
		at = CF_POINTER(before);
	}
	w->found_cframe = at;
	return at >= w->sp && at - w->sp < ABOVE_SP_MAX;
}

/* The thread that runs, by what the process's VMs say: in found_*. */
__noinline int running_thread(u32 slot, u32 in_trace)
{
	struct walk *w = walk_of(slot);
	struct process *p = w ? process_of(w->tgid) : NULL;
	if (!p || !p->cur_l)
		return 0;
	for (int i = 0; i < VMS_MAX; i++) {
		u64 global = p->globals[i], thread = 0, base = 0, cframe = 0;
		if (!global)
			break;
		if (READ(&thread, sizeof(thread), global + p->cur_l) || !thread ||
		    READ(&base, sizeof(base), global + p->jit_base) || (in_trace && !base) ||
		    READ(&cframe, sizeof(cframe), thread + L_CFRAME) || !cframe_above(slot, CF_POINTER(cframe)))
			continue;
		w->found_thread = thread;
		w->found_base = base;
		w->found_global = global;
		return 1;
	}
	return 0;
}

/* How the walk came to Lua. */
enum lua_way {
	WAY_VM = 0,	 /* pc is in lj_vm */
	WAY_TRACE = 1,	 /* in code that LuaJIT made, or may have made */
	WAY_UNKNOWN = 2, /* in other code that Lua called */
};

#define CFRAMES_MAX 16

/* Is there a C frame of the thread at an address? Above it is what lj_vm has saved. */
__noinline int is_cframe(u64 thread, u64 at)
{
	u64 cframe = 0;
	if (READ(&cframe, sizeof(cframe), thread + L_CFRAME))
		return 0;
	for (int i = 0; i < CFRAMES_MAX; i++) {
		cframe = CF_POINTER(cframe);
		if (cframe == at)
			return 1;
		if (!cframe || cframe > at || READ(&cframe, sizeof(cframe), cframe + CF_PREV))
			return 0;
	}
	return 0;
}

/* Takes the C frame at an address, if it is that of a thread. */
__noinline int take_cframe(u32 slot, u64 at)
{
	struct walk *w = walk_of(slot);
	struct process *p = w ? process_of(w->tgid) : NULL;
	u64 thread = 0;
	if (!p || READ(&thread, sizeof(thread), at + CF_L) || !is_thread(thread, p->cur_l) || !is_cframe(thread, at))
		return 0;
	w->found_thread = thread;
	w->found_cframe = at;
	return 1;
}

/* Finds the thread and the C frame of an address in lj_vm, in found_*. Returns an enum
 * lua_way by which to go on, or -1 if it has gone to the C function that has called there. */
__noinline int thread_of_vm(u32 slot)
{
	struct walk *w = walk_of(slot);
	struct process *p = w ? process_of(w->tgid) : NULL;
	if (!p)
		return -1;
	w->found_base = w->found_thread = 0;
	if (take_cframe(slot, w->sp))
		return WAY_VM;
#if defined(__TARGET_ARCH_x86)
	u64 back = 0;
	if (w->leaf && !READ(&back, sizeof(back), w->sp) && back >= p->code_start && back < p->code_end) {
		/* in a small function of lj_vm itself */
		if (take_cframe(slot, w->sp + 8)) {
			w->sp += 8;
			return WAY_VM;
		}
	} else if (w->leaf && leave_entry(slot)) {
		return -1;
	}
#endif
	/* rsp is elsewhere, as in vm_exit_handler. */
	if (!running_thread(slot, 0)) {
		w->found_thread = 0;
		return WAY_UNKNOWN;
	}
	w->leaf = 0;
	return w->found_base ? WAY_TRACE : WAY_VM;
}

/* Steps over the C frame at cf, to what has called lj_vm. */
static __always_inline int leave_cframe(struct walk *w, u64 cf)
{
	u64 words[2];
	if (READ(words, sizeof(words), cf + CF_CALLER)) {
		trouble(w, cf, CAUSE_STACK);
		return 0;
	}
	w->fp = words[0];
	w->pc = words[1];
	w->sp = cf + CF_SIZE;
	w->leaf = 0;
	return 1;
}

/* Emits the Lua frames of the C frame in found_*, and steps over it. */
__noinline int lua_frames(u32 slot, u32 way)
{
	struct walk *w = walk_of(slot);
	if (!w)
		return 0;
	u64 cf = w->found_cframe, pc = 0;
	u32 results = 0;
	if (!enter_thread(slot, w->found_thread)) {
		trouble(w, w->found_thread, CAUSE_LUA_READ);
		return 0;
	}
	READ(&results, sizeof(results), cf + CF_NRES);
	READ(&pc, sizeof(pc), cf + CF_PC);
	/* Negative: entered by lj_vm_cpcall, as the parser is, without a Lua frame. */
	w->limit = (s32)results < 0 ? w->stack + (u64)(u32)-(s32)results : 0;
	w->lua_pc = pc;
	w->pc_from = PC_SAVED;
	w->lua_flags = w->skip = 0;
	if (way == WAY_TRACE) {
		w->lua_frame = w->found_base - 8;
		w->lua_pc = 0;
		w->pc_from = PC_NONE;
		w->lua_flags = FRAME_BASE;
	} else if (w->leaf && first_by_registers(slot) == FIRST_NONE) {
		return leave_cframe(w, cf);
	}
	u32 ended = 0;
	for (int i = 0; i < MAX_LUA_FRAMES && !ended; i++)
		ended = lua_step(slot);
	if (!ended)
		trouble(w, w->lua_frame, CAUSE_DEEP);
	return leave_cframe(w, cf);
}

/* Walks through lj_vm. Returns whether the walk may go on. */
__noinline int walk_vm(u32 slot)
{
	struct walk *w = walk_of(slot);
	if (!w)
		return 0;
	u64 pc = w->pc;
	u32 leaf = w->leaf ? FRAME_LEAF : 0;
	int way = thread_of_vm(slot);
	if (way < 0)
		return 1;
	if (!w->found_thread) {
		trouble(w, pc, CAUSE_THREAD);
		return 0;
	}
	u64 global = 0;
	READ(&global, sizeof(global), w->found_thread + L_GLREF);
	emit(w, pc, global, 0, FRAME_VM, leaf);
	return lua_frames(slot, way);
}

/* Walks through code that LuaJIT made, or may have. Returns whether it knows that code. */
__noinline int walk_trace(u32 slot)
{
	struct walk *w = walk_of(slot);
	if (!w)
		return 0;
	u32 leaf = w->leaf ? FRAME_LEAF : 0;
	if (running_thread(slot, 1)) {
		emit(w, w->pc, w->found_global, 0, FRAME_JIT, leaf);
		if (!lua_frames(slot, WAY_TRACE))
			w->done = 1;
		return 1;
	}
	if (running_thread(slot, 0)) {
		emit(w, w->pc, 0, 0, FRAME_FOREIGN, leaf);
		w->leaf = 0;
		if (!lua_frames(slot, WAY_UNKNOWN))
			w->done = 1;
		return 1;
	}
	return 0;
}
