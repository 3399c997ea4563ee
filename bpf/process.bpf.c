//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Targets come and go: a reload forks new workers, an upgrade a new master. What a
 * target forks is a target too, before it has run its first instruction.
 */
#include "maps.h"

static const volatile struct target blank = {};

static __always_inline void tell(u32 pid, u32 parent, u32 exited, s32 code)
{
	struct process_event e = {
		.kind = EVENT_PROCESS,
		.pid = pid,
		.time = bpf_ktime_get_ns(),
		.parent = parent,
		.exited = exited,
		.exit_code = code,
	};
	if (bpf_ringbuf_output(&events, &e, sizeof(e), BPF_RB_FORCE_WAKEUP))
		count_loss(LOSS_PROCESSES);
}

SEC("tp_btf/sched_process_fork")
int sched_process_fork(u64 *ctx)
{
	struct task_struct *parent = (struct task_struct *)ctx[0], *child = (struct task_struct *)ctx[1];
	u32 from = BPF_CORE_READ(parent, tgid), pid = BPF_CORE_READ(child, tgid);
	if (from == pid) /* a thread */
		return 0;
	struct target *t = target_of(from);
	if (!t)
		return 0;
	u32 flags = t->flags & TARGET_UPSTREAM ? TARGET_UPSTREAM : TARGET_WORKER;
	long err = bpf_map_update_elem(&targets, &pid, (void *)&blank, BPF_NOEXIST);
	if (err) {
		if (err != -EEXIST)
			count_loss(LOSS_TARGETS);
		return 0;
	}
	t = target_of(pid);
	if (t)
		t->flags = flags;
	tell(pid, from, 0, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int sched_process_exit(u64 *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];
	u32 pid = BPF_CORE_READ(p, pid), tgid = BPF_CORE_READ(p, tgid);
	if (pid != tgid || !target_of(tgid))
		return 0;
	tell(tgid, 0, 1, BPF_CORE_READ(p, exit_code));
	bpf_map_delete_elem(&targets, &tgid);
	bpf_map_delete_elem(&heads, &tgid);
	return 0;
}
