//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Whose work is an exchange that a worker begins: that of which request, at which client's
 * socket? Proof before likelihood: the peer that nginx connects, then Lua's current thread,
 * then the tick of the event loop.
 */
#include "maps.h"
#include "nginx.h"

static __always_inline bool is_request(u64 r)
{
	return user_u32(r) == NGX_HTTP_MODULE_SIGNATURE;
}

/* The client's socket of request r, whose connection is c with descriptor fd, as the owner
 * of what r does. */
static __always_inline void client_of(struct owner *o, u32 tgid, u64 r, u64 c, u32 fd)
{
	u64 key = (u64)tgid << 32 | fd;
	struct socket_state *s = bpf_map_lookup_elem(&sockets, &key);
	if (!s || s->conn.side != SIDE_ACCEPTED)
		return;
	o->socket = s->conn.socket;
	/* The streams of an HTTP/2 connection are told apart by nginx's count of them. */
	o->exchange = user_ptr(r + ngx.r_stream) ? user_u32(c + ngx.c_requests) : s->exchange;
}

/* Is fd the socket that nginx connects, or has connected, for peer? pc->connection is
 * set before connect(2). */
static __always_inline bool is_peer(u64 pc, s32 fd)
{
	u64 c = user_ptr(pc + ngx.pc_connection);
	return c && user_u32(c + ngx.c_fd) == (u32)fd;
}

/* Is fd the socket of r's own attempt at an upstream? */
static __always_inline bool has_peer(u64 r, s32 fd)
{
	u64 upstream = user_ptr(r + ngx.r_upstream);
	return upstream && is_peer(upstream + ngx.u_peer, fd);
}

/*
 * Whose work is it, by Lua? While Lua runs, the VM's current thread is that of its
 * request. When it does not, it has been the request of the last thread that ran, most
 * often the balancer's of this very attempt: then the request's own peer is the proof, or
 * that of the subrequest which nginx works on for the same client.
 * Returns 0 when Lua has nothing to say.
 */
static __noinline int lua_owner(struct target *t, struct owner *o, u32 tgid, s32 fd)
{
	if (!t || !o || !lua.cycle || !ngx.r_main)
		return 0;
	struct lua_state thread = {};
	u64 global = lua_global(t), at = global ? user_ptr(global + lua.cur_l) : 0;
	if (!at || bpf_probe_read_user(&thread, sizeof(thread), (void *)(at + LUA_CFRAME)))
		return 0;
	u64 r = thread.exdata;
	if (!r || !is_request(r))
		return 0;
	u64 main = user_ptr(r + ngx.r_main), c = user_ptr(main + ngx.r_connection);
	s32 client = user_u32(c + ngx.c_fd);
	if (client < 0) {
		/* A timer's request is a fake one. */
		o->how = OWNER_NONE;
		return !!thread.cframe;
	}
	if (thread.cframe) {
		o->how = OWNER_LUA;
	} else if (has_peer(r, fd)) {
		o->how = main == r ? OWNER_PEER : OWNER_SUBPEER;
	} else {
		/* c->log->data is an ngx_http_log_ctx_t, see ngx_http_set_log_request. */
		u64 current = user_ptr(user_ptr(user_ptr(c + ngx.c_log) + ngx.log_data) + ngx.ctx_current_request);
		if (!current || !is_request(current) || user_ptr(current + ngx.r_main) != main || !has_peer(current, fd))
			return 0;
		o->how = main == current ? OWNER_PEER : OWNER_SUBPEER;
	}
	o->request = main;
	client_of(o, tgid, main, c, client);
	return 1;
}

/* Whose would an exchange be that began now at this connected socket? */
static __always_inline void next_owner(struct target *t, struct owner *o, u32 tgid, s32 fd)
{
	/* nginx has set pc->connection to this very socket: proof, and not merely the
	 * next thing that happens to be written. */
	if (t->pending_peer && is_peer(t->pending_peer, fd)) {
		*o = t->pending;
		t->pending_peer = 0;
		return;
	}
	if (lua_owner(t, o, tgid, fd))
		return;
	*o = t->current;
	o->how = o->socket ? OWNER_TICK : OWNER_NONE;
}

/* Is the exchange what a plugin asks on the way? */
static __always_inline bool calls(struct owner *o)
{
	return o->request && (o->how == OWNER_LUA || o->how == OWNER_COSOCKET || o->how == OWNER_SUBREQUEST ||
			      o->how == OWNER_SUBPEER);
}

static __always_inline void take_owner(struct target *t, struct socket_state *s, struct owner *o)
{
	s->owner = *o;
	if (o->how == OWNER_TICK && request_probes)
		count_loss(LOSS_TICK_OWNERS);
	s->plugin[0] = 0;
	if (calls(o) && find_plugin(s->conn.pid, o->request))
		__builtin_memcpy(s->plugin, t->plugin, sizeof(s->plugin));
}

/* Is the exchange an attempt of nginx's upstream module, as far as is proved? */
static __always_inline bool is_attempt(struct owner *o)
{
	return o->how == OWNER_UPSTREAM || o->how == OWNER_SUBREQUEST || o->how == OWNER_PEER ||
	       o->how == OWNER_SUBPEER;
}
