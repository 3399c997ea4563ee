//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* One object of twelve parts, so that they share their maps without further ado. */
#include "luatable.bpf.c"
#include "names.bpf.c"
#include "owner.bpf.c"
#include "socket.bpf.c"
#include "ticks.bpf.c"
#include "syscall.bpf.c"
#include "tcp.bpf.c"
#include "logged.bpf.c"
#include "heads.bpf.c"
#include "process.bpf.c"
#include "phases.bpf.c"
#include "request.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Types that no map mentions: named here so that BTF, and so Go, gets them. */
const enum event_kind *unused_event_kind __attribute__((unused));
const enum phase *unused_phase __attribute__((unused));
const enum loss *unused_loss __attribute__((unused));
const enum target_flags *unused_target_flags __attribute__((unused));
const enum requests *unused_requests __attribute__((unused));
const enum starts *unused_starts __attribute__((unused));
const enum name *unused_name __attribute__((unused));
const struct headers_event *unused_headers_event __attribute__((unused));
const struct field *unused_field __attribute__((unused));
const enum head_of *unused_head_of __attribute__((unused));
const enum wanted_kind *unused_wanted_kind __attribute__((unused));
const enum names_how *unused_names_how __attribute__((unused));
const enum logged_string *unused_logged_string __attribute__((unused));
const enum logged_flags *unused_logged_flags __attribute__((unused));
const struct request_event *unused_request_event __attribute__((unused));
const struct attempt *unused_attempt __attribute__((unused));
const struct process_event *unused_process_event __attribute__((unused));
