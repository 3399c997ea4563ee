//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Ticks of the workers' event loops: from the return of epoll_wait to its next call, in which
 * a worker serves whom that has brought, and nobody else.
 *
 * They are counted for the processes that user space has put into the map, which reads it
 * every second. Where the sockets are watched, the programs of syscall.bpf.c count; else the
 * two below. Where all are attached, the first one counts and the other finds no tick.
 */
#include "maps.h"
#include "syscalls.h"

#define TICK_CLASSES 24 /* trace.TickClasses */

struct longest {
	u64 turn; /* in which it was */
	u64 ns;
};

struct loop {
	u64 began; /* of the tick that goes on; 0: none does, or it was not seen to begin */
	u64 busy;  /* ns of all ticks that have ended */
	struct longest longest[2]; /* of a turn, and of the one before; by its lowest bit */
	u64 ticks[TICK_CLASSES];   /* that have ended, by the logarithm of their microseconds */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512); /* as many as there are targets */
	__type(key, u32);	  /* tgid */
	__type(value, struct loop);
} loops SEC(".maps");

const volatile u32 want_ticks = 0;

/* User space begins a new one before it reads the longest tick of the last. */
volatile u64 tick_turn = 1;

static __always_inline u32 class_of(u64 ns)
{
	u64 us = ns / 1000;
	u32 class = 0;
	if (us >> TICK_CLASSES)
		return TICK_CLASSES - 1;
	for (u32 step = 16; step; step >>= 1) {
		if (us >> step) {
			us >>= step;
			class += step;
		}
	}
	return class;
}

static __always_inline struct loop *own_loop(void)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	return bpf_map_lookup_elem(&loops, &tgid);
}

static __always_inline void loop_wakes(void)
{
	struct loop *l = own_loop();
	if (l)
		l->began = bpf_ktime_get_ns();
}

static __always_inline void loop_waits(void)
{
	struct loop *l = own_loop();
	if (!l || !l->began)
		return;
	u64 ns = bpf_ktime_get_ns() - l->began, turn = tick_turn;
	l->began = 0;
	l->busy += ns;
	u32 class = class_of(ns);
	if (class < TICK_CLASSES) /* it is: older verifiers do not see it */
		l->ticks[class]++;
	struct longest *most = &l->longest[turn & 1];
	if (most->turn != turn || most->ns < ns) {
		most->turn = turn;
		most->ns = ns;
	}
}

SEC("tp_btf/sys_enter")
int tick_ends(u64 *ctx)
{
	if (is_epoll(ctx[1]))
		loop_waits();
	return 0;
}

SEC("tp_btf/sys_exit")
int tick_begins(u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	if (is_epoll(CALL_NR(regs)))
		loop_wakes();
	return 0;
}
