//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The request that Lua runs for, and what APISIX calls it, read as the sample is taken: a
 * moment later the request may be gone, and another one in its place.
 *
 * names.bpf.c does it as in a trace. It keeps its state in a struct target and takes a tgid
 * for the key; here that is one for each slot of a CPU, which forgets what it knows of a VM
 * when another process comes. User space puts the targets into the map.
 */
#include "luatable.bpf.c"
#include "names.bpf.c"

/* Makes t forget what it knows of another process, whose tgid flags has. */
static __always_inline void meet(struct target *t, u32 tgid)
{
	if (t->flags == tgid)
		return;
	t->flags = tgid;
	t->lua_global = t->lua_ctxs = t->known_since = 0;
	t->lua_tries = 0;
}

#define HEADERS_MOST 20 /* of one part of nginx's list: ngx_http_process_request_headers makes room for so many */
#define HEADER_PARTS 2

/* Appends the value of the wanted header of the request at main. Returns its true length. */
__noinline int append_header(u32 key, u64 main)
{
	struct target *t = target_of(key);
	u64 size = ngx.elt_size, part[3]; /* ngx_list_part_t: elts, nelts, next */
	/* ngx_list_t: last, the first part. */
	u64 at = main + ngx.r_headers_in + 8;
	if (!t || size < 48 || size > 64)
		return 0;
	for (int p = 0; p < HEADER_PARTS && at; p++) {
		if (bpf_probe_read_user(part, sizeof(part), (void *)at))
			return 0;
		u64 n = part[1] > HEADERS_MOST ? HEADERS_MOST : part[1], len = n * size;
		barrier_var(len);
		if (len > HEADERS_MOST * 64 || bpf_probe_read_user(t->scratch, len, (void *)part[0]))
			return 0;
		for (u32 i = 0; i < HEADERS_MOST && i < n; i++) {
			u64 *header = (u64 *)(t->scratch + i * size); /* hash, key, value */
			if (header[0] == wanted_hash[0] && header[1] == wanted_len[0])
				return append(t, header[ngx.elt_value / 8], header[ngx.elt_value / 8 + 1], HEADER_MAX);
		}
		at = part[2];
	}
	return 0;
}

/* Tells of the request in walk.request, in texts behind the frames, which end at end. */
__noinline int tell_request(u32 slot, u32 end)
{
	u32 key = bpf_get_smp_processor_id() * SLOTS + slot;
	struct making *m = making_of(slot);
	struct target *t = target_of(key);
	if (!m || !t || !ngx.r_main)
		return 0;
	struct sample_event *e = &m->event;
	u64 r = m->walk.request, main = user_ptr(r + ngx.r_main);
	if (user_u32(r) != NGX_HTTP_MODULE_SIGNATURE || user_u32(main) != NGX_HTTP_MODULE_SIGNATURE)
		return 0;
	/* A timer's request is a fake one: its connection has no socket. */
	s32 fd = user_u32(user_ptr(main + ngx.r_connection) + ngx.c_fd);
	if (fd < 0) {
		e->background = 1;
		return 0;
	}
	e->request = main;
	e->start_sec = user_ptr(main + ngx.r_start_sec);
	e->start_msec = user_ptr(main + ngx.r_start_msec);
	meet(t, e->tgid);
	t->fill = 0;
	u64 server = main + ngx.r_headers_in + ngx.in_server;
	e->host_len = append(t, user_ptr(server), user_ptr(server + 8), HOST_MAX);
	if (wanted_len[0])
		e->trace_len = append_header(key, main);
	u64 modules = user_ptr(r + ngx.r_ctx);
	if (lua.cycle && modules)
		e->names = find_names(key, r, user_ptr(modules + 8 * lua.lua_index));
	if (e->names == NAMES_READ)
		append_names(key);
	u64 n = *(volatile u32 *)&t->fill, at = end;
	if (n > NAMES_ROOM)
		n = NAMES_ROOM;
	barrier_var(n); /* else one copy is checked, and another used */
	barrier_var(at);
	if (n > NAMES_ROOM || at > MAX_FRAMES * sizeof(struct frame) ||
	    bpf_probe_read_kernel(m->data + at, n, t->request.data))
		return 0;
	e->texts_len = n;
	return 1;
}
