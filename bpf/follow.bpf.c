//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Processes come and go: a reload forks new workers. A child has its parent's memory, so
 * it is sampled from its first instruction with its parent's mappings and VMs.
 */
#include "sample.h"

static __always_inline void tell_change(u32 kind, u32 tgid, u32 parent)
{
	struct process_change e = {.kind = kind, .tgid = tgid, .parent = parent, .time = bpf_ktime_get_ns()};
	if (bpf_ringbuf_output(&samples, &e, sizeof(e), BPF_RB_NO_WAKEUP))
		count(COUNT_CHANGES, 1);
}

SEC("tp_btf/sched_process_fork")
int process_forks(u64 *ctx)
{
	struct task_struct *parent = (struct task_struct *)ctx[0], *child = (struct task_struct *)ctx[1];
	u32 from = BPF_CORE_READ(parent, tgid), tgid = BPF_CORE_READ(child, tgid);
	if (from == tgid) /* a thread */
		return 0;
	struct process *p = process_of(from);
	if (!p)
		return 0;
	struct process copy = *p;
	copy.flags |= PROCESS_SAMPLED;
	if (bpf_map_update_elem(&processes, &tgid, &copy, BPF_NOEXIST))
		count(COUNT_BUSY, 1);
	tell_change(SAMPLE_FORK, tgid, from);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int process_exits(u64 *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];
	u32 tid = BPF_CORE_READ(p, pid), tgid = BPF_CORE_READ(p, tgid);
	if (tid != tgid || !process_of(tgid))
		return 0;
	bpf_map_delete_elem(&processes, &tgid);
	bpf_map_delete_elem(&ticks, &tgid);
	bpf_map_delete_elem(&blocked, &tgid);
	tell_change(SAMPLE_EXIT, tgid, 0);
	return 0;
}
