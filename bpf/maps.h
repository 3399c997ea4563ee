/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The state that the programs share, and the few steps that all of them take. */
#ifndef MAPS_H
#define MAPS_H

#include "kernel.h"
#include "bpf_helpers.h"
#include "bpf_core_read.h"
#include "bpf_endian.h"
#include "events.h"

#define SCRATCH_SIZE 1536

/* Who is watched, and as what. */
enum target_flags {
	TARGET_MASTER = 1,   /* its children are workers; its own calls are not read */
	TARGET_WORKER = 2,   /* one thread, one event loop */
	TARGET_UPSTREAM = 4, /* another process: only the sockets it accepts */
};

/* What is looked for in Lua's tables, beside the names: luatable.bpf.c has the texts. */
enum key {
	KEY_API_CTX = NAMES,
	KEY_CTX_TABLES,
	KEYS,
};

#define FOUND_NUMBER KEYS /* in found: of the number key that was asked for */

#define KNOWN 512 /* strings of a VM that are known, by their address: two in a slot */
#define KNOWN_SLOT(str) (((str) >> 3 ^ (str) >> 11) & (KNOWN - 2))
#define KNOWN_FOR 1000000000ULL /* ns */

/* Bytes in the memory of a process. */
struct span {
	u64 len;
	u64 data;
};

/* LuaJIT's GCtab from its array on. */
struct lua_table {
	u64 array, gclist, metatable, node;
	u32 asize, hmask;
};

/* What logged.bpf.c and heads.bpf.c need of a request object that was copied. */
struct log_words {
	u64 variables, header_size;
	u64 host, user_agent, referer, authorization; /* ngx_table_elt_t * */
	struct span addr_text, user, content_type;
	u64 content_length;
};

struct target {
	u32 flags;
	u32 pad;
	u64 tick;	      /* return of the last epoll_wait */
	u64 lua_global;	      /* the global state of the worker's VM; 0: not known yet */
	u64 lua_ctxs;	      /* its table of all ngx.ctx */
	struct owner current; /* whose work runs now, in a worker */
	u64 lua_request;      /* for which Lua runs, while lua_since is set */
	u64 lua_since;
	u64 pending_peer;     /* ngx_peer_connection_t * that has no socket yet */
	struct owner pending; /* whose attempt that is */
	/* Room for what does not fit on the stack. A worker has one thread, so
	 * nobody else is in it; per-CPU room would not do, uprobes can be preempted. */
	u8 scratch[SCRATCH_SIZE];
	struct request_event request;
	struct span wanted[WANTED_MAX]; /* values of request headers */
	u32 fill; /* how much of request.data is filled */
	u32 variables_known;
	struct log_words log;
	u32 variables[VARIABLES]; /* one more than their index; 0: there is none */
	u32 variables_first;	  /* of these, and bytes of the values from it to the last */
	u32 variables_size;
	u32 variables_read; /* these are in the scratch room */
	/* What luatable.bpf.c knows of the VM's strings, and has found in a table. */
	u64 known_since;
	u64 known[KNOWN];
	u64 found[KEYS + 1];
	u64 found_number;
	struct lua_table table; /* that is being looked at */
	u64 text[3], name[8];
	u32 found_integer;
	u32 lua_tries; /* to find lua_ctxs */
	u8 plugin[PLUGIN_MAX];
};

struct socket_state {
	struct conn conn;
	u64 sock; /* struct sock * */
	u64 tick; /* of the first byte of the exchange */
	u64 peer_closed;
	u64 failed;
	s32 error;
	s32 connect_error;
	u32 exchange; /* counts them */
	u8 last;      /* direction of the last byte */
	u8 fresh;     /* an exchange has begun (connect) but no byte has moved */
	u16 pad;
	struct owner owner;
	u8 plugin[PLUGIN_MAX]; /* that ran for the owner when the exchange began */
	struct flow flows[2]; /* by direction */
};

struct tail_key {
	u64 socket;
	u64 exchange;
};

struct tail {
	u32 pid;
	u32 worker;
	struct flow flows[2];
	struct address local;
	struct address remote;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, u32); /* tgid */
	__type(value, struct target);
} targets SEC(".maps");

/* Ports on which targets listen: tells an accepted socket that was open before us. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64); /* tgid << 32 | port; tgid 0: the gateway */
	__type(value, u8);
} listening SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, u64); /* tgid << 32 | fd */
	__type(value, struct socket_state);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, u64); /* struct sock * */
	__type(value, u64); /* key in sockets */
} by_sock SEC(".maps");

/* Messages of more than one call, whose end no record has told yet, and requests that an
 * upstream's process has not answered yet. User space takes them out regularly. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct tail_key);
	__type(value, struct tail);
} tails SEC(".maps");

struct room {
	struct message_event message;
	struct close_event close;
	struct socket_state state;
	struct tail tail;
};

/* Which program at system calls is it? Newer kernels may preempt one, but leave out the
 * other runs of the same on this CPU: so each has a room to itself. */
enum call_side {
	CALL_ENTERS = 0,
	CALL_EXITS = 1,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32); /* enum call_side */
	__type(value, struct room);
} rooms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOSS_CAUSES);
	__type(key, u32);
	__type(value, u64);
} losses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} socket_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

const volatile u32 wakeup_bytes = 1 << 20; /* wake user space when so much waits */

const volatile u32 want_phases = 0; /* phases.bpf.c is attached */

const volatile u32 want_log = 0; /* what nginx's access log has of a request */

const volatile u32 want_body = 0; /* bytes of bodies that are to be told */

/* Is the request object read? Its end is then that of the exchange at the client's socket. */
enum requests {
	REQUESTS_UNREAD = 0, /* clients' sockets speak for themselves */
	REQUESTS_READ = 1,   /* but not told: not all programs are attached yet */
	REQUESTS_TOLD = 2,
};

/* An enum requests. User space takes it back when the object's layout turns out to be unknown. */
volatile u32 request_probes = REQUESTS_UNREAD;

static __always_inline void count_loss(u32 cause)
{
	u64 *n = bpf_map_lookup_elem(&losses, &cause);
	if (n)
		(*n)++;
}

/* Where in the ring the reader was woken last. */
volatile u64 woken_at = 0;

/* Waking the reader for each record would cost more than the record: it polls every few
 * milliseconds and is woken only when much waits, and then not again before as much more
 * has come: while it is behind it is awake. */
static __always_inline u64 wakeup(void)
{
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) < wakeup_bytes)
		return BPF_RB_NO_WAKEUP;
	u64 at = bpf_ringbuf_query(&events, BPF_RB_PROD_POS);
	if (at - woken_at < wakeup_bytes)
		return BPF_RB_NO_WAKEUP;
	woken_at = at;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline u32 write_seq(u64 sock)
{
	return BPF_CORE_READ((struct tcp_sock *)sock, write_seq);
}

static __always_inline u32 copied_seq(u64 sock)
{
	return BPF_CORE_READ((struct tcp_sock *)sock, copied_seq);
}

/* How much went out since the flow began: the kernel's own count. */
static __always_inline void settle_out(struct socket_state *s)
{
	struct flow *out = &s->flows[DIRECTION_OUT];
	if (out->began)
		out->bytes = write_seq(s->sock) - out->seq;
}

static __always_inline struct target *target_of(u32 tgid)
{
	return bpf_map_lookup_elem(&targets, &tgid);
}

static __always_inline struct room *own_room(u32 side)
{
	return bpf_map_lookup_elem(&rooms, &side);
}

#endif
