package metrics

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// What bounds the memory of Requests: to some 10 MiB, and 90 KiB for each worker that was told
// of for five minutes.
const (
	maxRoutes    = 512
	maxUpstreams = 512
	maxWorkers   = 256
)

// Requests counts what a window's requests did: in all, by route, by upstream node, by
// worker and over time. The zero Requests is empty. It is for one goroutine.
type Requests struct {
	total     route
	line      timeline
	routes    map[string]*route
	others    *route // of routes that came when there were maxRoutes; nil if none did
	upstreams map[netip.AddrPort]*upstream
	untold    uint64 // attempts at nodes that came when there were maxUpstreams
	workers   map[int]*worker
	crew      *worker // of workers that came when there were maxWorkers; nil if none did
}

// Failed reports whether a request counts as an error: it got no answer, or a 5xx.
func Failed(x *trace.Exchange) bool { return x.Status == 0 || x.Status >= 500 }

// route is what was counted of one.
type route struct {
	id, name, service string
	unread, other     bool
	requests          uint64
	byClass           [6]uint64 // of status: 0 for none, 1 to 5
	errors            map[trace.ResponseSource]uint64
	types             map[string]uint64
	retries           uint64
	took, gateway     Histogram
	recent            Recent
}

func (r *route) add(x *trace.Exchange, end time.Time, failed bool) {
	r.requests++
	r.byClass[min(max(x.Status/100, 0), 5)]++
	if failed {
		if r.errors == nil {
			r.errors = map[trace.ResponseSource]uint64{}
		}
		r.errors[x.Source]++
		count(&r.types, x.ErrType)
	}
	r.retries += uint64(max(len(x.Attempts)-1, 0))
	r.took.Add(x.Duration)
	if x.Timing.Gateway >= 0 {
		r.gateway.Add(x.Timing.Gateway)
	}
	r.recent.add(end, failed)
}

// count counts a type of error, of which there are few.
func count(types *map[string]uint64, one string) {
	if one == "" {
		return
	}
	if *types == nil {
		*types = map[string]uint64{}
	}
	if _, known := (*types)[one]; known || len(*types) < maxTypes {
		(*types)[one]++
	}
}

// Add counts a request. It allocates nothing for what is known and does not fail.
func (r *Requests) Add(x *trace.Exchange) {
	end, failed := x.Start.Add(x.Duration), Failed(x)
	r.total.add(x, end, failed)
	r.line.add(end, x.Duration, failed)
	r.route(&x.Names).add(x, end, failed)
	for i := range x.Attempts {
		if x.Attempts[i].Peer.IsValid() { // not a UNIX socket
			r.addAttempt(x, i, end)
		}
	}
	if w := r.worker(x.PID); w != nil {
		w.requests++
	}
}

// unreadKey is that of requests whose names could not be read; no id has a zero.
const unreadKey = "\x00"

func (r *Requests) route(n *trace.Names) *route {
	key := n.RouteID
	if n.From == trace.NamesUnread {
		key = unreadKey
	}
	if found := r.routes[key]; found != nil {
		return found
	}
	if len(r.routes) >= maxRoutes {
		if r.others == nil {
			r.others = &route{other: true}
		}
		return r.others
	}
	if r.routes == nil {
		r.routes = map[string]*route{}
	}
	made := &route{
		id: strings.Clone(n.RouteID), name: strings.Clone(n.RouteName), service: strings.Clone(cmp.Or(n.ServiceName, n.ServiceID)),
		unread: n.From == trace.NamesUnread,
	}
	r.routes[strings.Clone(key)] = made
	return made
}

// RouteSeen is what the requests of a route did.
type RouteSeen struct {
	ID, Name string // empty for requests that no route matched
	Service  string // its name, or else its id
	Unread   bool   // the requests whose route is not known
	Other    bool   // the requests of routes beyond the first 512
	Requests uint64
	Errors   uint64                          // no answer, or 5xx
	Classes  [6]uint64                       // by status: 0 for none, 1 to 5 for 1xx to 5xx
	Sources  map[trace.ResponseSource]uint64 // who made the errors
	Types    map[string]uint64               // by error.type
	Retries  uint64                          // attempts after a request's first one
	// Of the requests' time, and of the gateway's own part in it; -1 where there were none.
	P50, P90, P99, Max time.Duration
	GatewayP50         time.Duration
	GatewayP99         time.Duration
	Recent             *Recent // valid until the next Add
}

func (r *route) seen() RouteSeen {
	s := RouteSeen{
		ID: r.id, Name: r.name, Service: r.service, Unread: r.unread, Other: r.other,
		Requests: r.requests, Classes: r.byClass, Sources: maps.Clone(r.errors), Types: maps.Clone(r.types), Retries: r.retries,
		P50: r.took.Quantile(0.5), P90: r.took.Quantile(0.9), P99: r.took.Quantile(0.99), Max: r.took.Max(),
		GatewayP50: r.gateway.Quantile(0.5), GatewayP99: r.gateway.Quantile(0.99), Recent: &r.recent,
	}
	s.Errors = s.Classes[0] + s.Classes[5]
	return s
}

// Total returns what all requests did; it has no name.
func (r *Requests) Total() RouteSeen { return r.total.seen() }

// Routes returns what the requests of each route did, the busiest first.
func (r *Requests) Routes() []RouteSeen {
	all := make([]RouteSeen, 0, len(r.routes)+1)
	for _, one := range r.routes {
		all = append(all, one.seen())
	}
	slices.SortFunc(all, func(a, b RouteSeen) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), strings.Compare(a.ID, b.ID), cmp.Compare(btoi(a.Unread), btoi(b.Unread)))
	})
	if r.others != nil {
		all = append(all, r.others.seen())
	}
	return all
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Timeline returns the window from its first request to its last one, in at most 600 slots.
func (r *Requests) Timeline() []Slot { return r.line.seen() }
