//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The system calls that move bytes or open and close sockets.
 *
 * Reads are seen when they return: then the bytes are there, and the time is that
 * of the read. Writes are seen when they are entered: on loopback the peer may have
 * answered before the write returns. How much a write moved, its return would tell;
 * tcp_sock.write_seq tells it as well at the next look, so each call costs one stop.
 *
 * Two programs for all calls. A tracepoint for each would spare other processes
 * nothing, since the first of them already sends every call of the host the slow way, and
 * taking twenty of them off waits for as many grace periods: a second, not a millisecond.
 */
#include "maps.h"
#include "syscalls.h"

/* The target whose call this is: a watched process that is not merely a parent. */
static __always_inline struct target *caller(void)
{
	struct target *t = target_of(bpf_get_current_pid_tgid() >> 32);
	return t && t->flags & (TARGET_WORKER | TARGET_UPSTREAM) ? t : NULL;
}

static __always_inline u64 socket_key(u64 fd)
{
	return (bpf_get_current_pid_tgid() >> 32) << 32 | (u32)fd;
}

static __always_inline bool message_iovecs(u64 msg, struct bytes *b)
{
	struct user_msghdr h = {};
	if (bpf_probe_read_user(&h, sizeof(h), (void *)msg))
		return false;
	b->at = (u64)h.msg_iov;
	b->count = h.msg_iovlen;
	return true;
}

static __always_inline void add_lengths(struct bytes *b)
{
	for (int i = 0; i < 8 && i < b->count; i++) {
		struct iovec v = {};
		bpf_probe_read_user(&v, sizeof(v), (void *)(b->at + i * sizeof(v)));
		b->len += v.iov_len;
	}
}

/* A connection is being made. Known at the entry, because on loopback the
 * handshake is over before connect returns. */
static __always_inline void connect_enters(struct target *t, s32 fd)
{
	if (!(t->flags & TARGET_WORKER))
		return;
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct socket_state *s = new_socket(tgid, t->flags, fd, SIDE_CONNECTED, CALL_ENTERS);
	if (!s || s->conn.side != SIDE_CONNECTED)
		return;
	s->conn.opened = bpf_ktime_get_ns();
	begin_exchange(t, s);
	struct owner o = {};
	next_owner(t, &o, tgid, fd);
	take_owner(t, s, &o);
	t->current = s->owner;
}

static __always_inline void connect_exits(struct target *t, s32 fd, long ret)
{
	u64 key = socket_key(fd);
	struct socket_state *s = bpf_map_lookup_elem(&sockets, &key);
	if (!s || s->conn.side != SIDE_CONNECTED)
		return;
	read_addresses(s);
	if (ret < 0 && ret != -EINPROGRESS)
		s->connect_error = -ret;
}

static __always_inline void accept_exits(struct target *t, long fd)
{
	/* Work that begins here is nobody's until something is read. */
	__builtin_memset(&t->current, 0, sizeof(t->current));
	if (fd < 0)
		return;
	struct socket_state *s = new_socket(bpf_get_current_pid_tgid() >> 32, t->flags, fd, SIDE_ACCEPTED, CALL_EXITS);
	if (s && s->conn.side == SIDE_ACCEPTED)
		s->conn.opened = s->conn.established = bpf_ktime_get_ns();
}

static __always_inline void submit_close(struct target *t, struct socket_state *s)
{
	struct room *room = own_room(CALL_ENTERS);
	if (!room)
		return;
	struct close_event *e = &room->close;
	settle_out(s);
	e->kind = EVENT_CLOSE;
	e->exchange = s->exchange;
	e->conn = s->conn;
	e->owner = s->owner;
	__builtin_memcpy(e->plugin, s->plugin, sizeof(e->plugin));
	e->time = bpf_ktime_get_ns();
	e->tick = t->tick;
	e->peer_closed = s->peer_closed;
	e->failed = s->failed;
	e->error = s->error;
	e->connect_error = s->connect_error;
	e->in = s->flows[DIRECTION_IN];
	e->out = s->flows[DIRECTION_OUT];
	if (bpf_ringbuf_output(&events, e, sizeof(*e), wakeup()))
		count_loss(LOSS_MESSAGES);
}

static __always_inline void close_enters(struct target *t, s32 fd)
{
	u64 key = socket_key(fd);
	struct socket_state *s = bpf_map_lookup_elem(&sockets, &key);
	if (!s)
		return;
	/* What follows is work for the same request, even if a timer began it: giving up
	 * on a node, nginx closes its connection and turns to the next. */
	if (t->flags & TARGET_WORKER && s->conn.side == SIDE_CONNECTED)
		t->current = s->owner;
	if (s->conn.side != SIDE_IGNORED) {
		u64 sock = s->sock;
		bpf_map_delete_elem(&by_sock, &sock);
		struct tail_key tail = {s->conn.socket, s->exchange};
		bpf_map_delete_elem(&tails, &tail);
		/* Of a client's socket, request_event has told. */
		if (!(t->flags & TARGET_WORKER && s->conn.side == SIDE_ACCEPTED && request_probes))
			submit_close(t, s);
	}
	bpf_map_delete_elem(&sockets, &key);
}

static __always_inline void begin_tick(struct target *t)
{
	if (!(t->flags & TARGET_WORKER))
		return;
	t->tick = bpf_ktime_get_ns();
	t->pending_peer = 0;
	__builtin_memset(&t->current, 0, sizeof(t->current));
	if (want_ticks)
		loop_wakes();
}

SEC("tp_btf/sys_enter")
int sys_enter(u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	long nr = ctx[1];
	if (want_ticks && is_epoll(nr)) {
		loop_waits();
		return 0;
	}
	switch (nr) {
	case NR_write:
	case NR_sendto:
	case NR_writev:
	case NR_sendmsg:
	case NR_sendfile:
	case NR_connect:
	case NR_close:
		break;
	default:
		return 0;
	}
	struct target *t = caller();
	if (!t)
		return 0;
	s32 fd = ARG1(regs);
	struct bytes b = {};
	switch (nr) {
	case NR_connect:
		connect_enters(t, fd);
		return 0;
	case NR_close:
		close_enters(t, fd);
		return 0;
	case NR_write:
	case NR_sendto:
		b.at = ARG2(regs);
		b.len = ARG3(regs);
		break;
	case NR_writev:
		b.at = ARG2(regs);
		b.count = ARG3(regs);
		add_lengths(&b);
		break;
	case NR_sendmsg:
		if (!message_iovecs(ARG2(regs), &b))
			return 0;
		add_lengths(&b);
		break;
	case NR_sendfile:
		b.count = NO_BYTES;
		b.len = ARG4(regs);
		break;
	}
	return on_write(t, fd, &b);
}

SEC("tp_btf/sys_exit")
int sys_exit(u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	long ret = ctx[1], nr = CALL_NR(regs);
	switch (nr) {
	case NR_read:
	case NR_recvfrom:
	case NR_readv:
	case NR_recvmsg:
	case NR_connect:
	case NR_accept:
	case NR_accept4:
	case NR_epoll_wait:
	case NR_epoll_pwait:
	case NR_epoll_pwait2:
		break;
	default:
		return 0;
	}
	struct target *t = caller();
	if (!t)
		return 0;
	s32 fd = ARG1(regs);
	struct bytes b = {};
	switch (nr) {
	case NR_epoll_wait:
	case NR_epoll_pwait:
	case NR_epoll_pwait2:
		begin_tick(t);
		return 0;
	case NR_accept:
	case NR_accept4:
		accept_exits(t, ret);
		return 0;
	case NR_connect:
		connect_exits(t, fd, ret);
		return 0;
	case NR_recvfrom:
		/* nginx peeks to see whether an idle or a waiting connection is still open. */
		if (ARG4(regs) & MSG_PEEK)
			return 0;
		b.at = ARG2(regs);
		break;
	case NR_read:
		b.at = ARG2(regs);
		break;
	case NR_readv:
		b.at = ARG2(regs);
		b.count = ARG3(regs);
		break;
	case NR_recvmsg:
		if (ARG3(regs) & MSG_PEEK || !message_iovecs(ARG2(regs), &b))
			return 0;
		break;
	}
	return on_read(t, fd, &b, ret);
}
