package bench

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// An edge is what a trace claims: this request had an exchange with that node, over that
// connection, at that time.
type edge struct {
	node, local netip.AddrPort
	from, to    time.Time // a zero to means until the end of the request
	exact       bool
}

// clockSlack is how far the tracer's clock, which the kernel counts in, may be from that of
// the nodes. Exchanges of one connection are further apart than this.
const clockSlack = 50 * time.Microsecond

// attempts returns what x claims of attempts, in order.
func (x *traced) attempts() []edge {
	edges := make([]edge, len(x.Attempts))
	for i, a := range x.Attempts {
		edges[i] = x.edge(a.endpoints, a.Start, a.Duration, a.Confidence)
	}
	return edges
}

// calls returns what x claims of calls.
func (x *traced) calls() []edge {
	var edges []edge
	for _, s := range x.Spans {
		if s.Role == "call" {
			edges = append(edges, x.edge(s.Attributes, s.Start, s.Duration, s.Confidence))
		}
	}
	return edges
}

func (x *traced) edge(ends endpoints, from time.Time, took *time.Duration, confidence string) edge {
	e := edge{node: ends.node(), local: ends.local(), from: from, to: x.end(), exact: confidence == "exact"}
	if took != nil {
		e.to = from.Add(*took)
	}
	return e
}

// differs tells how e is another exchange than h; "" says that it is the same one. A node
// reads the first byte of a request after the gateway began to send it and before the
// gateway has seen the end of the answer: that holds for one exchange of a connection.
// A node that never answers may read what the gateway has given up already; it is the last
// request of that connection.
func (h hop) differs(e edge) string {
	switch {
	case e.node != h.node:
		return "another node"
	case h.record == nil:
		return ""
	case e.local.String() != h.record.RemoteAddr:
		return "another connection"
	}
	read := time.Unix(0, h.record.Start)
	late := read.After(e.to.Add(clockSlack)) && h.record.Outcome != testrig.Hung
	if late || read.Before(e.from.Add(-clockSlack)) {
		return "another exchange of the connection"
	}
	return ""
}

func (h hop) String() string {
	if h.record == nil {
		return h.node.String() + " (refused)"
	}
	return fmt.Sprintf("%s %s from %s, read at %s", h.record.Node, h.node, h.record.RemoteAddr, clock(time.Unix(0, h.record.Start)))
}

func (e edge) String() string {
	confidence := "inferred"
	if e.exact {
		confidence = "exact"
	}
	return fmt.Sprintf("%s from %s, %s to %s, %s", e.node, e.local, clock(e.from), clock(e.to), confidence)
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000000") }
