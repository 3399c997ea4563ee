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
	u32 r_request_length, r_stream, r_ctx, r_variables, r_header_size, r_err_status;
	u32 r_request_start, r_header_in;
	/* ngx_http_headers_in_t, ngx_http_headers_out_t */
	u32 in_server, in_host, in_user_agent, in_referer, in_authorization, in_user;
	u32 out_status, out_content_type, out_content_length;
	/* ngx_connection_t; c_flags are the bits from buffered on */
	u32 c_fd, c_log, c_ssl, c_requests, c_sent, c_sockaddr, c_addr_text, c_flags;
	/* ngx_http_upstream_t, ngx_peer_connection_t, ngx_log_t, ngx_http_log_ctx_t */
	u32 u_peer, u_request_bufs, u_headers_in, pc_connection, pc_log, log_data, ctx_request, ctx_current_request;
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
	u32 http_index, lua_index, cur_l;
	/* From there to ngx.ctx of a request: registrytv of the global state, and ctx_ref of
	 * ngx_http_lua_ctx_t. A registry of 0: there is no known way. */
	u32 registry, ctx_ref, pad;
};

const volatile struct lua_vm lua = {};

#define LUA_CTX_REQUEST 8 /* ngx_http_lua_ctx_t.request */
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

/* Appends at most max bytes of a string, itself at most LINE_MAX_LEN, to a request's record.
 * Returns its true length, 0 if it cannot be read. */
static __always_inline u32 append(struct target *t, u64 len, u64 data, u32 max)
{
	/* What is filled is read from the map, so that to the verifier it is the same by
	 * whichever way it came here. */
	u32 n = len > max ? max : (u32)len, off = *(volatile u32 *)&t->fill;
	/* Else the compiler forgets the bounds that the verifier must see. */
	barrier_var(n);
	barrier_var(off);
	if (!data || n > max || off > REQUEST_DATA - LINE_MAX_LEN ||
	    bpf_probe_read_user(t->request.data + off, n, (void *)data))
		return 0;
	t->fill = off + n;
	return len > 0xffffffff ? 0xffffffff : (u32)len;
}

/* A word of the struct that was copied to the scratch room. */
#define WORD(t, offset) (*(u64 *)((t)->scratch + (offset)))

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
