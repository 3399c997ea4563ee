package render

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
)

// What bounds the memory of failures.
const (
	maxFailureKinds = 1000
	maxFailureIDs   = 5
)

// cause is why a request failed or was refused, without what differs from one to the next.
type cause struct {
	status  int
	source  trace.ResponseSource
	errType string
	node    string // of the attempt that failed last; empty where none did
	plugin  string // that ended the request
}

// causeOf returns why x did not end well; the zero cause if it did.
func causeOf(x *trace.Exchange) cause {
	if classOf(x) == classGood {
		return cause{}
	}
	c := cause{status: x.Status, source: x.Source, errType: x.ErrType}
	for i := range x.Attempts {
		if a := &x.Attempts[i]; a.ErrType != "" || a.Status >= 400 {
			c.node = nodeName(a)
			c.errType = cmp.Or(x.ErrType, a.ErrType)
		}
	}
	if x.Source == trace.FromAPISIX {
		c.plugin = x.Names.Plugin
	}
	return c
}

// nodeName is the node's address, or what nginx calls it.
func nodeName(a *trace.Attempt) string {
	if a.Peer.IsValid() {
		return address(a.Peer)
	}
	return a.PeerName
}

// words says it in a sentence without an end.
func (c *cause) words() string {
	node := "node " + cmp.Or(c.node, "(not known)")
	switch c.errType {
	case trace.ErrRefused:
		return node + " refused the connection"
	case trace.ErrReset:
		return node + " reset the connection"
	case trace.ErrConnect:
		return node + " did not accept the connection in time"
	case trace.ErrTimeout:
		return node + " did not answer in time"
	case trace.ErrClosed:
		return node + " closed the connection without an answer"
	case trace.ErrTLS:
		return "the TLS handshake with " + node + " failed"
	case trace.ErrUnreachable:
		if c.node == "" {
			return "no node could be tried"
		}
		return node + " could not be reached"
	case trace.ErrClientGone:
		return "the client closed its connection"
	case trace.ErrGatewayDied:
		return "the gateway's worker died"
	}
	return c.answer(node)
}

// answer says who answered so, where nothing failed on the way.
func (c *cause) answer(node string) string {
	status := strconv.Itoa(c.status)
	switch {
	case c.status == 0:
		return "there was no response, and why is not known"
	case c.source == trace.FromUpstream:
		return node + " answered " + status
	case c.source == trace.FromAPISIX && c.plugin != "":
		return "APISIX's plugin " + c.plugin + " answered " + status
	case c.source == trace.FromAPISIX:
		return "APISIX itself answered " + status
	case c.source == trace.FromNginx:
		return "nginx answered " + status
	}
	return "the answer was " + status + ", and by whom is not known"
}

// failureKey is what equal failures have in common: a cause, and the route or, where that
// is not known, method, host and path.
type failureKey struct {
	cause
	routeID, routeName   string
	method, host, target string
}

func failureKeyOf(x *trace.Exchange, c cause) failureKey {
	k := failureKey{cause: c}
	if n := &x.Names; n.RouteID != "" || n.RouteName != "" {
		k.routeID, k.routeName = n.RouteID, n.RouteName
		return k
	}
	k.method, k.host, k.target = x.Method, x.Host, string(appendTemplate(nil, x.Path))
	return k
}

// own copies the strings, which may be parts of large ones.
func (c *cause) own() {
	c.errType, c.node, c.plugin = strings.Clone(c.errType), strings.Clone(c.node), strings.Clone(c.plugin)
}

func (k *failureKey) own() {
	k.cause.own()
	for _, s := range []*string{&k.routeID, &k.routeName, &k.method, &k.host, &k.target} {
		*s = strings.Clone(*s)
	}
}

// failure is what is kept of equal ones.
type failure struct {
	key         failureKey
	class       int
	count       uint64
	first, last time.Time
	took        metrics.Histogram
	example     *trace.Exchange // the first of them
	ids         []string        // of the first few: as logs have them
}

// failures groups those that are equal.
type failures struct {
	kinds  map[failureKey]*failure
	others uint64 // requests of further kinds than there is room for
}

func (f *failures) add(x *trace.Exchange, class int, c cause) {
	k := failureKeyOf(x, c)
	g := f.kinds[k]
	if g == nil {
		if len(f.kinds) >= maxFailureKinds {
			f.others++
			return
		}
		k.own()
		g = &failure{key: k, class: class, first: x.Start, example: x.Clone()}
		if f.kinds == nil {
			f.kinds = map[failureKey]*failure{}
		}
		f.kinds[k] = g
	}
	g.count++
	g.took.Add(max(x.Duration, 0))
	if x.Start.Before(g.first) {
		g.first = x.Start
	}
	if x.Start.After(g.last) {
		g.last = x.Start
	}
	if id := requestID(x); id != "" && len(g.ids) < maxFailureIDs {
		g.ids = append(g.ids, strings.Clone(id))
	}
}

// sorted returns the gravest first: those without an answer of the upstream's choice, then
// by how many there were, then by when they began.
func (f *failures) sorted() []*failure {
	return slices.SortedFunc(maps.Values(f.kinds), func(a, b *failure) int {
		return cmp.Or(cmp.Compare(b.class, a.class), cmp.Compare(b.count, a.count), a.first.Compare(b.first), compareKeys(&a.key, &b.key))
	})
}

func compareKeys(a, b *failureKey) int {
	return cmp.Or(cmp.Compare(a.status, b.status), cmp.Compare(a.node, b.node), cmp.Compare(a.routeID, b.routeID), cmp.Compare(a.routeName, b.routeName),
		cmp.Compare(a.errType, b.errType), cmp.Compare(a.source, b.source), cmp.Compare(a.plugin, b.plugin),
		cmp.Compare(a.host, b.host), cmp.Compare(a.target, b.target), cmp.Compare(a.method, b.method))
}
