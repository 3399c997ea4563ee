//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * What APISIX calls a request: the fields of its ngx.ctx.api_ctx, while they are whole.
 *
 *	r->ctx[lua] -> ctx_ref; registry["ngx_lua_ctx_tables"][ctx_ref]["api_ctx"]
 *
 * The table is used again as soon as the request is over, so strings are copied here.
 */
#include "nginx.h"

/* Where the worker's VM keeps its global state; 0 if it has none. A worker keeps it for life. */
static __always_inline u64 lua_global(struct target *t)
{
	if (!t->lua_global) {
		u64 conf = user_ptr(user_ptr(user_ptr(lua.cycle)) + 8 * lua.http_index);
		u64 state = user_ptr(user_ptr(user_ptr(conf) + 8 * lua.lua_index));
		t->lua_global = user_ptr(state + LUA_GLREF);
	}
	return t->lua_global;
}

#define CTX_TABLES_TRIES 16

/* The table of all ngx.ctx. lua-resty-core makes it once, before a worker serves. */
static __always_inline u64 ctx_tables(struct target *t, u32 tgid)
{
	if (t->lua_ctxs)
		return t->lua_ctxs;
	if (t->lua_tries++ >= CTX_TABLES_TRIES) /* looking is dear */
		return 0;
	u64 global = lua_global(t), registry = as_table(user_ptr(global + lua.registry));
	if (!global || !registry || !scan_table(tgid, registry))
		return 0;
	t->lua_ctxs = as_table(t->found[KEY_CTX_TABLES]);
	return t->lua_ctxs;
}

/* Notes in found the fields of the api_ctx of request r, whose context in the Lua module is
 * ctx. Returns an enum names_how. */
__noinline int find_names(u32 tgid, u64 r, u64 ctx)
{
	struct target *t = target_of(tgid);
	if (!t || !lua.registry)
		return NAMES_UNREAD;
	if (!ctx) /* Lua never ran for r */
		return NAMES_ABSENT;
	/* Both in one read. */
	u32 len = lua.ctx_ref + sizeof(s32);
	if (len > SCRATCH_SIZE || bpf_probe_read_user(t->scratch, len, (void *)ctx) || WORD(t, LUA_CTX_REQUEST) != r)
		return NAMES_UNREAD;
	s32 ref = *(s32 *)(t->scratch + lua.ctx_ref);
	if (ref <= 0) /* LUA_NOREF */
		return NAMES_ABSENT;
	u64 now = bpf_ktime_get_ns();
	if (now - t->known_since > KNOWN_FOR) {
		t->known_since = now;
		for (u32 i = 0; i < KNOWN; i++)
			((volatile u64 *)t->known)[i] = 0;
	}
	t->found_number = 0;
	u64 all = ctx_tables(t, tgid);
	if (!all || bpf_probe_read_user(&t->table, sizeof(t->table), (void *)(all + LUA_TAB_ARRAY)))
		return NAMES_UNREAD;
	u64 value;
	if ((u32)ref < t->table.asize) {
		value = user_ptr(t->table.array + 8 * (u64)(u32)ref);
	} else {
		t->found_number = as_double(ref);
		t->found_integer = ref;
		if (!scan_table(tgid, all))
			return NAMES_UNREAD;
		value = t->found[FOUND_NUMBER];
		t->found_number = 0;
	}
	u64 ngx_ctx = as_table(value);
	if (!ngx_ctx || !scan_table(tgid, ngx_ctx))
		return NAMES_UNREAD;
	u64 api_ctx = as_table(t->found[KEY_API_CTX]);
	if (!api_ctx)
		return NAMES_ABSENT;
	return scan_table(tgid, api_ctx) ? NAMES_READ : NAMES_UNREAD;
}

/* The routes, services and consumers that are wanted, by id or name. */
enum wanted_kind {
	WANTED_ROUTE = 1,
	WANTED_SERVICE = 2,
	WANTED_CONSUMER = 4,
};

#define WANTED_NAMES 8
#define WANTED_WORDS 8 /* u64 */

struct wanted_name {
	u64 text[WANTED_WORDS];
	u32 len;
	u32 kind; /* enum wanted_kind */
};

const volatile struct wanted_name wanted_names[WANTED_NAMES] = {};
const volatile u32 wanted_kinds = 0;

/* Is the value one of the wanted names of that kind? What is no string may be. */
__noinline int is_wanted(u32 tgid, u64 value, u32 kind)
{
	struct target *t = target_of(tgid);
	if (!value || !t)
		return 0;
	if (LUA_TYPE(value) != LUA_TYPE_STRING)
		return 1;
	u64 str = LUA_POINTER(value), len = user_u32(str + LUA_STR_LEN), n = len, *text = t->name;
	__builtin_memset(text, 0, sizeof(t->name));
	barrier_var(n); /* len is kept on the stack: there, older verifiers forget its bounds */
	if (n > sizeof(t->name) || bpf_probe_read_user(text, n, (void *)(str + LUA_STR_BYTES)))
		return 0;
	for (u32 i = 0; i < WANTED_NAMES; i++) {
		u64 other = (wanted_names[i].len ^ len) | (wanted_names[i].kind ^ kind);
		for (u32 w = 0; w < WANTED_WORDS; w++)
			other |= wanted_names[i].text[w] ^ text[w];
		if (!other)
			return 1;
	}
	return 0;
}

/* The cause for which a filter removes a request whose fields were found; 0 for none. */
static __always_inline u32 removed_for(struct target *t, u32 tgid)
{
	if (wanted_kinds & WANTED_ROUTE && !is_wanted(tgid, t->found[NAME_ROUTE_ID], WANTED_ROUTE) &&
	    !is_wanted(tgid, t->found[NAME_ROUTE_NAME], WANTED_ROUTE))
		return LOSS_OTHER_ROUTE;
	if (wanted_kinds & WANTED_SERVICE && !is_wanted(tgid, t->found[NAME_SERVICE_ID], WANTED_SERVICE) &&
	    !is_wanted(tgid, t->found[NAME_SERVICE_NAME], WANTED_SERVICE))
		return LOSS_OTHER_SERVICE;
	if (wanted_kinds & WANTED_CONSUMER && !is_wanted(tgid, t->found[NAME_CONSUMER], WANTED_CONSUMER))
		return LOSS_OTHER_CONSUMER;
	return 0;
}

static __always_inline bool is_name(u32 i)
{
	return i == NAME_ROUTE_NAME || i == NAME_SERVICE_NAME;
}

/*
 * Appends the found fields to the record, each a u32 and what it says: the length of a
 * string, of which so many bytes follow as there is room for; or NAME_NUMBER and a Lua number.
 */
__noinline int append_names(u32 tgid)
{
	struct target *t = target_of(tgid);
	if (!t)
		return 0;
	for (u32 i = 0; i < NAMES; i++) {
		u32 at = *(volatile u32 *)&t->fill;
		barrier_var(at);
		if (at > REQUEST_DATA - LINE_MAX_LEN)
			return 0;
		u8 *to = t->request.data + at;
		u64 value = t->found[i], str = LUA_POINTER(value);
		*(u32 *)to = 0;
		if (LUA_TYPE(value) == LUA_TYPE_STRING) {
			/* Most are short: length and text in one read. It may end beyond the
			 * string, and there beyond what can be read. */
			u32 whole = NAME_AT_ONCE;
			if (bpf_probe_read_user(to, 4 + NAME_AT_ONCE, (void *)(str + LUA_STR_LEN))) {
				*(u32 *)to = user_u32(str + LUA_STR_LEN);
				whole = 0;
			}
			u32 len = *(volatile u32 *)to, max = is_name(i) ? NAME_MAX_LEN : ID_MAX_LEN;
			if (len > max)
				len = max;
			barrier_var(len);
			if (len > NAME_MAX_LEN)
				return 0;
			if (len > whole && bpf_probe_read_user(to + 4, len, (void *)(str + LUA_STR_BYTES)))
				len = *(u32 *)to = 0;
			at += len;
		} else if (value && LUA_TYPE(value) <= LUA_TYPE_INT) {
			*(u32 *)to = NAME_NUMBER;
			*(u64 *)(to + 4) = value;
			at += 8;
		}
		t->fill = at + 4;
	}
	return 1;
}

/* The plugin that runs now for request r, as far as it has Lua: its name into plugin. */
__noinline int find_plugin(u32 tgid, u64 r)
{
	struct target *t = target_of(tgid);
	if (!t)
		return 0;
	__builtin_memset(t->plugin, 0, sizeof(t->plugin));
	u64 modules = user_ptr(r + ngx.r_ctx);
	if (!modules || find_names(tgid, r, user_ptr(modules + 8 * lua.lua_index)) != NAMES_READ)
		return 0;
	u64 value = t->found[NAME_PLUGIN];
	if (LUA_TYPE(value) != LUA_TYPE_STRING)
		return 0;
	u32 len = user_u32(LUA_POINTER(value) + LUA_STR_LEN);
	if (len > PLUGIN_MAX)
		len = PLUGIN_MAX;
	barrier_var(len);
	if (len > PLUGIN_MAX || bpf_probe_read_user(t->plugin, len, (void *)(LUA_POINTER(value) + LUA_STR_BYTES)))
		return 0;
	return 1;
}
