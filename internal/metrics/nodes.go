package metrics

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// What bounds the memory of Nodes, to 1 MiB.
const (
	maxNodes  = 512
	maxTypes  = 16 // of errors, of one node
	maxReason = 200
)

// Nodes counts what a window's requests saw of upstream nodes. The zero Nodes is empty. It is
// for one goroutine.
type Nodes struct {
	nodes  map[netip.AddrPort]*node
	others uint64 // attempts at nodes that came when there were maxNodes
	last   *node  // of the last attempt: most come to one of a few
	lastAt netip.AddrPort
}

type node struct {
	attempts, failures uint64
	types              map[string]uint64 // of errors
	answers            [100]uint64       // of 5xx, by what follows the 5
	failed             time.Time         // when the last one did
	reason             string            // why, in words; empty where status tells
	status             int
	took               Histogram
}

// Add counts the attempts of a request. It allocates nothing for a node that is known and
// does not fail.
func (n *Nodes) Add(x *trace.Exchange) {
	for i := range x.Attempts {
		a := &x.Attempts[i]
		if !a.Peer.IsValid() {
			continue // a UNIX socket
		}
		if to := n.of(a.Peer); to != nil {
			to.add(x, a)
		}
	}
}

// of returns the node at an address; nil if there is no more room.
func (n *Nodes) of(peer netip.AddrPort) *node {
	if n.last != nil && peer == n.lastAt {
		return n.last
	}
	at := netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	found := n.nodes[at]
	switch {
	case found != nil:
	case len(n.nodes) >= maxNodes:
		n.others++
		return nil
	default:
		if n.nodes == nil {
			n.nodes = map[netip.AddrPort]*node{}
		}
		found = &node{}
		n.nodes[at] = found
	}
	n.last, n.lastAt = found, peer
	return found
}

func (n *node) add(x *trace.Exchange, a *trace.Attempt) {
	n.attempts++
	if a.Duration >= 0 {
		n.took.Add(a.Duration)
	}
	switch {
	case a.ErrType != "":
		if n.types == nil {
			n.types = map[string]uint64{}
		}
		if _, known := n.types[a.ErrType]; known || len(n.types) < maxTypes {
			n.types[a.ErrType]++
		}
	case a.Status >= 500 && a.Status < 600:
		n.answers[a.Status-500]++
	default:
		return
	}
	n.failures++
	if a.Reason != n.reason {
		n.reason = strings.Clone(a.Reason[:min(len(a.Reason), maxReason)])
	}
	n.status, n.failed = a.Status, x.Start.Add(x.Duration)
}

// NodeSeen is what a window saw of a node.
type NodeSeen struct {
	Address    netip.AddrPort    `json:"address"`
	Attempts   uint64            `json:"attempts"`
	Failures   uint64            `json:"failures"`
	Errors     map[string]uint64 `json:"errors,omitempty"` // by error.type; a 5xx is its status
	LastFailed time.Time         `json:"last_failed,omitzero"`
	LastReason string            `json:"last_reason,omitempty"`
	P50        time.Duration     `json:"p50_ns"` // of an attempt's time; -1 where it was not seen
	P99        time.Duration     `json:"p99_ns"`
}

// Seen returns what was counted, by address, and the attempts at nodes beyond the first 512.
func (n *Nodes) Seen() (all []NodeSeen, others uint64) {
	for at, of := range n.nodes {
		all = append(all, of.seen(at))
	}
	slices.SortFunc(all, func(a, b NodeSeen) int { return a.Address.Compare(b.Address) })
	return all, n.others
}
