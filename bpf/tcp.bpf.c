//go:build ignore

// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * What the kernel's TCP knows of a watched socket: when the handshake was over, when
 * the peer sent its FIN, and with which error a connection ended. tcp_reset and
 * tcp_write_err set sk_err before they close the socket (net/ipv4/tcp_input.c, tcp_timer.c).
 */
#include "maps.h"

static __always_inline int state_changes(u64 *ctx)
{
	u64 sk = ctx[0];
	int state = (int)ctx[2];
	if (state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT && state != TCP_CLOSE)
		return 0;
	u64 *key = bpf_map_lookup_elem(&by_sock, &sk);
	if (!key)
		return 0;
	struct socket_state *s = bpf_map_lookup_elem(&sockets, key);
	if (!s || s->sock != sk)
		return 0;
	u64 now = bpf_ktime_get_ns();
	if (state == TCP_ESTABLISHED) {
		if (!s->conn.established)
			s->conn.established = now;
	} else if (state == TCP_CLOSE_WAIT) {
		if (!s->peer_closed)
			s->peer_closed = now;
	} else if (!s->error) {
		s->error = BPF_CORE_READ((struct sock *)sk, sk_err);
		if (s->error)
			s->failed = now;
	}
	return 0;
}

/*
 * A packet's softirq can interrupt the program, and the kernel leaves out the run of a
 * program that has not ended on this CPU. Nothing nests deeper, so of two copies one is
 * always free; what both see, the second finds done.
 */
SEC("tp_btf/inet_sock_set_state")
int inet_sock_set_state(u64 *ctx)
{
	return state_changes(ctx);
}

SEC("tp_btf/inet_sock_set_state")
int inet_sock_set_state_again(u64 *ctx)
{
	return state_changes(ctx);
}
