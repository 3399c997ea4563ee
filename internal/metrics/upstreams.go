package metrics

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// upstream is what was counted of an upstream node, beside what the gateway's health is
// told of.
type upstream struct {
	node
	name                           string // of the upstream, as APISIX writes it
	reused, fresh, retries, resets uint64
	connect, wait                  Histogram
	recent                         Recent
}

func (r *Requests) addAttempt(x *trace.Exchange, i int, end time.Time) {
	a := &x.Attempts[i]
	at := netip.AddrPortFrom(a.Peer.Addr().Unmap(), a.Peer.Port())
	u := r.upstreams[at]
	if u == nil {
		if len(r.upstreams) >= maxUpstreams {
			r.untold++
			return
		}
		if r.upstreams == nil {
			r.upstreams = map[netip.AddrPort]*upstream{}
		}
		u = &upstream{name: strings.Clone(x.Names.Upstream)}
		r.upstreams[at] = u
	}
	failures := u.failures
	u.add(x, a)
	switch {
	case a.Reused:
		u.reused++
	case a.Connect >= 0 && a.ErrType == "":
		u.fresh++
		u.connect.Add(a.Connect)
	}
	if a.Wait >= 0 {
		u.wait.Add(a.Wait)
	}
	if i > 0 {
		u.retries++
	}
	if a.ErrType == "connection_reset" {
		u.resets++
	}
	u.recent.add(end, u.failures > failures)
}

// UpstreamSeen is what the attempts at an upstream node did.
type UpstreamSeen struct {
	NodeSeen
	Upstream string // the upstream's name, as APISIX writes it; empty where it is not known
	Reused   uint64 // attempts on a connection that had served others
	Fresh    uint64 // attempts on a new one whose connect was seen; the rest is not known
	Retries  uint64 // attempts after another one of the same request had failed
	Resets   uint64 // connections that the node has reset
	// Of the TCP handshake, and from a request's last byte to the response's first one; -1 where
	// none was seen.
	ConnectP50, ConnectP99, WaitP50, WaitP99 time.Duration
	Recent                                   *Recent // valid until the next Add
}

// Upstreams returns what was seen of each node, by address, and the attempts at nodes beyond
// the first 512.
func (r *Requests) Upstreams() (all []UpstreamSeen, untold uint64) {
	for at, u := range r.upstreams {
		all = append(all, UpstreamSeen{
			NodeSeen: u.seen(at), Upstream: u.name, Reused: u.reused, Fresh: u.fresh, Retries: u.retries, Resets: u.resets,
			ConnectP50: u.connect.Quantile(0.5), ConnectP99: u.connect.Quantile(0.99),
			WaitP50: u.wait.Quantile(0.5), WaitP99: u.wait.Quantile(0.99), Recent: &u.recent,
		})
	}
	slices.SortFunc(all, func(a, b UpstreamSeen) int { return a.Address.Compare(b.Address) })
	return all, r.untold
}

// seen tells of a node what Nodes tells.
func (n *node) seen(at netip.AddrPort) NodeSeen {
	s := NodeSeen{
		Address: at, Attempts: n.attempts, Failures: n.failures, Errors: maps.Clone(n.types), LastFailed: n.failed,
		LastReason: n.reason, P50: n.took.Quantile(0.5), P99: n.took.Quantile(0.99),
	}
	for i, count := range n.answers {
		if count == 0 {
			continue
		}
		if s.Errors == nil {
			s.Errors = map[string]uint64{}
		}
		s.Errors[strconv.Itoa(500+i)] = count
	}
	if n.status >= 500 {
		s.LastReason = cmp.Or(s.LastReason, "it answered "+strconv.Itoa(n.status))
	}
	return s
}
