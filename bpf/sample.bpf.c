//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Samples of what the gateway's processes do: kernel, native and Lua frames in one stack,
 * and the request that Lua runs for. An object of its own.
 */
#include "native.bpf.c"
#include "luawalk.bpf.c"
#include "request_of.bpf.c"

/* Takes one step from frame to frame. */
__noinline int walk_step(u32 slot)
{
	struct walk *w = walk_of(slot);
	struct process *p = w ? process_of(w->tgid) : NULL;
	if (!p)
		return 0;
	if (!w->pc) {
		w->done = 1;
		return 0;
	}
	u64 pc = w->leaf ? w->pc : w->pc - 1;
	if (pc >= p->code_start && pc < p->code_end) {
		w->done = !walk_vm(slot);
		return 0;
	}
	struct mapping *m = mapping_of(slot, pc);
	u32 kind = m ? m->kind : 0;
	if (m && kind == MAPPED_OBJECT) {
		u32 leaf = w->leaf ? FRAME_LEAF : 0;
		u32 row = find_row(pc - m->bias, m->first_row, m->rows);
		emit(w, w->pc, 0, 0, FRAME_NATIVE, leaf);
		if (row && step_by_row(slot, row - 1))
			return 0;
		u32 n = w->frames - 1;
		if (!step_by_pointer(slot))
			end_walk(w, pc, CAUSE_ROW);
		else if (n < MAX_FRAMES)
			w->frame[n].flags |= FRAME_GUESSED;
		return 0;
	}
	if (kind == MAPPED_CODE && leave_foreign(slot))
		return 0;
	if (!walk_trace(slot))
		end_walk(w, pc, kind ? CAUSE_CODE : CAUSE_MAPPING);
	return 0;
}

static __always_inline void set_registers(struct walk *w, struct sample_regs *r)
{
#if defined(__TARGET_ARCH_x86)
	w->pc = r->ip;
	w->sp = r->sp;
	w->fp = r->bp;
	w->base = r->dx; /* BASE and PC in vm_x64.dasc */
	w->vm_pc = r->bx;
	w->ax = r->ax;
	w->r9 = r->r9;
	w->r10 = r->r10;
	w->r11 = r->r11;
#else
	w->pc = r->pc;
	w->sp = r->sp;
	w->fp = r->regs[29];
	w->base = r->regs[19]; /* in vm_arm64.dasc */
	w->vm_pc = r->regs[21];
#endif
}

/* Walks up from the registers in making.regs. The kernel bounds how deep calls may be, so
 * this is none. */
static __always_inline void walk_user(struct making *m, u32 slot)
{
	struct walk *w = &m->walk;
	set_registers(w, &m->regs);
	w->thread = w->lua_frame = w->first_thread = w->request = 0;
	w->leaf = 1;
	w->done = 0;
	if (!w->pc)
		end_walk(w, 0, CAUSE_REGISTERS);
	for (int i = 0; i < MAX_STEPS && !w->done; i++)
		walk_step(slot);
	if (!w->done)
		trouble(w, w->pc, CAUSE_DEEP);
	if (w->frames == MAX_FRAMES) {
		w->frames--;
		trouble(w, w->pc, CAUSE_DEEP);
	}
}

/* Emits the kernel's frames, of which so many were found. */
__noinline int walk_kernel(u32 slot, u32 n)
{
	struct making *m = making_of(slot);
	if (!m)
		return 0;
	for (u32 i = 0; i < MAX_KERNEL && i < n; i++)
		emit(&m->walk, m->kernel[i], 0, 0, FRAME_KERNEL, i ? 0 : FRAME_LEAF);
	return n;
}

struct task_struct___stack {
	void *stack;
} __attribute__((preserve_access_index));

/* The registers of user space of a thread that is in the kernel, into making.regs. */
static __always_inline void saved_registers(struct making *m, struct task_struct *task)
{
	void *at;
	if (has_task_regs) {
		at = (void *)bpf_task_pt_regs(task);
	} else {
		/* task_pt_regs: at the end of the thread's stack in the kernel. */
		struct task_struct___stack *t = (void *)task;
		at = BPF_CORE_READ(t, stack);
		at += stack_size - bpf_core_type_size(struct pt_regs);
	}
	if (bpf_probe_read_kernel(&m->regs, sizeof(m->regs), at) || !IN_USER_SPACE(&m->regs))
		__builtin_memset(&m->regs, 0, sizeof(m->regs));
}

static __always_inline struct making *begin_sample(u32 slot, u32 kind, u32 tgid, u32 tid)
{
	struct making *m = making_of(slot);
	if (!m)
		return NULL;
	struct sample_event *e = &m->event;
	__builtin_memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->tgid = tgid;
	e->tid = tid;
	e->cpu = bpf_get_smp_processor_id();
	e->time = bpf_ktime_get_ns();
	m->walk.tgid = tgid;
	m->walk.frames = 0;
	u64 *tick = bpf_map_lookup_elem(&ticks, &tid);
	if (tick)
		e->tick = *tick;
	return m;
}

/* Puts the frames to their place in the record. */
__noinline int copy_frames(u32 slot)
{
	struct making *m = making_of(slot);
	if (!m)
		return 0;
	u64 size = m->event.frames * sizeof(struct frame);
	barrier_var(size);
	if (size <= MAX_FRAMES * sizeof(struct frame))
		bpf_probe_read_kernel(m->data, size, m->walk.frame);
	return 0;
}

/* Notes what the VM of the leaf's thread did. */
__noinline int note_vm(u32 slot)
{
	struct making *m = making_of(slot);
	struct process *p = m ? process_of(m->walk.tgid) : NULL;
	u64 global = 0;
	s32 state = 0;
	if (!p || !p->vm_state || READ(&global, sizeof(global), m->walk.first_thread + L_GLREF) ||
	    READ(&state, sizeof(state), global + p->vm_state))
		return 0;
	m->event.vm_state = state;
	return 1;
}

/* Puts together what was found. */
__noinline int finish_sample(u32 slot)
{
	struct making *m = making_of(slot);
	if (!m)
		return 0;
	u32 n = m->walk.frames;
	barrier_var(n);
	if (n > MAX_FRAMES)
		return 0;
	m->event.frames = n;
	m->event.thread = m->walk.first_thread;
	copy_frames(slot);
	if (m->walk.first_thread)
		note_vm(slot);
	if (m->walk.request)
		tell_request(slot, n * sizeof(struct frame));
	return 0;
}

/* Sends a record of an event and what is behind it. */
static __always_inline void send_sample(struct sample_event *e)
{
	u64 size = sizeof(*e) + e->frames * sizeof(struct frame) + e->texts_len;
	barrier_var(size);
	if (size > sizeof(*e) + SAMPLE_DATA)
		return;
	count(bpf_ringbuf_output(&samples, e, size, BPF_RB_NO_WAKEUP) ? COUNT_LOST : COUNT_SAMPLES, 1);
}

/* What a perf_event program is given: include/uapi/linux/bpf_perf_event.h. */
struct perf_context {
	struct sample_regs regs;
	u64 sample_period, addr;
};

#define REGISTER(name) (*(volatile u64 *)&ctx->regs.name)

SEC("perf_event")
int on_clock(struct perf_context *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tgid = id >> 32;
	struct process *p = process_of(tgid);
	if (!p || !(p->flags & PROCESS_SAMPLED))
		return 0;
	struct making *m = begin_sample(SLOT_CPU, SAMPLE_CPU, tgid, (u32)id);
	if (!m)
		return 0;
	/* The verifier wants them read one by one, and before anything branches. */
#if defined(__TARGET_ARCH_x86)
	struct sample_regs r = {};
	r.ip = REGISTER(ip), r.sp = REGISTER(sp), r.bp = REGISTER(bp), r.bx = REGISTER(bx), r.dx = REGISTER(dx);
	r.ax = REGISTER(ax), r.r9 = REGISTER(r9), r.r10 = REGISTER(r10), r.r11 = REGISTER(r11), r.cs = REGISTER(cs);
#else
	struct sample_regs r = {};
	r.pc = REGISTER(pc), r.sp = REGISTER(sp), r.pstate = REGISTER(pstate);
	r.regs[29] = REGISTER(regs[29]), r.regs[19] = REGISTER(regs[19]), r.regs[21] = REGISTER(regs[21]);
#endif
	if (IN_USER_SPACE(&r)) {
		m->regs = r;
	} else {
		long n = bpf_get_stack(ctx, m->kernel, sizeof(m->kernel), 0);
		walk_kernel(SLOT_CPU, n > 0 ? (u32)n / 8 : 0);
		if (has_task_regs)
			saved_registers(m, bpf_get_current_task_btf());
		else
			saved_registers(m, (struct task_struct *)bpf_get_current_task());
	}
	walk_user(m, SLOT_CPU);
	finish_sample(SLOT_CPU);
	send_sample(&m->event);
	count(COUNT_TIME, bpf_ktime_get_ns() - m->event.time);
	return 0;
}

#include "blocked.bpf.c"
#include "follow.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Types that no map mentions: named here so that BTF, and so Go, gets them. */
const enum sample_kind *unused_sample_kind __attribute__((unused));
const enum frame_kind *unused_frame_kind __attribute__((unused));
const enum pc_from *unused_pc_from __attribute__((unused));
const enum cause *unused_cause __attribute__((unused));
const enum cfa_rule *unused_cfa_rule __attribute__((unused));
const enum fp_rule *unused_fp_rule __attribute__((unused));
const enum mapping_kind *unused_mapping_kind __attribute__((unused));
const enum process_flags *unused_process_flags __attribute__((unused));
const enum count *unused_count __attribute__((unused));
const enum name *unused_name __attribute__((unused));
const enum names_how *unused_names_how __attribute__((unused));
const struct tick_event *unused_tick_event __attribute__((unused));
const struct process_change *unused_process_change __attribute__((unused));
