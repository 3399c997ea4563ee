/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Where the fields of nginx's structs are in the gateway at hand. User space sets
 * them before load from internal/gateway's Layout, so to the verifier they are constants.
 */
#ifndef NGINX_H
#define NGINX_H

#include "maps.h"

#define NGX_HTTP_MODULE_SIGNATURE 0x50545448 /* "HTTP", ngx_http_config.h */

struct ngx_layout {
	/* ngx_http_request_t; r_read and c_read are how much of the structs is of interest */
	u32 r_read, c_read;
	u32 r_connection, r_upstream, r_upstream_states, r_headers_in, r_headers_out;
	u32 r_start_sec, r_start_msec, r_http_version, r_request_line, r_main;
	u32 r_request_length, r_stream, r_ctx;
	/* ngx_http_headers_in_t, ngx_http_headers_out_t */
	u32 in_server, out_status;
	/* ngx_connection_t */
	u32 c_fd, c_log, c_ssl, c_requests;
	/* ngx_http_upstream_t, ngx_peer_connection_t, ngx_log_t, ngx_http_log_ctx_t */
	u32 u_peer, pc_connection, pc_log, log_data, ctx_request, ctx_current_request;
	/* ngx_http_upstream_state_t */
	u32 state_size, state_status, state_response_time, state_connect_time, state_header_time;
	u32 state_bytes_received, state_bytes_sent, state_peer;
	/* ngx_table_elt_t */
	u32 elt_size, elt_value;
};

const volatile struct ngx_layout ngx = {};

/*
 * The way to the request that Lua ran for last: ngx_cycle, conf_ctx[http], main_conf[lua],
 * lua, glref, cur_L, exdata. conf_ctx, main_conf and lua are the first words of their
 * structs; the offsets in lua_State are LuaJIT's with GC64. A cycle of 0: no Lua.
 */
struct lua_vm {
	u64 cycle;
	u32 http_index, lua_index, cur_l, pad;
};

const volatile struct lua_vm lua = {};

#define LUA_GLREF 16
#define LUA_CFRAME 80

struct lua_state {
	u64 cframe;
	u64 status; /* among others */
	u64 exdata;
};

/* Request headers whose values are wanted, by nginx's own hash of the lower-case
 * name (ngx_hash: h * 31 + c), which it keeps in ngx_table_elt_t.hash. */
const volatile u64 wanted_hash[WANTED_MAX] = {};
const volatile u32 wanted_len[WANTED_MAX] = {};

static __always_inline u64 user_ptr(u64 at)
{
	u64 v = 0;
	bpf_probe_read_user(&v, sizeof(v), (void *)at);
	return v;
}

static __always_inline u32 user_u32(u64 at)
{
	u32 v = 0;
	bpf_probe_read_user(&v, sizeof(v), (void *)at);
	return v;
}

/* The user-space registers at a uprobe: include/uapi/asm/ptrace.h, so fixed. */
#if defined(__TARGET_ARCH_x86)
struct user_regs {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
};
#define FIRST_ARGUMENT(ctx) ((ctx)->di)
#define SECOND_ARGUMENT(ctx) ((ctx)->si)
#else
struct user_regs {
	u64 regs[31], sp, pc, pstate;
};
#define FIRST_ARGUMENT(ctx) ((ctx)->regs[0])
#define SECOND_ARGUMENT(ctx) ((ctx)->regs[1])
#endif

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} no_programs SEC(".maps");

const volatile u32 never = 0;

/*
 * Since 6.13 the kernel gives a larger stack of a program at a uprobe to the CPU, not to
 * the run (bpf_enable_priv_stack in kernel/bpf/verifier.c). But these runs can be
 * preempted, by that for another worker: the one would go on with the other's pointers,
 * and the kernel kills the worker. A program that may make a tail call keeps its own stack.
 */
#define KEEP_OWN_STACK(ctx) \
	do { \
		if (never) \
			bpf_tail_call(ctx, &no_programs, 0); \
	} while (0)

#endif
