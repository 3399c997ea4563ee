//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * nginx's request object, read where nginx itself is done with it.
 *
 * ngx_event_connect_peer(pc) begins an attempt; the socket that follows is found in
 * socket.bpf.c by pc->connection->fd. ngx_http_free_request(r, rc) ends a request;
 * the object is still whole, the log phase has not run.
 */
#include "maps.h"
#include "nginx.h"

/* The user-space registers at a uprobe: include/uapi/asm/ptrace.h, so fixed. */
#if defined(__TARGET_ARCH_x86)
struct user_regs {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
};
#define FIRST_ARGUMENT(ctx) ((ctx)->di)
#else
struct user_regs {
	u64 regs[31], sp, pc, pstate;
};
#define FIRST_ARGUMENT(ctx) ((ctx)->regs[0])
#endif

SEC("uprobe/ngx_event_connect_peer")
int connect_peer(struct user_regs *ctx)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct target *t = target_of(tgid);
	if (!t || !(t->flags & TARGET_WORKER) || !request_probes)
		return 0;
	u64 pc = FIRST_ARGUMENT(ctx);
	struct owner o = {};
	/* pc->log is the client connection's log, its data an ngx_http_log_ctx_t
	 * (ngx_http_request.c, ngx_http_upstream.c). A timer's has none. */
	u64 log_ctx = user_ptr(user_ptr(pc + ngx.pc_log) + ngx.log_data);
	u64 current = user_ptr(log_ctx + ngx.ctx_current_request);
	if (log_ctx && current && is_request(current)) {
		u64 main = user_ptr(current + ngx.r_main);
		if (user_ptr(current + ngx.r_upstream) + ngx.u_peer == pc) {
			o.how = main == current ? OWNER_UPSTREAM : OWNER_SUBREQUEST;
		} else {
			o.how = OWNER_COSOCKET;
			main = user_ptr(log_ctx + ngx.ctx_request);
		}
		if (is_request(main)) {
			o.request = main;
			client_of(&o, tgid, main);
		} else {
			o.how = OWNER_NONE;
		}
	}
	t->pending = o;
	t->pending_peer = pc;
	return 0;
}

static __always_inline void read_wanted(struct request_event *e, struct target *t, u64 r)
{
	/* ngx_list_t: last at 0, the first part {elts, nelts, next} at 8. */
	u64 part[3] = {};
	u64 at = r + ngx.r_headers_in + 8;
	u32 size = ngx.elt_size;
	if (size < 48 || size > 64)
		return;
	for (int p = 0; p < 2; p++) {
		if (bpf_probe_read_user(part, sizeof(part), (void *)at) || !part[0])
			return;
		u32 n = part[1] > 20 ? 20 : (u32)part[1];
		u32 len = n * size;
		if (len > 20 * 64 || bpf_probe_read_user(t->scratch, len, (void *)part[0]))
			return;
		for (u32 i = 0; i < 20 && i < n; i++) {
			u32 off = i * size;
			if (off > SCRATCH_SIZE - 64)
				break;
			u64 hash = *(u64 *)(t->scratch + off);
			u64 key_len = *(u64 *)(t->scratch + off + 8);
			for (int w = 0; w < WANTED_MAX; w++)
				if (wanted_len[w] && hash == wanted_hash[w] && key_len == wanted_len[w] && !e->header_len[w])
					e->header_len[w] = user_str(part[0] + off + ngx.elt_value, e->headers[w], HEADER_MAX);
		}
		at = part[2];
		if (!at)
			return;
	}
}

static __always_inline void read_attempts(struct request_event *e, u64 r)
{
	u64 array[2] = {}; /* ngx_array_t: elts at 0, nelts at 8 */
	e->attempts_len = 0;
	u64 states = user_ptr(r + ngx.r_upstream_states);
	if (!states || bpf_probe_read_user(array, sizeof(array), (void *)states))
		return;
	u32 kept = 0;
	for (u32 i = 0; i < 16 && i < array[1]; i++) {
		u64 s = array[0] + i * ngx.state_size;
		u64 peer = user_ptr(s + ngx.state_peer);
		if (!peer) /* nginx puts an empty one between two upstream phases */
			continue;
		e->attempts_len++;
		if (kept >= ATTEMPTS_MAX)
			continue;
		struct attempt *a = &e->attempts[kept++];
		a->status = user_ptr(s + ngx.state_status);
		a->response_time = user_ptr(s + ngx.state_response_time);
		a->connect_time = user_ptr(s + ngx.state_connect_time);
		a->header_time = user_ptr(s + ngx.state_header_time);
		a->bytes_received = user_ptr(s + ngx.state_bytes_received);
		a->bytes_sent = user_ptr(s + ngx.state_bytes_sent);
		a->pad = 0;
		a->peer_len = user_str(peer, a->peer, PEER_MAX);
	}
}

/* The client's socket: what moved for this request. Its exchange ends here. */
static __always_inline void read_client(struct request_event *e, u32 tgid)
{
	u64 key = (u64)tgid << 32 | (u32)e->fd;
	struct socket_state *s = bpf_map_lookup_elem(&sockets, &key);
	if (!s || s->side != SIDE_ACCEPTED)
		return;
	settle_out(s);
	e->socket = s->id;
	e->tick = s->tick;
	e->exchange = s->exchange;
	e->peer_closed = s->peer_closed;
	e->failed = s->failed;
	e->error = s->error;
	e->in = s->flows[DIRECTION_IN];
	e->out = s->flows[DIRECTION_OUT];
	e->local = s->local;
	e->remote = s->remote;
	if (e->stream)
		return; /* HTTP/2: other requests share the socket */
	__builtin_memset(s->flows, 0, sizeof(s->flows));
	s->exchange++;
	s->tick = 0;
}

SEC("uprobe/ngx_http_free_request")
int free_request(struct user_regs *ctx)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct target *t = target_of(tgid);
	if (!t || !(t->flags & TARGET_WORKER) || !request_probes)
		return 0;
	u64 r = FIRST_ARGUMENT(ctx);
	u64 main = user_ptr(r + ngx.r_main);
	u64 status = user_ptr(r + ngx.r_headers_out + ngx.out_status);
	u64 version = user_ptr(r + ngx.r_http_version);
	if (!is_request(r) || main != r || status > 999 || version > 3000) {
		count_loss(LOSS_LAYOUT);
		return 0;
	}
	count_loss(LOSS_SEEN_REQUESTS);
	struct request_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		count_loss(LOSS_REQUESTS);
		return 0;
	}
	__builtin_memset(e, 0, __builtin_offsetof(struct request_event, attempts));
	e->kind = EVENT_REQUEST;
	e->pid = tgid;
	e->time = bpf_ktime_get_ns();
	e->request = r;
	e->status = status;
	e->http_version = version;
	e->upstream = user_ptr(r + ngx.r_upstream);
	e->start_sec = user_ptr(r + ngx.r_start_sec);
	e->start_msec = user_ptr(r + ngx.r_start_msec);
	e->request_length = user_ptr(r + ngx.r_request_length);
	e->stream = user_ptr(r + ngx.r_stream);
	u64 c = user_ptr(r + ngx.r_connection);
	e->fd = user_u32(c + ngx.c_fd);
	e->sent = user_ptr(c + ngx.c_sent);
	e->ssl = user_ptr(c + ngx.c_ssl);
	e->connection_number = user_ptr(c + ngx.c_number);
	e->connection_requests = user_ptr(c + ngx.c_requests);
	e->sockaddr_family = user_u32(user_ptr(c + ngx.c_sockaddr)) & 0xffff;
	e->line_len = user_str(r + ngx.r_request_line, e->line, LINE_MAX_LEN);
	e->host_len = user_str(r + ngx.r_headers_in + ngx.in_server, e->host, HOST_MAX);
	read_wanted(e, t, r);
	read_attempts(e, r);
	read_client(e, tgid);
	bpf_ringbuf_submit(e, wakeup());
	return 0;
}
