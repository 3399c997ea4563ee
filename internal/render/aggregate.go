package render

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
)

// maxGroups bounds the memory of an aggregate to 6 MiB.
const maxGroups = 1000

// aggregate counts exchanges by method, host and path, and shows the groups at the end.
type aggregate struct {
	groups map[string]*group
	key    []byte // of the group looked for; kept to allocate nothing for a known one
	rest   *group // what came when there were maxGroups; nil if nothing did
	write  func([]*group) error
	then   trace.Sink // what writes the summary
}

// group is what requests have in common, and what is told of them.
type group struct {
	method, host, path string
	other              bool // these have nothing in common
	routeID, routeName string
	routed, computed   bool // the route of some is known, or was computed
	routes             bool // they are of several routes

	requests, errors, retries uint64
	spent                     time.Duration // in all
	total, gateway, upstream  metrics.Histogram
	cpu                       trace.CPU // of all those that were sampled
	sampled                   uint64    // how many that were
	largest                   [partsOfGroup]uint64
}

// Groups returns a sink that shows no exchange, but at the end a table of all in the
// named format: table or json. An unknown format is misuse.
func Groups(format string, w io.Writer, o Options) (trace.Sink, error) {
	a := &aggregate{groups: map[string]*group{}}
	switch format {
	case "table":
		table := &groupTable{w: w, o: o}
		a.write, a.then = table.show, table
	case "json":
		lines := &traceJSON{feed: newFeed(w)}
		a.write, a.then = lines.groups, lines
	default:
		return nil, UnknownFormat(format, []string{"json", "table"})
	}
	return a, nil
}

// Show counts one exchange.
func (a *aggregate) Show(x *trace.Exchange) error {
	a.find(x).add(x)
	return nil
}

func (a *aggregate) find(x *trace.Exchange) *group {
	b := append(a.key[:0], x.Method...)
	b = append(append(b, 0), x.Host...)
	b = append(b, 0)
	path := len(b)
	b = appendTemplate(b, x.Path)
	a.key = b
	if g := a.groups[string(b)]; g != nil {
		return g
	}
	if len(a.groups) < maxGroups {
		g := &group{method: strings.Clone(x.Method), host: strings.Clone(x.Host), path: string(b[path:])}
		a.groups[string(b)] = g
		return g
	}
	if a.rest == nil {
		a.rest = &group{other: true}
	}
	return a.rest
}

// addRoute notes the route of one of them.
func (g *group) addRoute(n *trace.Names) {
	switch {
	case n.From == trace.NamesUnread:
	case !g.routed:
		g.routed, g.routeID, g.routeName = true, strings.Clone(n.RouteID), strings.Clone(n.RouteName)
	case g.routeID != n.RouteID:
		g.routes = true
	}
	g.computed = g.computed || n.From == trace.NamesComputed
}

func (g *group) add(x *trace.Exchange) {
	g.addRoute(&x.Names)
	g.requests++
	if metrics.Failed(x) {
		g.errors++
	}
	g.retries += uint64(max(len(x.Attempts)-1, 0))
	g.spent += x.Duration
	g.total.Add(x.Duration)
	if x.Timing.Gateway >= 0 {
		g.gateway.Add(x.Timing.Gateway)
	}
	if d := x.UpstreamTime(); d >= 0 {
		g.upstream.Add(d)
	}
	if p := largestOf(x); p >= 0 {
		g.largest[p]++
	}
	if x.CPU.Period > 0 {
		g.sampled++
		g.addCPU(&x.CPU)
	}
}

func (g *group) addCPU(c *trace.CPU) {
	g.cpu.Period = max(g.cpu.Period, c.Period)
	g.cpu.Samples += c.Samples
	g.cpu.Time += c.Time
}

func (g *group) merge(other *group) {
	g.requests += other.requests
	g.errors += other.errors
	g.retries += other.retries
	g.spent += other.spent
	g.total.Merge(&other.total)
	g.gateway.Merge(&other.gateway)
	g.upstream.Merge(&other.upstream)
	g.sampled += other.sampled
	g.addCPU(&other.cpu)
	for i, n := range other.largest {
		g.largest[i] += n
	}
}

// Summary shows the groups, those first in which most time was spent.
func (a *aggregate) Summary(s trace.Summary) error {
	all := slices.SortedFunc(maps.Values(a.groups), func(x, y *group) int {
		return cmp.Or(cmp.Compare(y.spent, x.spent), strings.Compare(x.host, y.host), strings.Compare(x.path, y.path), strings.Compare(x.method, y.method))
	})
	if a.rest != nil {
		all = append(all, a.rest)
	}
	if err := a.write(all); err != nil {
		return err
	}
	return a.then.Summary(s)
}

// Flush has nothing to write before the end.
func (a *aggregate) Flush() error { return nil }

// Close writes what waits; the writer stays open.
func (a *aggregate) Close() error { return a.then.Close() }

// The parts of a request's time that groups tell apart; those of its attempts are summed.
const (
	partClientRead = iota
	partGateway
	partConnect
	partTLS
	partSend
	partWait
	partRead
	partGatewayResponse
	partClientWrite
	partsOfGroup
)

func groupPartName(p int) string {
	return [partsOfGroup]string{
		"client_read", "gateway", "upstream connect", "upstream tls", "upstream send", "upstream wait", "upstream read",
		"gateway_response", "client_write",
	}[p]
}

// largestOf returns the part that took most of x's time, as Exchange.Largest does but with
// all attempts as one; -1 if none was seen.
func largestOf(x *trace.Exchange) int {
	var spent [partsOfGroup]time.Duration
	spent[partClientRead], spent[partGateway] = x.Timing.ClientRead, x.Timing.Gateway
	spent[partGatewayResponse], spent[partClientWrite] = x.Timing.GatewayResponse, x.Timing.ClientWrite-x.Streamed()
	for i := range x.Attempts {
		a := &x.Attempts[i]
		for p, d := range [...]time.Duration{a.Connect, a.TLS, a.Send, a.Wait, a.Read} {
			spent[partConnect+p] += max(d, 0)
		}
	}
	most := -1
	for p, d := range spent {
		if d > 0 && (most < 0 || d > spent[most]) {
			most = p
		}
	}
	return most
}

// mostLargest returns the part that was the largest of most requests, and of how many.
func (g *group) mostLargest() (name string, times uint64) {
	for p, n := range g.largest {
		if n > times {
			name, times = groupPartName(p), n
		}
	}
	return name, times
}
