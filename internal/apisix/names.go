package apisix

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// NameOptions say from where Names has what it tells.
type NameOptions struct {
	Client    *Client
	Own       *Own          // of Client; nil where its requests cannot come through the gateway
	Router    RouterKind    // of the gateway; empty where its config.yaml does not name one
	Reception *Reception    // of the gateway; nil where its config.yaml was not read
	Every     time.Duration // that the Admin API is asked; 0 is the usual
	// Say is told why there is nothing to tell, each time that begins.
	Say func(error)
	Log *slog.Logger
}

// Names tells of requests what the Admin API has configured for them: plugins, labels, and
// where the request's own memory could not be read, its route and service. It is a trace.Namer.
//
// What it tells is from a snapshot that Run refreshes: Fill asks nobody and waits for nothing.
type Names struct {
	o    NameOptions
	now  atomic.Pointer[snapshot]
	kick chan struct{} // something is wanted that the snapshot lacks

	wantsConsumers, wantsRouters atomic.Bool

	// What Fill keeps, for itself.
	last   *snapshot
	merged map[merge][]string
	doubts doubts
}

// merge is a route and a consumer, whose plugins are put together once.
type merge struct {
	route    *routeInfo
	consumer string
}

// maxMerged bounds the memory of a window with many consumers.
const maxMerged = 4096

// NewNames returns Names that know nothing yet: Run asks.
func NewNames(o NameOptions) *Names {
	if o.Every <= 0 {
		o.Every = usualEvery
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Names{o: o, kick: make(chan struct{}, 1), merged: map[merge][]string{}}
}

// Own reports whether a request is one of the client's, to the Admin API.
func (n *Names) Own(x *trace.Exchange) bool {
	return n.o.Own.has(x.Client) && strings.HasPrefix(x.Path, n.o.Client.base.Path)
}

// Fill adds what is known.
func (n *Names) Fill(x *trace.Exchange) {
	s := n.now.Load()
	names := &x.Names
	if names.From == trace.NamesUnread {
		n.want(&n.wantsRouters)
	}
	if names.Consumer != "" {
		n.want(&n.wantsConsumers)
	}
	if s == nil {
		return
	}
	if s != n.last {
		n.last = s
		clear(n.merged)
	}
	if names.From == trace.NamesUnread {
		n.compute(s, x)
	}
	if names.From == trace.NamesUnread || names.From == trace.NamesNone {
		return
	}
	if names.RouteID == "" {
		names.Plugins = s.global // they run, too
		return
	}
	r := s.routes[names.RouteID]
	if r == nil {
		return // made since the last snapshot
	}
	n.describe(s, r, x)
}

// describe adds what the route of a request leads to.
func (n *Names) describe(s *snapshot, r *routeInfo, x *trace.Exchange) {
	names := &x.Names
	if names.RouteName == "" {
		names.RouteName = r.name
	}
	if names.ServiceName == "" && names.ServiceID != "" {
		names.ServiceName = s.services[names.ServiceID]
	}
	names.URI, names.Labels, names.Plugins = r.uri(x.Path), r.labels, r.plugins
	if names.Consumer == "" || len(s.consumers) == 0 {
		return
	}
	key := merge{r, names.Consumer}
	all, known := n.merged[key]
	if !known {
		if len(n.merged) >= maxMerged {
			clear(n.merged)
		}
		key.consumer = strings.Clone(key.consumer)
		all = s.with(r, key.consumer)
		n.merged[key] = all
	}
	names.Plugins = all
}

// want has the next snapshot bring more, and bring it soon.
func (n *Names) want(what *atomic.Bool) {
	if what.Load() {
		return
	}
	what.Store(true)
	select {
	case n.kick <- struct{}{}:
	default:
	}
}

// Notes says at the end which routes could not be computed.
func (n *Names) Notes() []string { return n.doubts.notes() }
