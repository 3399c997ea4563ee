//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * What nginx's access log will have of a request: its log phase is next, and computes it from
 * the same object (ngx_http_log_module.c, ngx_http_variables.c).
 */
#include "nginx.h"

/* Where nginx keeps what belongs to no request; addresses of its variables. */
struct nginx_statics {
	u64 cycle, cached_time;
	u32 http_index, core_index;
};

const volatile struct nginx_statics statics = {};

#define CORE_VARIABLES 96 /* ngx_http_core_main_conf_t.variables, an ngx_array_t of ngx_http_variable_t */
#define VARIABLE_SIZE 56  /* of ngx_http_variable_t, whose name is first */
#define VARIABLES_LOOKED_AT 512
#define VARIABLE_TEXT 24

struct variable_name {
	char text[VARIABLE_TEXT];
	u64 len;
};

/* By enum logged_string. Of the first ones, what Lua or the configuration has asked for is in
 * nginx's log even if a plugin has changed the header since; the last four APISIX's
 * configuration sets. */
static const volatile struct variable_name variable_names[VARIABLES] = {
	{"remote_addr", 11},
	{"http_host", 9},
	{"http_referer", 12},
	{"http_user_agent", 15},
	{"remote_user", 11},
	{"upstream_scheme", 15},
	{"upstream_host", 13},
	{"upstream_uri", 12},
	{"apisix_request_id", 17},
};

/* ngx_http_variable_value_t: the length in 28 bits, and flags; then where the text is. Of what
 * may not be cached the log computes the value anew. */
#define VALUE_SIZE 16
#define VALUE_LEN(v) ((v) & 0xfffffff)
#define VALUE_VALID(v) (((v) & (1 << 28 | 1 << 29)) == 1 << 28)
#define VALUE_NOT_FOUND(v) (((v) & (1 << 30 | 1 << 29)) == 1 << 30)

/* Notes the place of the ngx_http_variable_t at that address, if it is one of variable_names. */
__noinline int learn_variable(u32 tgid, u64 at, u32 place)
{
	struct target *t = target_of(tgid);
	struct span name = {};
	if (!t || bpf_probe_read_user(&name, sizeof(name), (void *)at))
		return 0;
	u64 text[3] = {}, len = name.len;
	barrier_var(len);
	if (len > VARIABLE_TEXT || bpf_probe_read_user(text, len, (void *)name.data))
		return 0;
	for (u32 v = 0; v < VARIABLES; v++) {
		const volatile u64 *want = (const volatile u64 *)variable_names[v].text;
		if (len == variable_names[v].len && text[0] == want[0] && text[1] == want[1] && text[2] == want[2])
			t->variables[v] = place + 1;
	}
	return 0;
}

/* Finds the places of the variables in r->variables. A worker keeps its configuration for life. */
__noinline int find_variables(u32 tgid)
{
	struct target *t = target_of(tgid);
	u64 conf = user_ptr(user_ptr(user_ptr(statics.cycle)) + 8 * statics.http_index);
	u64 core = user_ptr(user_ptr(conf) + 8 * statics.core_index);
	u64 array[2] = {}; /* ngx_array_t: elts, nelts */
	if (!t || !core || bpf_probe_read_user(array, sizeof(array), (void *)(core + CORE_VARIABLES)))
		return 0;
	for (u32 i = 0; i < VARIABLES_LOOKED_AT && i < array[1]; i++)
		learn_variable(tgid, array[0] + i * VARIABLE_SIZE, i);
	u32 first = VARIABLES_LOOKED_AT, last = 0;
	for (u32 i = 0; i < VARIABLES; i++) {
		u32 at = t->variables[i];
		if (at && at < first)
			first = at;
		if (at > last)
			last = at;
	}
	t->variables_first = first;
	t->variables_size = first <= last ? (last - first + 1) * VALUE_SIZE : 0;
	t->variables_known = 1;
	return 1;
}

/* Takes from the copy of a request what read_logged and tell_heads need; rc is what nginx
 * ends it with. */
static __always_inline void note_request(struct target *t, u64 rc)
{
	struct log_words *w = &t->log;
	u64 in = ngx.r_headers_in;
	w->variables = WORD(t, ngx.r_variables);
	w->host = WORD(t, in + ngx.in_host);
	w->user_agent = WORD(t, in + ngx.in_user_agent);
	w->referer = WORD(t, in + ngx.in_referer);
	w->authorization = WORD(t, in + ngx.in_authorization);
	w->user.len = WORD(t, in + ngx.in_user);
	w->user.data = WORD(t, in + ngx.in_user + 8);
	t->request.logged.rc = rc;
	t->request.logged.header_size = WORD(t, ngx.r_header_size);
	t->request.logged.err_status = WORD(t, ngx.r_err_status);
	w->addr_text.data = w->addr_text.len = 0;
	u64 out = ngx.r_headers_out;
	w->content_type.len = WORD(t, out + ngx.out_content_type);
	w->content_type.data = WORD(t, out + ngx.out_content_type + 8);
	w->content_length = WORD(t, out + ngx.out_content_length);
}

/* The same from the copy of its connection. */
static __always_inline void note_client(struct target *t)
{
	struct logged *l = &t->request.logged;
	t->log.addr_text.len = WORD(t, ngx.c_addr_text);
	t->log.addr_text.data = WORD(t, ngx.c_addr_text + 8);
	l->sent = WORD(t, ngx.c_sent);
	/* buffered:8, log_error:3, timedout:1, error:1 (ngx_connection.h) */
	u64 flags = WORD(t, ngx.c_flags);
	l->flags = (flags & 1 << 11 ? LOGGED_TIMED_OUT : 0) | (flags & 1 << 12 ? LOGGED_FAILED : 0);
	l->port = bpf_ntohs(user_u32(WORD(t, ngx.c_sockaddr)) >> 16);
}

/* Appends a string of the log, and notes its true length. */
static __noinline void append_logged(struct target *t, u64 len, u64 data, u32 which)
{
	u32 most = which == LOGGED_UPSTREAM_URI || which == LOGGED_UNPARSED ? LINE_MAX_LEN : LOGGED_MAX;
	u32 all = append(t, len, data, most);
	barrier_var(which); /* else the compiler forgets the bound that the verifier must see */
	if (which < LOGGED_STRINGS)
		t->request.logged.len[which] = all;
}

/* Mostly they are near each other: what lies between the first and the last is one read. */
static __always_inline void read_variables(struct target *t)
{
	u64 from = t->log.variables + (u64)(t->variables_first - 1) * VALUE_SIZE, size = t->variables_size;
	barrier_var(size);
	t->variables_read = t->log.variables && size <= SCRATCH_SIZE && !bpf_probe_read_user(t->scratch, size, (void *)from);
}

/* Appends what nginx has at hand of a variable. It is 0 if the log is to compute it. */
static __noinline int append_variable(struct target *t, u32 which)
{
	u64 value[2] = {};
	barrier_var(which);
	if (which >= VARIABLES)
		return 0;
	u32 at = t->variables[which];
	if (!at || !t->log.variables)
		return 0;
	u64 off = (u64)(at - t->variables_first) * VALUE_SIZE;
	barrier_var(off);
	if (t->variables_read && off <= SCRATCH_SIZE - VALUE_SIZE)
		__builtin_memcpy(value, t->scratch + off, VALUE_SIZE);
	else
		bpf_probe_read_user(value, VALUE_SIZE, (void *)(t->log.variables + (u64)(at - 1) * VALUE_SIZE));
	if (VALUE_NOT_FOUND(value[0]))
		return 1;
	if (!VALUE_VALID(value[0]))
		return 0;
	append_logged(t, VALUE_LEN(value[0]), value[1], which);
	return 2;
}

/* Appends a variable, or else the value of an ngx_table_elt_t, if there is one. */
static __always_inline void append_header(struct target *t, u64 elt, u32 which)
{
	struct span value = {};
	if (!append_variable(t, which) && elt && !bpf_probe_read_user(&value, sizeof(value), (void *)(elt + ngx.elt_value)))
		append_logged(t, value.len, value.data, which);
}

/* ngx_http_auth_basic_user: what it has found it keeps, if but as an empty string. */
static __always_inline void append_user(struct target *t)
{
	struct span *user = &t->log.user, value = {};
	u64 elt = t->log.authorization;
	if (append_variable(t, LOGGED_USER)) {
		t->request.logged.flags |= LOGGED_USER_KNOWN;
	} else if (user->data) {
		t->request.logged.flags |= LOGGED_USER_KNOWN;
		append_logged(t, user->len, user->data, LOGGED_USER);
	} else if (elt && !bpf_probe_read_user(&value, sizeof(value), (void *)(elt + ngx.elt_value))) {
		append_logged(t, value.len, value.data, LOGGED_USER);
	}
}

/* ngx_http_variable_request_line: of a line that could not be parsed, the log has what there
 * is of it. User space finds its end. */
static __always_inline void append_unparsed(struct target *t, u64 r)
{
	if (t->request.line_len)
		return;
	/* ngx_buf_t: pos, last */
	u64 start = user_ptr(r + ngx.r_request_start), last = user_ptr(user_ptr(r + ngx.r_header_in) + 8);
	if (start && last > start)
		append_logged(t, last - start, start, LOGGED_UNPARSED);
}

__noinline int read_logged(u32 tgid, u64 r)
{
	struct target *t = target_of(tgid);
	if (!t)
		return 0;
	struct logged *l = &t->request.logged;
	/* ngx_time_t: sec, msec, gmtoff */
	bpf_probe_read_user(&l->sec, 3 * sizeof(u64), (void *)user_ptr(statics.cached_time));
	if (!t->variables_known)
		find_variables(tgid);
	for (u32 i = 0; i < LOGGED_STRINGS; i++)
		l->len[i] = LOGGED_ABSENT;
	read_variables(t);
	if (!append_variable(t, LOGGED_ADDR))
		append_logged(t, t->log.addr_text.len, t->log.addr_text.data, LOGGED_ADDR);
	append_header(t, t->log.host, LOGGED_HOST);
	append_header(t, t->log.referer, LOGGED_REFERER);
	append_header(t, t->log.user_agent, LOGGED_USER_AGENT);
	append_user(t);
	for (u32 i = LOGGED_UPSTREAM_SCHEME; i <= LOGGED_REQUEST_ID; i++)
		append_variable(t, i);
	append_unparsed(t, r);
	return 1;
}
