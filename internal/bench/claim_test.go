package bench

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// Without probes the bytes of TLS and of HTTP/2 cannot be told apart into requests, so a
// trace of such a connection cannot be joined by the number of its request. What it claims
// can still be looked up in the records of the nodes.
type claims struct {
	owners map[netip.AddrPort][]owned // by the gateway's end of the connection to the node
}

// An owned is a hop and whose it is.
type owned struct {
	hop
	fact *fact
}

func newClaims(facts []*fact) claims {
	c := claims{owners: map[netip.AddrPort][]owned{}}
	for _, f := range facts {
		for _, h := range slices.Concat(f.attempts, f.calls) {
			if h.record == nil {
				continue
			}
			if addr, err := netip.ParseAddrPort(h.record.RemoteAddr); err == nil {
				c.owners[addr] = append(c.owners[addr], owned{h, f})
			}
		}
	}
	return c
}

// owner returns whose exchange e is, or nil. The next request may follow on the connection
// within the clocks' slack: of several, it is the one that the node read first after the
// gateway began to send.
func (c claims) owner(e edge) *fact {
	var best owned
	for _, o := range c.owners[e.local] {
		if o.differs(e) != "" {
			continue
		}
		after := o.record.Start >= e.from.UnixNano()
		if best.fact == nil || after && (o.record.Start < best.record.Start || best.record.Start < e.from.UnixNano()) {
			best = o
		}
	}
	return best.fact
}

// judge adds what x, a trace of a connection that cannot be read, claims to rows. A claim
// is right if the request came on that very connection and the exchange fell into x. On a
// connection of HTTP/2 that is no proof: it is neither right nor wrong.
func (c claims) judge(rows map[testrig.Kind]*row, x *traced) *counterexample {
	var bad *counterexample
	for _, e := range slices.Concat(x.attempts(), x.calls()) {
		f := c.owner(e)
		r := rows[tlsKind]
		if f != nil && unreadable(f.kind) {
			r = rows[f.kind]
		}
		switch {
		case f == nil || f.Worker != x.PID || f.ClientPort != x.ClientPort || !x.covers(e):
			r.attempts.surplus(e)
			text := fmt.Sprintf("%s: an attempt that is not this connection's: %s\nbut of %s\n%s", r.kind, e, f.short(), x.claims())
			bad = &counterexample{kind: r.kind, exact: e.exact, text: text}
		case f.kind == tlsKind:
			r.attempts.right++
			if !e.exact {
				r.attempts.inferred++
			}
		}
	}
	return bad
}

// short names a request; nil is one that the rig does not know.
func (f *fact) short() string {
	if f == nil {
		return "a request that the rig does not know"
	}
	return fmt.Sprintf("request %s, %s, client port %d, worker %d", f.ID, f.kind, f.ClientPort, f.Worker)
}

// covers says whether e began within x.
func (x *traced) covers(e edge) bool {
	return !e.from.Before(x.Start.Add(-clockSlack)) && !e.from.After(x.end().Add(clockSlack))
}

// tlsKind is the kind whose client connections carry one request at a time, encrypted.
const tlsKind = testrig.HTTPS

// unreadable says whether requests of kind cannot be read at their client's socket.
func unreadable(kind testrig.Kind) bool {
	route, err := testrig.RouteOf(kind)
	return err == nil && route.Transport != testrig.OverHTTP
}

// finish fills in what the claims did not tell.
func (c claims) finish(facts []*fact, rows map[testrig.Kind]*row) {
	for _, f := range facts {
		r := rows[f.kind]
		r.requests++
		r.attempts.all += len(f.attempts)
		r.note = "not traceable without probes: HTTP/2"
		if f.kind == tlsKind {
			r.note = "not readable without probes: TLS; judged by connection and time"
			r.attempts.missing = max(0, r.attempts.all-r.attempts.right)
		}
	}
}

// portOf returns the port of an ip:port.
func portOf(addr string) uint16 {
	a, _ := netip.ParseAddrPort(addr)
	return a.Port()
}
