//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Time that an event loop spends off the CPU, anywhere but in epoll_wait; and ticks of the
 * event loop that take too long.
 *
 * The stack is walked as the thread leaves the CPU, since only then is its memory at hand,
 * and told of when it comes back, if that took long.
 */
#include "sample.h"
#include "syscalls.h"

struct blocked_sample {
	struct sample_event event;
	u8 data[SAMPLE_DATA];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u32); /* tid */
	__type(value, struct blocked_sample);
} blocked SEC(".maps");

static __always_inline void comes_back(u32 tid)
{
	struct blocked_sample *b = bpf_map_lookup_elem(&blocked, &tid);
	if (!b)
		return;
	u64 ns = bpf_ktime_get_ns() - b->event.time;
	if (ns >= blocked_min) {
		b->event.ns = ns;
		send_sample(&b->event);
	}
	bpf_map_delete_elem(&blocked, &tid);
}

static __always_inline bool waits_for_events(struct sample_regs *r)
{
#if defined(__TARGET_ARCH_x86)
	long nr = r->orig_ax;
#else
	long nr = r->regs[8];
#endif
	return is_epoll(nr);
}

SEC("tp_btf/sched_switch")
int on_switch(u64 *ctx)
{
	bool preempted = ctx[0];
	struct task_struct *prev = (struct task_struct *)ctx[1], *next = (struct task_struct *)ctx[2];
	u32 to = next->tgid, from = prev->tgid, tid = prev->pid;
	if (to == next->pid && process_of(to))
		comes_back(to);
	/* Only the first thread: those of a pool wait for work, and nobody waits for them. */
	if (preempted || from != tid)
		return 0;
	struct process *p = process_of(from);
	if (!p || !(p->flags & PROCESS_SAMPLED))
		return 0;
	struct making *m = begin_sample(SLOT_BLOCKED, SAMPLE_BLOCKED, from, tid);
	if (!m)
		return 0;
	saved_registers(m, prev);
	if (waits_for_events(&m->regs))
		return 0;
	long n = bpf_get_stack(ctx, m->kernel, sizeof(m->kernel), 0);
	walk_kernel(SLOT_BLOCKED, n > 0 ? (u32)n / 8 : 0);
	walk_user(m, SLOT_BLOCKED);
	finish_sample(SLOT_BLOCKED);
	if (bpf_map_update_elem(&blocked, &tid, &m->event, BPF_ANY))
		count(COUNT_BUSY, 1);
	count(COUNT_TIME, bpf_ktime_get_ns() - m->event.time);
	return 0;
}

/* The thread of an event loop that calls, or 0. */
static __always_inline u32 event_loop(u32 *tgid)
{
	u64 id = bpf_get_current_pid_tgid();
	*tgid = id >> 32;
	struct process *p = *tgid == (u32)id ? process_of(*tgid) : NULL;
	return p && p->flags & PROCESS_SAMPLED ? (u32)id : 0;
}

SEC("tp_btf/sys_enter")
int tick_ends(u64 *ctx)
{
	if (!is_epoll(ctx[1]))
		return 0;
	u32 tgid, tid = event_loop(&tgid);
	u64 *began = tid ? bpf_map_lookup_elem(&ticks, &tid) : NULL;
	if (!began || !*began)
		return 0;
	struct tick_event e = {
		.kind = SAMPLE_TICK, .tgid = tgid, .tid = tid, .began = *began, .ended = bpf_ktime_get_ns(),
	};
	*began = 0;
	if (e.ended - e.began >= tick_min && bpf_ringbuf_output(&samples, &e, sizeof(e), BPF_RB_NO_WAKEUP))
		count(COUNT_CHANGES, 1);
	return 0;
}

SEC("tp_btf/sys_exit")
int tick_begins(u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	if (!is_epoll(CALL_NR(regs)))
		return 0;
	u32 tgid, tid = event_loop(&tgid);
	u64 now = bpf_ktime_get_ns();
	if (tid && bpf_map_update_elem(&ticks, &tid, &now, BPF_ANY))
		count(COUNT_BUSY, 1);
	return 0;
}
