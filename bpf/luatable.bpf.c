//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Tables of a worker's Lua VM: LuaJIT's GCtab, Node and GCstr with GC64 (lj_obj.h).
 *
 * A string exists once in a VM, so a key is known by its address. Which address has which
 * text is learnt by reading each key once: known keeps that, by the address. What it keeps
 * is forgotten every second, in case the VM collects a key and makes another one there.
 */
#include "nginx.h"

#define LUA_POINTER(v) ((v) & ((1ULL << 47) - 1))
#define LUA_TYPE(v) ((v) >> 47)
#define LUA_TYPE_STRING 0x1fffb
#define LUA_TYPE_TABLE 0x1fff4
#define LUA_TYPE_INT 0x1fff2 /* above are the types, below are doubles */
#define LUA_NIL (~0ULL)

#define LUA_STR_LEN 20 /* of GCstr; the bytes are right behind it */
#define LUA_STR_BYTES 24

#define LUA_TAB_ARRAY 16 /* of GCtab: there begins struct lua_table */

struct lua_node {
	u64 value, key, next;
};

#define NODES_AT_ONCE (SCRATCH_SIZE / sizeof(struct lua_node))
#define NODE_ROOMS 8

_Static_assert(NODES_AT_ONCE == 64, "the rooms of a table's nodes changed");

#define KEY_WORDS 3

struct key_name {
	char text[KEY_WORDS * sizeof(u64)];
	u64 len;
};

/* By enum name and enum key. "_plugin_name" is that of the plugin that runs now. The
 * request-id plugin's key goes on with the name of its header. */
static const volatile struct key_name key_names[KEYS] = {
	[NAME_ROUTE_ID] = {"route_id", 8},
	[NAME_ROUTE_NAME] = {"route_name", 10},
	[NAME_SERVICE_ID] = {"service_id", 10},
	[NAME_SERVICE_NAME] = {"service_name", 12},
	[NAME_CONSUMER] = {"consumer_name", 13},
	[NAME_UPSTREAM] = {"upstream_key", 12},
	[NAME_BALANCER_IP] = {"balancer_ip", 11},
	[NAME_BALANCER_PORT] = {"balancer_port", 13},
	[NAME_TRIES] = {"balancer_try_count", 18},
	[NAME_REQUEST_ID] = {"request-id-", 11},
	[NAME_PLUGIN] = {"_plugin_name", 12},
	[KEY_API_CTX] = {"api_ctx", 7},
	[KEY_CTX_TABLES] = {"ngx_lua_ctx_tables", 18},
};

/* Which of key_names is the string? KEYS for none. The answer is kept in known. */
__noinline int learn_key(u32 tgid, u64 str)
{
	struct target *t = target_of(tgid);
	if (!t)
		return KEYS;
	u64 len = user_u32(str + LUA_STR_LEN), n = len, which = KEYS, *text = t->text;
	barrier_var(n);
	if (n > sizeof(t->text))
		n = sizeof(t->text);
	text[0] = text[1] = text[2] = 0;
	if (bpf_probe_read_user(text, n, (void *)(str + LUA_STR_BYTES)))
		return KEYS;
	for (u32 i = 0; i < KEYS; i++) {
		const volatile u64 *want = (const volatile u64 *)key_names[i].text;
		u64 other = text[0] ^ want[0];
		if (i == NAME_REQUEST_ID)
			other |= ((text[1] ^ want[1]) & 0xffffff) | (len < 12);
		else
			other |= (text[1] ^ want[1]) | (text[2] ^ want[2]) | (len ^ key_names[i].len);
		if (!other)
			which = i;
	}
	u64 *two = t->known + KNOWN_SLOT(str);
	two[1] = two[0];
	two[0] = str | (which + 1) << 56;
	return which;
}

static __always_inline u32 known_key(struct target *t, u32 tgid, u64 str)
{
	u64 *two = t->known + KNOWN_SLOT(str);
	u64 known = LUA_POINTER(two[0]) == str ? two[0] : two[1];
	return LUA_POINTER(known) == str && known ? (u32)(known >> 56) - 1 : (u32)learn_key(tgid, str);
}

/* Notes in found what the first n nodes in the scratch room have. */
__noinline int scan_nodes(u32 tgid, u32 n)
{
	struct target *t = target_of(tgid);
	if (!t)
		return 0;
	u64 number = t->found_number, integer = (u64)LUA_TYPE_INT << 47 | t->found_integer;
	for (u32 i = 0; i < NODES_AT_ONCE && i < n; i++) {
		struct lua_node *node = (struct lua_node *)t->scratch + i;
		u64 key = node->key, value = node->value;
		if (value == LUA_NIL)
			continue;
		if (LUA_TYPE(key) == LUA_TYPE_STRING) {
			u32 which = known_key(t, tgid, LUA_POINTER(key));
			if (which < KEYS)
				t->found[which] = value;
		} else if (number && (key == number || key == integer)) {
			t->found[FOUND_NUMBER] = value;
		}
	}
	return n;
}

/*
 * Notes in found what a table has under the keys of key_names, and under the number key of
 * found_number. Returns how many nodes were looked at, 0 if the table cannot be read.
 */
__noinline int scan_table(u32 tgid, u64 table)
{
	struct target *t = target_of(tgid);
	if (!t || bpf_probe_read_user(&t->table, sizeof(t->table), (void *)(table + LUA_TAB_ARRAY)))
		return 0;
	__builtin_memset(t->found, 0, sizeof(t->found));
	u32 done = 0;
	for (u32 room = 0; room < NODE_ROOMS && done <= t->table.hmask; room++) {
		u64 n = (u64)t->table.hmask + 1 - done;
		barrier_var(n);
		if (n > NODES_AT_ONCE)
			n = NODES_AT_ONCE;
		if (bpf_probe_read_user(t->scratch, n * sizeof(struct lua_node),
					(void *)(t->table.node + done * sizeof(struct lua_node))))
			return 0;
		scan_nodes(tgid, n);
		done += NODES_AT_ONCE;
	}
	return done;
}

/* The table that a found value is, 0 if it is none. */
static __always_inline u64 as_table(u64 value)
{
	return LUA_TYPE(value) == LUA_TYPE_TABLE ? LUA_POINTER(value) : 0;
}

/* A positive number, as Lua has it for a key. */
static __always_inline u64 as_double(u32 n)
{
	u64 exponent = 0;
	for (u32 i = 1; i < 31; i++)
		if (n >> i)
			exponent = i;
	return (1023 + exponent) << 52 | (((u64)n << (52 - exponent)) & ((1ULL << 52) - 1));
}
