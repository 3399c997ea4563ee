//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * nginx's request object, read where nginx itself is done with it.
 *
 * ngx_http_free_request(r, rc) ends a request; the object is still whole, the log phase has
 * not run. ngx_event_connect_peer(pc) begins an attempt, whose socket owner.bpf.c knows by
 * pc->connection->fd; it is watched only where Lua does not tell whose attempt that is.
 */
#include "maps.h"
#include "nginx.h"

SEC("uprobe/ngx_event_connect_peer")
int connect_peer(struct user_regs *ctx)
{
	KEEP_OWN_STACK(ctx);
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
			u64 c = user_ptr(main + ngx.r_connection);
			client_of(&o, tgid, main, c, user_u32(c + ngx.c_fd));
		} else {
			o.how = OWNER_NONE;
		}
	}
	t->pending = o;
	t->pending_peer = pc;
	return 0;
}

/* The values of the wanted headers, in the order of wanted_hash. */
static __always_inline void read_wanted(struct target *t, u64 *part)
{
	u32 size = ngx.elt_size;
	if (size < 48 || size > 64)
		return;
	/* Kept in the map, not on the stack: what is there multiplies the verifier's work. */
	__builtin_memset(t->wanted, 0, sizeof(t->wanted));
	/* ngx_list_part_t: elts, nelts, next. */
	for (int p = 0; p < 2; p++) {
		u32 n = part[1] > 20 ? 20 : (u32)part[1];
		u64 len = n * size;
		barrier_var(len); /* older verifiers do not see through the product */
		if (!part[0] || len > 20 * 64 || bpf_probe_read_user(t->scratch, len, (void *)part[0]))
			break;
		for (u32 i = 0; i < 20 && i < n; i++) {
			u32 off = i * size;
			if (off > SCRATCH_SIZE - 64)
				break;
			u64 *elt = (u64 *)(t->scratch + off);
			for (int w = 0; w < WANTED_MAX; w++)
				if (wanted_len[w] && elt[0] == wanted_hash[w] && elt[1] == wanted_len[w]) {
					t->wanted[w].len = elt[ngx.elt_value / 8];
					t->wanted[w].data = elt[ngx.elt_value / 8 + 1];
				}
		}
		u64 next = part[2];
		if (!next || bpf_probe_read_user(part, 3 * sizeof(u64), (void *)next))
			break;
	}
	for (int w = 0; w < WANTED_MAX; w++)
		t->request.header_len[w] = append(t, t->wanted[w].len, t->wanted[w].data, HEADER_MAX);
}

static __always_inline void read_attempts(struct target *t, u64 states)
{
	struct request_event *e = &t->request;
	u64 array[2] = {}; /* ngx_array_t: elts at 0, nelts at 8 */
	if (!states || bpf_probe_read_user(array, sizeof(array), (void *)states))
		return;
	u32 kept = 0, redirected = 0;
	for (u32 i = 0; i < ATTEMPTS_MAX && i < array[1]; i++) {
		u64 s[12] = {};
		u32 size = ngx.state_size;
		if (size > sizeof(s) || bpf_probe_read_user(s, size, (void *)(array[0] + i * size)))
			break;
		u64 peer = s[ngx.state_peer / 8];
		struct attempt *a = (struct attempt *)e->data + i;
		kept = i + 1;
		a->status = s[ngx.state_status / 8];
		a->response_time = s[ngx.state_response_time / 8];
		a->connect_time = s[ngx.state_connect_time / 8];
		a->header_time = s[ngx.state_header_time / 8];
		a->bytes_received = s[ngx.state_bytes_received / 8];
		a->bytes_sent = s[ngx.state_bytes_sent / 8];
		a->redirected = redirected;
		a->peer_len = 0;
		redirected = !peer; /* nginx puts an empty one between two upstream phases */
		if (!peer)
			continue;
		e->attempts_len++;
		struct span name = {};
		bpf_probe_read_user(&name, sizeof(name), (void *)peer);
		u32 len = name.len > PEER_MAX ? PEER_MAX : (u32)name.len;
		if (!bpf_probe_read_user(a->peer, len & 63, (void *)name.data))
			a->peer_len = name.len;
	}
	if (array[1] > ATTEMPTS_MAX)
		e->attempts_len += array[1] - ATTEMPTS_MAX;
	e->attempts_kept = kept;
	/* Read back, so that the verifier forgets by which of many ways it came here, and
	 * follows what comes after but once. */
	kept = *(volatile u32 *)&e->attempts_kept;
	t->fill = kept > ATTEMPTS_MAX ? 0 : kept * sizeof(struct attempt);
}

/* The client's socket: what moved for this request. Its exchange ends here. */
static __always_inline void read_client(struct request_event *e, u32 tgid)
{
	u64 key = (u64)tgid << 32 | (u32)e->fd;
	struct socket_state *s = bpf_map_lookup_elem(&sockets, &key);
	if (!s || s->conn.side != SIDE_ACCEPTED)
		return;
	settle_out(s);
	e->socket = s->conn.socket;
	e->tick = s->tick;
	e->exchange = s->exchange;
	e->peer_closed = s->peer_closed;
	e->failed = s->failed;
	e->error = s->error;
	e->in = s->flows[DIRECTION_IN];
	e->out = s->flows[DIRECTION_OUT];
	e->local = s->conn.local;
	e->remote = s->conn.remote;
	if (e->stream) { /* HTTP/2: other requests share the socket */
		e->exchange = e->connection_requests;
		return;
	}
	__builtin_memset(s->flows, 0, sizeof(s->flows));
	s->exchange++;
	s->tick = 0;
}

SEC("uprobe/ngx_http_free_request")
int free_request(struct user_regs *ctx)
{
	KEEP_OWN_STACK(ctx);
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct target *t = target_of(tgid);
	if (!t || !(t->flags & TARGET_WORKER) || !request_probes)
		return 0;
	u64 r = FIRST_ARGUMENT(ctx);
	/* One copy of the whole struct is cheaper than a read for each field. */
	if (ngx.r_read > SCRATCH_SIZE || bpf_probe_read_user(t->scratch, ngx.r_read, (void *)r)) {
		count_loss(LOSS_LAYOUT);
		return 0;
	}
	u64 status = WORD(t, ngx.r_headers_out + ngx.out_status), version = WORD(t, ngx.r_http_version);
	if ((u32)WORD(t, 0) != NGX_HTTP_MODULE_SIGNATURE || WORD(t, ngx.r_main) != r || status > 999 ||
	    version > 3000) {
		count_loss(LOSS_LAYOUT);
		return 0;
	}
	count_loss(LOSS_SEEN_REQUESTS);
	struct request_event *e = &t->request;
	__builtin_memset(e, 0, __builtin_offsetof(struct request_event, data));
	e->kind = EVENT_REQUEST;
	e->pid = tgid;
	e->time = bpf_ktime_get_ns();
	e->request = r;
	e->status = status;
	e->http_version = version;
	e->upstream = WORD(t, ngx.r_upstream);
	e->start_sec = WORD(t, ngx.r_start_sec);
	e->start_msec = WORD(t, ngx.r_start_msec);
	e->request_length = WORD(t, ngx.r_request_length);
	e->stream = WORD(t, ngx.r_stream);
	u64 modules = WORD(t, ngx.r_ctx);
	if (want_log || want_headers)
		note_request(t, SECOND_ARGUMENT(ctx));
	u64 connection = WORD(t, ngx.r_connection), states = WORD(t, ngx.r_upstream_states);
	struct span line = {WORD(t, ngx.r_request_line), WORD(t, ngx.r_request_line + 8)};
	u64 server = ngx.r_headers_in + ngx.in_server;
	struct span host = {WORD(t, server), WORD(t, server + 8)};
	/* ngx_list_t: last at 0, the first part at 8. */
	u64 headers = ngx.r_headers_in + 8;
	u64 part[3] = {WORD(t, headers), WORD(t, headers + 8), WORD(t, headers + 16)};
	if (ngx.c_read <= SCRATCH_SIZE && !bpf_probe_read_user(t->scratch, ngx.c_read, (void *)connection)) {
		e->fd = (s32)WORD(t, ngx.c_fd);
		e->ssl = WORD(t, ngx.c_ssl);
		e->connection_requests = WORD(t, ngx.c_requests);
		if (want_log)
			note_client(t);
	}
	if (want_phases)
		read_phases(e);
	/* r->ctx[ngx_http_lua_module.ctx_index]: Lua's context, once it ran for r. */
	u64 module = lua.cycle && modules ? user_ptr(modules + 8 * lua.lua_index) : 0;
	e->no_lua = status == 400 && lua.cycle && modules && !module;
	read_client(e, tgid);
	if (request_probes != REQUESTS_TOLD)
		return 0;
	e->names = find_names(tgid, r, module);
	u32 cause = e->names == NAMES_READ ? removed_for(t, tgid) : 0;
	if (cause) { /* before anything is copied in vain */
		count_loss(cause);
		return 0;
	}
	t->fill = 0;
	read_attempts(t, states);
	e->line_len = append(t, line.len, line.data, LINE_MAX_LEN);
	e->host_len = append(t, host.len, host.data, HOST_MAX);
	read_wanted(t, part);
	if (e->names == NAMES_READ)
		append_names(tgid);
	if (want_log)
		read_logged(tgid, r);
	if (want_headers)
		tell_heads(tgid, r, e->upstream);
	u64 size = *(volatile u32 *)&t->fill;
	barrier_var(size);
	if (size > REQUEST_DATA)
		return 0;
	size += __builtin_offsetof(struct request_event, data);
	if (bpf_ringbuf_output(&events, e, size, wakeup()))
		count_loss(LOSS_REQUESTS);
	return 0;
}
