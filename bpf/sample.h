/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the sampling programs share: their records, maps and settings. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "kernel.h"
#include "bpf_helpers.h"
#include "bpf_core_read.h"
#include "events.h"
#include "walk.h"

enum process_flags {
	PROCESS_SAMPLED = 1, /* else it is a master, whose children are to be sampled */
};

enum sample_kind {
	SAMPLE_CPU = 1,
	SAMPLE_BLOCKED = 2, /* told when the thread runs again; ns is how long it did not */
	SAMPLE_TICK = 3,    /* tick_event */
	SAMPLE_FORK = 4,    /* process_change */
	SAMPLE_EXIT = 5,
};

#define NAMES_ROOM 1024
#define SAMPLE_DATA (MAX_FRAMES * sizeof(struct frame) + NAMES_ROOM)

/* A sample: this, the frames from the leaf on, and then the host, the traceparent, and what
 * append_names has written. Read by sample_decode.go. */
struct sample_event {
	u32 kind;
	u32 tgid;
	u32 tid;
	u32 cpu;
	u64 time;
	u64 ns;	       /* off the CPU */
	u64 tick;      /* when the event loop's tick began; 0: not known */
	u64 thread;    /* lua_State of the leaf; 0: no Lua on the stack */
	u64 request;   /* ngx_http_request_t that it runs for, the client's; 0: none */
	u64 start_sec; /* of that */
	u64 start_msec;
	u32 names;     /* enum names_how */
	u32 frames;
	u32 host_len;
	u32 trace_len; /* of the header traceparent */
	u32 texts_len; /* of what follows the frames */
	u32 background; /* Lua ran for a timer, not for a request */
	u32 pad;
	s32 vm_state;	/* of the thread's VM: ~LJ_VMST_*, or the number of a trace; 0: not read */
};

/* A tick of the event loop that took longer than was asked for. */
struct tick_event {
	u32 kind;
	u32 tgid;
	u32 tid;
	u32 pad;
	u64 began, ended;
};

struct process_change {
	u32 kind;
	u32 tgid;
	u32 parent;
	u32 pad;
	u64 time;
};

_Static_assert(sizeof(struct sample_event) == 104, "sample_event changed: see sample_decode.go");
_Static_assert(sizeof(struct frame) == 24, "frame changed: see sample_decode.go");
_Static_assert(sizeof(struct row) == 16, "row changed: see sample_rows.go");

/* The registers of user space: include/uapi/asm/ptrace.h, so fixed. */
#if defined(__TARGET_ARCH_x86)
struct sample_regs {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
#define IN_USER_SPACE(regs) ((regs)->cs & 3)
#else
struct sample_regs {
	u64 regs[31], sp, pc, pstate;
};
#define IN_USER_SPACE(regs) (((regs)->pstate & 15) == 0)
#endif

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32); /* tgid */
	__type(value, struct process);
} processes SEC(".maps");

/* The executable mappings of a process are together, and sorted. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct mapping);
} mappings SEC(".maps");

/* The unwind rows of an object are together, and sorted. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct row);
} rows SEC(".maps");

/* Samples are taken in interrupts, also while the other program runs: each has its own. */
enum slot {
	SLOT_CPU = 0,
	SLOT_BLOCKED = 1,
	SLOTS = 2,
};

/* A sample in the making. */
struct making {
	struct walk walk;
	u64 kernel[MAX_KERNEL];
	struct sample_regs regs;
	struct sample_event event;
	u8 data[SAMPLE_DATA];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32); /* enum slot */
	__type(value, struct making);
} makings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} samples SEC(".maps");

enum count {
	COUNT_SAMPLES = 0,
	COUNT_LOST = 1,	   /* samples that found the ring full */
	COUNT_TIME = 2,	   /* ns in the programs */
	COUNT_CHANGES = 3, /* forks, exits and ticks that found the ring full */
	COUNT_BUSY = 4,	   /* no room for one more thread that blocks, or one more process */
	COUNTS = 5,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTS);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

/* When the tick began that a worker's event loop is in, by its thread. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32); /* tid */
	__type(value, u64);
} ticks SEC(".maps");

const volatile u64 blocked_min = 1000000; /* ns */
const volatile u64 tick_min = 0;	  /* ns; 0: ticks are not watched */
const volatile u32 has_task_regs = 0;	  /* bpf_task_pt_regs, since 5.15 */
const volatile u32 stack_size = 16384;	  /* of a thread in the kernel */

static __always_inline void count(u32 which, u64 n)
{
	u64 *to = bpf_map_lookup_elem(&counts, &which);
	if (to)
		*to += n;
}

static __always_inline struct making *making_of(u32 slot)
{
	return bpf_map_lookup_elem(&makings, &slot);
}

static __always_inline struct walk *walk_of(u32 slot)
{
	struct making *m = making_of(slot);
	return m ? &m->walk : NULL;
}

static __always_inline struct process *process_of(u32 tgid)
{
	return bpf_map_lookup_elem(&processes, &tgid);
}

#define READ(to, size, at) bpf_probe_read_user(to, size, (void *)(at))

#endif
