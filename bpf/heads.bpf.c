//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The header sections of a request: what the client sent and got, as nginx has it in lists
 * of ngx_table_elt_t; what went to the upstream, as bytes; what it answered, as a list again.
 * Read only when asked for.
 */
#include "nginx.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256); /* 1 when nobody asks for headers */
	__type(key, u32);	  /* tgid of a worker */
	__type(value, struct headers_event);
} heads SEC(".maps");

/* A new worker's first entry is a copy of this: the struct is too large for anything else. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct headers_event);
} blank_heads SEC(".maps");

const volatile u32 want_headers = 0;

#define UPSTREAM_STATUS 112 /* ngx_http_upstream_headers_in_t.status_n, behind two of ngx_list_t */

static __always_inline struct headers_event *heads_of(u32 tgid)
{
	struct headers_event *h = bpf_map_lookup_elem(&heads, &tgid);
	u32 zero = 0;
	void *empty;
	if (h || !(empty = bpf_map_lookup_elem(&blank_heads, &zero)))
		return h;
	bpf_map_update_elem(&heads, &tgid, empty, BPF_NOEXIST);
	return bpf_map_lookup_elem(&heads, &tgid);
}

/* The mask shows the verifier that there is such a head. */
#define HEAD(h, which) (&(h)->heads[(which) & (HEADS - 1)])
_Static_assert((HEADS & (HEADS - 1)) == 0, "HEADS is no power of two");

/*
 * Appends an ngx_table_elt_t of the scratch room: a struct field, the name, and, gap bytes
 * behind its end, the value. In a head that was parsed there are a colon and spaces in
 * that gap, and it all is one read; what Lua has set is in two places, and has no gap.
 */
static __always_inline void keep_field(struct headers_event *h, struct head *head, const u64 *elt)
{
	if (!elt[0]) /* it was taken out */
		return;
	u64 name_len = elt[1], name = elt[2], value_len = elt[3], value = elt[4], gap = value - name - name_len;
	if (gap > FIELD_GAP_MAX)
		gap = 0;
	if (name_len > FIELD_NAME_MAX || value_len > FIELD_VALUE_MAX || head->fields >= HEAD_FIELDS_MAX ||
	    head->len + sizeof(struct field) + name_len + gap + value_len > HEAD_SECTION_MAX) {
		head->cut++;
		return;
	}
	u64 all = name_len + gap + value_len;
	barrier_var(all);
	barrier_var(name_len);
	barrier_var(value_len);
	if (all > FIELD_NAME_MAX + FIELD_GAP_MAX + FIELD_VALUE_MAX || name_len > FIELD_NAME_MAX || value_len > FIELD_VALUE_MAX)
		return;
	/* Last, for it must not be put on the stack: there, older verifiers forget its bounds. */
	u64 at = *(volatile u32 *)&h->fill;
	barrier_var(at);
	if (at > HEADS * HEAD_SECTION_MAX)
		return;
	struct field *f = (struct field *)(h->data + at);
	u8 *text = (u8 *)(f + 1);
	f->name_len = name_len;
	f->gap = gap;
	f->value_len = value_len;
	u32 size = sizeof(struct field) + all;
	if (gap ? bpf_probe_read_user(text, all, (void *)name) :
		  bpf_probe_read_user(text, name_len, (void *)name) ||
			  bpf_probe_read_user(text + name_len, value_len, (void *)value)) {
		head->cut++;
		return;
	}
	head->fields++;
	head->len += size;
	h->fill = at + size;
}

/* Appends the first n fields of the scratch room. */
__noinline int keep_fields(u32 tgid, u32 n, u32 which)
{
	struct target *t = target_of(tgid);
	struct headers_event *h = bpf_map_lookup_elem(&heads, &tgid);
	if (!t || !h)
		return 0;
	for (u32 i = 0; i < LIST_PART && i < n; i++) {
		u32 off = i * ngx.elt_size;
		if (off > SCRATCH_SIZE - 64)
			break;
		u64 *elt = (u64 *)(t->scratch + off); /* hash, key, value */
		/* Where an upstream sends no Server or Date, nginx adds it without a value, so as
		 * to make its own (ngx_http_proxy_process_header). */
		if (which != HEAD_UPSTREAM_RESPONSE || elt[4])
			keep_field(h, HEAD(h, which), elt);
	}
	return n;
}

/* Appends the fields of an ngx_list_t. */
__noinline int keep_list(u32 tgid, u64 list, u32 which)
{
	struct target *t = target_of(tgid);
	struct headers_event *h = bpf_map_lookup_elem(&heads, &tgid);
	u64 part[3] = {}; /* ngx_list_part_t: elts, nelts, next */
	u32 size = ngx.elt_size;
	/* An ngx_list_t has its last part first, then the first part itself. */
	if (!t || !h || size < 48 || size > 64 || bpf_probe_read_user(part, sizeof(part), (void *)(list + 8)))
		return 0;
	struct head *head = HEAD(h, which);
	head->seen = 1;
	if (which == HEAD_UPSTREAM_RESPONSE) /* is empty while there is no answer */
		head->seen = user_ptr(list + UPSTREAM_STATUS) != 0;
	if (which == HEAD_RESPONSE && !t->request.logged.header_size) /* it was never made */
		head->seen = 0;
	for (u32 p = 0; p < 16 && part[0]; p++) {
		u32 n = part[1] > LIST_PART ? LIST_PART : (u32)part[1];
		u64 len = (u64)n * size;
		barrier_var(len); /* older verifiers do not see through the product */
		if (len > LIST_PART * 64 || bpf_probe_read_user(t->scratch, len, (void *)part[0]))
			break;
		keep_fields(tgid, n, which);
		if (part[1] > LIST_PART)
			head->cut += part[1] - LIST_PART;
		if (!part[2] || bpf_probe_read_user(part, sizeof(part), (void *)part[2]))
			break;
	}
	return 1;
}

/* Appends the beginning of what went to the upstream: the first buffer of an ngx_chain_t. */
__noinline int keep_bytes(u32 tgid, u64 chain)
{
	struct headers_event *h = bpf_map_lookup_elem(&heads, &tgid);
	u64 buf[5] = {}; /* ngx_buf_t: pos, last, file_pos, file_last, start */
	if (!h || !chain || bpf_probe_read_user(buf, sizeof(buf), (void *)user_ptr(chain)))
		return 0;
	struct head *head = &h->heads[HEAD_UPSTREAM_REQUEST];
	u64 len = buf[1] - buf[4], at = h->fill;
	if (!buf[4] || buf[1] < buf[4])
		return 0;
	if (len > HEAD_SECTION_MAX)
		len = HEAD_SECTION_MAX;
	barrier_var(len);
	barrier_var(at);
	if (len > HEAD_SECTION_MAX || at > HEADS * HEAD_SECTION_MAX || bpf_probe_read_user(h->data + at, len, (void *)buf[4]))
		return 0;
	head->seen = 1;
	head->len = len;
	h->fill += len;
	return 1;
}

/* What nginx has of its response's head beside the list. */
static __always_inline void keep_type(struct target *t, struct headers_event *h)
{
	u32 len = t->log.content_type.len > sizeof(h->content_type) ? sizeof(h->content_type) : t->log.content_type.len;
	barrier_var(len);
	h->content_type_len = 0;
	h->content_length = t->log.content_length;
	if (len <= sizeof(h->content_type) && t->log.content_type.data &&
	    !bpf_probe_read_user(h->content_type, len, (void *)t->log.content_type.data))
		h->content_type_len = len;
}

/* Reads and tells all four heads of request r, whose ngx_http_upstream_t is at upstream. */
__noinline int tell_heads(u32 tgid, u64 r, u64 upstream)
{
	struct target *t = target_of(tgid);
	struct headers_event *h = heads_of(tgid);
	if (!t || !h) {
		count_loss(LOSS_HEADERS);
		return 0;
	}
	__builtin_memset(h, 0, __builtin_offsetof(struct headers_event, content_type));
	h->kind = EVENT_HEADERS;
	h->pid = tgid;
	h->request = r;
	keep_type(t, h);
	keep_list(tgid, r + ngx.r_headers_in, HEAD_REQUEST);
	if (upstream) {
		keep_bytes(tgid, user_ptr(upstream + ngx.u_request_bufs));
		keep_list(tgid, upstream + ngx.u_headers_in, HEAD_UPSTREAM_RESPONSE);
	}
	keep_list(tgid, r + ngx.r_headers_out, HEAD_RESPONSE);
	u64 size = *(volatile u32 *)&h->fill;
	barrier_var(size);
	if (size > HEADS * HEAD_SECTION_MAX)
		return 0;
	size += __builtin_offsetof(struct headers_event, data);
	if (bpf_ringbuf_output(&events, h, size, wakeup()))
		count_loss(LOSS_HEADERS);
	return 1;
}
