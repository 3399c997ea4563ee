//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * How far nginx has come with a request, and how long Lua ran for it: uprobes that cost
 * over a microsecond each, so they are attached only when asked for. free_request reads
 * what they note.
 */
#include "nginx.h"

struct phase_key {
	u64 request; /* the client's own, for its subrequests, too */
	u64 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct phase_key);
	__type(value, struct phases);
} phases_of SEC(".maps");

static const volatile struct phases no_phases = {};

static __always_inline struct phases *phases_for(u64 r)
{
	struct phase_key key = {r, bpf_get_current_pid_tgid() >> 32};
	struct phases *p = bpf_map_lookup_elem(&phases_of, &key);
	if (p)
		return p;
	bpf_map_update_elem(&phases_of, &key, (void *)&no_phases, BPF_NOEXIST);
	return bpf_map_lookup_elem(&phases_of, &key);
}

static __always_inline bool watched(void)
{
	struct target *t = target_of(bpf_get_current_pid_tgid() >> 32);
	return t && t->flags & TARGET_WORKER;
}

/* Notes the first time that the request itself, and no subrequest, comes to a phase. */
static __always_inline int comes_to(u64 r, u32 phase)
{
	if (!watched() || user_ptr(r + ngx.r_main) != r)
		return 0;
	struct phases *p = phases_for(r);
	if (p && !p->began[phase])
		p->began[phase] = bpf_ktime_get_ns();
	return 0;
}

SEC("uprobe/ngx_http_process_request")
int process_request(struct user_regs *ctx)
{
	KEEP_OWN_STACK(ctx);
	return comes_to(FIRST_ARGUMENT(ctx), PHASE_PROCESS);
}

SEC("uprobe/ngx_http_lua_access_handler")
int access_handler(struct user_regs *ctx)
{
	KEEP_OWN_STACK(ctx);
	return comes_to(FIRST_ARGUMENT(ctx), PHASE_ACCESS);
}

SEC("uprobe/ngx_http_upstream_init")
int upstream_init(struct user_regs *ctx)
{
	KEEP_OWN_STACK(ctx);
	return comes_to(FIRST_ARGUMENT(ctx), PHASE_UPSTREAM);
}

SEC("uprobe/ngx_http_send_header")
int send_header(struct user_regs *ctx)
{
	KEEP_OWN_STACK(ctx);
	return comes_to(FIRST_ARGUMENT(ctx), PHASE_RESPONSE);
}

/* ngx_http_lua_run_thread(L, r, ctx, nrets): resumes r's Lua thread until it yields or ends. */
SEC("uprobe/ngx_http_lua_run_thread")
int run_thread(struct user_regs *ctx)
{
	KEEP_OWN_STACK(ctx);
	struct target *t = target_of(bpf_get_current_pid_tgid() >> 32);
	if (!t || !(t->flags & TARGET_WORKER))
		return 0;
	t->lua_request = user_ptr(SECOND_ARGUMENT(ctx) + ngx.r_main);
	t->lua_since = bpf_ktime_get_ns();
	return 0;
}

SEC("uretprobe/ngx_http_lua_run_thread")
int run_thread_returns(struct user_regs *ctx)
{
	KEEP_OWN_STACK(ctx);
	struct target *t = target_of(bpf_get_current_pid_tgid() >> 32);
	if (!t || !t->lua_since)
		return 0;
	struct phases *p = phases_for(t->lua_request);
	if (p)
		p->lua += bpf_ktime_get_ns() - t->lua_since;
	t->lua_since = 0;
	return 0;
}

/* What was noted of a request, which ends here. */
static __always_inline void read_phases(struct request_event *e)
{
	struct phase_key key = {e->request, e->pid};
	struct phases *p = bpf_map_lookup_elem(&phases_of, &key);
	if (!p)
		return;
	e->phases = *p;
	bpf_map_delete_elem(&phases_of, &key);
}
