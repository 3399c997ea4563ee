//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Messages at sockets. syscall.bpf.c tells which bytes moved, owner.bpf.c whose work it is.
 *
 * A message is a run of bytes in one direction. It costs one record when it begins,
 * which carries the end of the message before it. An exchange is a request and its
 * response: at a connected socket it begins when writing follows reading, at an
 * accepted one when reading follows writing. With the request probes on, an upstream
 * exchange begins only where nginx takes the connection, and the client's ends where
 * nginx frees the request: that is right for pipelines, tunnels and 100 Continue too.
 *
 * Where nobody needs the request's head, request and response are joined in one record,
 * made when the response begins. Bodies are told by what an upstream gets and sends, as that
 * is plain more often than what clients do.
 */
#include "maps.h"

static __always_inline u64 new_socket_id(void)
{
	u32 zero = 0;
	u64 *n = bpf_map_lookup_elem(&socket_ids, &zero);
	if (!n)
		return 0;
	return ++*n << 10 | (bpf_get_smp_processor_id() & 1023);
}

static __always_inline void read_addresses(struct socket_state *s)
{
	struct sock *sk = (struct sock *)s->sock;
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&s->conn.local.ip, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&s->conn.remote.ip, sk, __sk_common.skc_v6_daddr);
	} else {
		__builtin_memset(s->conn.local.ip, 0, 10);
		__builtin_memset(s->conn.remote.ip, 0, 10);
		s->conn.local.ip[10] = s->conn.local.ip[11] = 0xff;
		s->conn.remote.ip[10] = s->conn.remote.ip[11] = 0xff;
		BPF_CORE_READ_INTO((u32 *)&s->conn.local.ip[12], sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((u32 *)&s->conn.remote.ip[12], sk, __sk_common.skc_daddr);
	}
	s->conn.local.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	s->conn.remote.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

/* The struct sock behind a file descriptor of the current task; 0 unless TCP. */
static __always_inline u64 sock_of_fd(s32 fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	if (fd < 0 || (u32)fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	struct file **slots = BPF_CORE_READ(table, fd), *file = NULL;
	if (bpf_probe_read_kernel(&file, sizeof(file), slots + fd) || !file)
		return 0;
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	struct socket *sock = BPF_CORE_READ(file, private_data);
	if (BPF_CORE_READ(sock, type) != SOCK_STREAM)
		return 0;
	struct sock *sk = BPF_CORE_READ(sock, sk);
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	return family == AF_INET || family == AF_INET6 ? (u64)sk : 0;
}

static __always_inline bool listens(u32 tgid, u16 port)
{
	u64 mine = (u64)tgid << 32 | port, gateway = port;
	return bpf_map_lookup_elem(&listening, &mine) || bpf_map_lookup_elem(&listening, &gateway);
}

/* Takes note of a file descriptor that was not known. */
static __noinline struct socket_state *new_socket(u32 tgid, u32 flags, s32 fd, u32 side, u32 call)
{
	struct room *room = own_room(call);
	if (!room)
		return NULL;
	struct socket_state *s = &room->state;
	__builtin_memset(s, 0, sizeof(*s));
	u64 key = (u64)tgid << 32 | (u32)fd;
	s->last = DIRECTION_NONE;
	s->conn.pid = tgid;
	s->conn.fd = fd;
	s->conn.worker = !!(flags & TARGET_WORKER);
	s->sock = sock_of_fd(fd);
	if (s->sock) {
		read_addresses(s);
		if (side == SIDE_IGNORED)
			side = listens(tgid, s->conn.local.port) ? SIDE_ACCEPTED : SIDE_CONNECTED;
		/* Of an upstream's process only what it serves matters. */
		if (side == SIDE_CONNECTED && !s->conn.worker)
			side = SIDE_IGNORED;
		s->conn.side = side;
		s->conn.socket = new_socket_id();
	}
	if (bpf_map_update_elem(&sockets, &key, s, BPF_ANY)) {
		count_loss(LOSS_SOCKETS);
		return NULL;
	}
	if (s->conn.side != SIDE_IGNORED && bpf_map_update_elem(&by_sock, &s->sock, &key, BPF_ANY))
		count_loss(LOSS_SOCKETS);
	return bpf_map_lookup_elem(&sockets, &key);
}

static __always_inline struct socket_state *find_socket(u32 tgid, u32 flags, s32 fd, u32 call)
{
	u64 key = (u64)tgid << 32 | (u32)fd;
	struct socket_state *s = bpf_map_lookup_elem(&sockets, &key);
	return s ? s : new_socket(tgid, flags, fd, SIDE_IGNORED, call);
}

static __always_inline void begin_exchange(struct target *t, struct socket_state *s)
{
	__builtin_memset(s->flows, 0, sizeof(s->flows));
	s->exchange++;
	s->fresh = 1;
	s->tick = t->tick;
	__builtin_memset(&s->owner, 0, sizeof(s->owner));
}

/* Must a new exchange begin with these bytes of the accepted socket? */
static __always_inline bool accepted_turns(struct socket_state *s, u32 direction)
{
	return direction == DIRECTION_IN && s->last != DIRECTION_IN;
}

/* Must a new exchange, of owner next, begin with these bytes to a connected socket? */
static __always_inline bool connected_turns(struct socket_state *s, struct owner *next)
{
	if (s->last == DIRECTION_NONE)
		return !s->fresh;
	if (!is_attempt(&s->owner))
		return true;
	/* A TLS handshake, a tunnel, a body that follows 100 Continue: the same request goes
	 * on. Another one's, nginx itself has taken anew. */
	return is_attempt(next) && (next->socket != s->owner.socket || next->exchange != s->owner.exchange ||
				    next->request != s->owner.request);
}

/* Fills in what the socket knows, and sends a message whose direction, starts, before and head
 * are there. */
static __always_inline void submit_message(struct message_event *e, struct target *t, struct socket_state *s)
{
	e->kind = EVENT_MESSAGE;
	e->exchange = s->exchange;
	e->conn = s->conn;
	e->owner = s->owner;
	__builtin_memcpy(e->plugin, s->plugin, sizeof(e->plugin));
	e->tick = t->tick;
	e->flow = s->flows[e->direction & 1];
	u64 size = e->head_len;
	barrier_var(size);
	if (size > HEAD_MAX)
		return;
	size += __builtin_offsetof(struct message_event, head);
	if (bpf_ringbuf_output(&events, e, size, wakeup()))
		count_loss(LOSS_MESSAGES);
}

#define NO_BYTES (~0ull)

/* Where a call's bytes are in the caller's memory. */
struct bytes {
	u64 at;	   /* the buffer, or an array of struct iovec */
	u64 count; /* 0: at is the buffer; else the number of iovecs; NO_BYTES: not in memory */
	u64 len;   /* bytes that this call moves; of a write: wants to */
};

#define CALL_HEAD 128 /* tells a call's protocol, method and path */
#define KNOWN_HEAD 16 /* tells TLS, and HTTP's status */

/* Does the request object tell what is asked of this socket? It does of an attempt of the
 * client's own request, and not of a subrequest's. */
static __always_inline bool told_by_request(struct socket_state *s)
{
	return request_probes && (s->owner.how == OWNER_UPSTREAM || s->owner.how == OWNER_PEER);
}

/* How much of a message's head is of use. */
static __always_inline u32 head_limit(struct target *t, struct socket_state *s)
{
	if (!(t->flags & TARGET_WORKER))
		return 0;
	if (told_by_request(s))
		return want_body ? HEAD_USUAL + want_body : KNOWN_HEAD;
	return request_probes ? CALL_HEAD : HEAD_USUAL;
}

/* Copies the beginning of b, at most limit; to has room for twice HEAD_MAX. */
static __always_inline u32 copy_head(u8 *to, const struct bytes *b, u32 limit)
{
	u64 max = limit > HEAD_MAX ? HEAD_MAX : limit, n = 0;
	if (b->len < max)
		max = b->len;
	/* Else the compiler forgets the bounds that the verifier must see, here and below. */
	barrier_var(max);
	if (b->count == NO_BYTES || max > HEAD_MAX)
		return 0;
	if (!b->count)
		return bpf_probe_read_user(to, max, (void *)b->at) ? 0 : max;
	for (int i = 0; i < 4 && i < b->count && n < max; i++) {
		struct iovec v = {};
		if (bpf_probe_read_user(&v, sizeof(v), (void *)(b->at + i * sizeof(v))))
			break;
		u64 part = v.iov_len > HEAD_MAX ? HEAD_MAX : v.iov_len;
		u64 at = n;
		barrier_var(part);
		barrier_var(at);
		at &= HEAD_MAX - 1; /* it is less: older verifiers do not see it */
		if (part > HEAD_MAX || bpf_probe_read_user(to + at, part, v.iov_base))
			break;
		n += part;
	}
	return n > max ? max : n;
}

/* Are request and response told by one record? So it is where another one tells what was
 * asked: of an upstream's process, the gateway's end does. A new connection's first request
 * is told at once: user space may not know the node yet. */
static __always_inline bool joins(struct target *t, struct socket_state *s)
{
	if (!(t->flags & TARGET_WORKER))
		return true;
	if (s->exchange == 1 && s->conn.opened)
		return false;
	return s->conn.side == SIDE_CONNECTED && told_by_request(s) && !want_body;
}

/* Notes how far an exchange has come; coming is what moves but is not in its flows yet. */
static __always_inline void keep_tail(struct tail *tail, struct socket_state *s, u64 coming)
{
	struct tail_key key = {s->conn.socket, s->exchange};
	tail->pid = s->conn.pid;
	tail->worker = s->conn.worker;
	__builtin_memcpy(tail->flows, s->flows, sizeof(tail->flows));
	tail->flows[DIRECTION_OUT].bytes += coming;
	tail->local = s->conn.local;
	tail->remote = s->conn.remote;
	if (bpf_map_update_elem(&tails, &key, tail, BPF_ANY))
		count_loss(LOSS_TAILS);
}

/* The work that now runs in a worker is that of whom this socket serves. */
static __always_inline void take_turn(struct target *t, struct socket_state *s)
{
	if (s->conn.side == SIDE_ACCEPTED) {
		t->current.socket = s->conn.socket;
		t->current.exchange = s->exchange;
		t->current.request = 0;
	} else {
		t->current = s->owner;
	}
}

/* Is it the TLS alert with which nginx closes a connection? It belongs to no request, and
 * would pass for the end of one. */
static __always_inline bool says_goodbye(struct target *t, struct socket_state *s, u32 direction, struct bytes *b)
{
	if (direction != DIRECTION_OUT || s->conn.side != SIDE_CONNECTED || s->last != DIRECTION_IN || !(t->flags & TARGET_WORKER) ||
	    s->conn.asked[0] < 0x14 || s->conn.asked[0] > 0x17 || b->count)
		return false;
	return (user_u32(b->at) & 0xff) == 0x15;
}

/* Accounts for bytes; returns the flow if they are the first of its exchange. */
static __always_inline struct flow *account(struct target *t, struct socket_state *s, u32 direction, struct bytes *b)
{
	u64 now = bpf_ktime_get_ns();
	struct flow *f = &s->flows[direction & 1];
	if (s->last != direction || !f->turned)
		f->turned = now;
	s->fresh = 0;
	s->last = direction;
	if (t->flags & TARGET_WORKER)
		take_turn(t, s);
	f->ended = now;
	if (direction == DIRECTION_IN)
		f->bytes += b->len;
	if (f->calls++)
		return NULL;
	f->began = now;
	if (direction == DIRECTION_OUT)
		f->seq = write_seq(s->sock);
	else
		f->seq = copied_seq(s->sock) - (u32)b->len;
	if (!s->tick)
		s->tick = t->tick;
	return f;
}

/* Bytes move at the socket of that key: account for them, and tell when a message begins. */
static __noinline int move(struct target *t, struct socket_state *s, u64 key, u32 direction, struct bytes *b)
{
	if (!t || !s || !b)
		return 0;
	if (direction > DIRECTION_OUT)
		return 0;
	bool worker = t->flags & TARGET_WORKER;
	if (worker && s->conn.side == SIDE_ACCEPTED && request_probes) { /* request_event tells */
		if (s->last == DIRECTION_NONE)
			begin_exchange(t, s);
		account(t, s, direction, b);
		return 0;
	}
	/* Reads are seen when they return, writes when they are entered. */
	struct room *room = own_room(direction == DIRECTION_IN ? CALL_EXITS : CALL_ENTERS);
	if (!room)
		return 0;
	struct message_event *e = &room->message;
	e->starts = STARTS_NOT;
	settle_out(s);
	if (says_goodbye(t, s, direction, b))
		return 0;
	e->direction = direction;
	e->before = s->flows[!direction];
	if (s->conn.side == SIDE_ACCEPTED) {
		if (accepted_turns(s, direction)) {
			begin_exchange(t, s);
			e->starts = STARTS_EXCHANGE;
		}
	} else if (direction == DIRECTION_OUT && s->last != DIRECTION_OUT && !s->fresh) {
		struct owner next = {};
		next_owner(t, &next, key >> 32, (s32)key);
		if (connected_turns(s, &next)) {
			begin_exchange(t, s);
			take_owner(t, s, &next);
			e->starts = STARTS_EXCHANGE;
		}
	} else if (s->fresh) {
		e->starts = STARTS_EXCHANGE; /* connect began it */
	}
	struct flow *f = account(t, s, direction, b);
	if (!f) {
		/* What a write moves is not in write_seq yet. */
		keep_tail(&room->tail, s, direction == DIRECTION_OUT ? b->len : 0);
		return 0;
	}
	bool asks = direction == (s->conn.side == SIDE_CONNECTED ? DIRECTION_OUT : DIRECTION_IN);
	if (asks && worker && !s->conn.asked[0]) {
		if (copy_head(e->head, b, sizeof(s->conn.asked)) == sizeof(s->conn.asked))
			__builtin_memcpy(s->conn.asked, e->head, sizeof(s->conn.asked));
	}
	if (joins(t, s)) {
		struct tail_key tail = {s->conn.socket, s->exchange};
		if (asks) {
			if (!worker) /* should the answer take long */
				keep_tail(&room->tail, s, 0);
			return 0;
		}
		e->starts = STARTS_JOINED;
		if (!worker)
			bpf_map_delete_elem(&tails, &tail);
	}
	if (direction == DIRECTION_OUT)
		f->bytes = b->len; /* what the call wants to move, until write_seq tells */
	e->head_len = copy_head(e->head, b, head_limit(t, s));
	submit_message(e, t, s);
	return 0;
}

/* A read that brought nothing: end of stream, an error, or nothing there yet. */
static __always_inline void no_bytes(struct target *t, struct socket_state *s, long ret)
{
	if (t->flags & TARGET_WORKER)
		take_turn(t, s);
	if (ret < 0 && ret != -EAGAIN && !s->error) {
		s->error = -ret;
		s->failed = bpf_ktime_get_ns();
	}
}

static __always_inline int on_read(struct target *t, s32 fd, struct bytes *b, long ret)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct socket_state *s = find_socket(tgid, t->flags, fd, CALL_EXITS);
	if (!s || s->conn.side == SIDE_IGNORED)
		return 0;
	if (ret <= 0) {
		no_bytes(t, s, ret);
		return 0;
	}
	b->len = ret;
	return move(t, s, (u64)tgid << 32 | (u32)fd, DIRECTION_IN, b);
}

static __always_inline int on_write(struct target *t, s32 fd, struct bytes *b)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct socket_state *s = find_socket(tgid, t->flags, fd, CALL_ENTERS);
	if (!s || s->conn.side == SIDE_IGNORED)
		return 0;
	return move(t, s, (u64)tgid << 32 | (u32)fd, DIRECTION_OUT, b);
}

