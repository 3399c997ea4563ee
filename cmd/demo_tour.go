package cmd

import (
	"slices"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// stop is one sight of the demo: requests of one kind, so many of them.
type stop struct {
	kind  testrig.Kind
	times int
	about string
}

func demoStops() []stop {
	return []stop{
		{testrig.Keepalive, 3, "plain requests, over kept upstream connections"},
		{testrig.Fresh, 1, "a new connection to the upstream"},
		{testrig.RetryRefused, 1, "the first node refuses, the second answers"},
		{testrig.Cosocket, 1, "a plugin asks Redis first"},
		{testrig.Sleep, 1, "a plugin sleeps first"},
		{testrig.Subrequest, 1, "a subrequest to an auth service first"},
		{testrig.Lua401, 1, "refused by a plugin"},
		{testrig.BadGateway, 1, "502: every node refuses the connection"},
		{testrig.GatewayTimeout, 1, "504: the node does not answer in time"},
		{testrig.Upstream500, 1, "500: the upstream's own"},
		{testrig.H2, 1, "HTTP/2 over TLS"},
	}
}

// demoKinds are what the load sends.
func demoKinds() []testrig.Kind {
	var kinds []testrig.Kind
	for _, s := range demoStops() {
		kinds = append(kinds, s.kind)
	}
	return kinds
}

// demoCount is how many requests the tour shows.
func demoCount() uint64 {
	n := 0
	for _, s := range demoStops() {
		n += s.times
	}
	return uint64(n)
}

// tour is a Sink that leads from stop to stop: it keeps what the next one shows, and says
// what is to be seen. After the last one it keeps all.
type tour struct {
	trace.Sink
	talk  *talk // nil when what is shown cannot be seen yet
	stops []stop
	shown int // of the first stop
	about string
}

func newTour(sink trace.Sink, talk *talk, visible bool) *tour {
	t := &tour{Sink: sink, stops: demoStops()}
	if visible {
		t.talk = talk
	}
	return t
}

// keep is for trace.Pipeline.
func (t *tour) keep(x *trace.Exchange) string {
	if len(t.stops) == 0 {
		return ""
	}
	now := t.stops[0]
	if !isOf(now.kind, x) {
		return "the tour"
	}
	t.about = ""
	if t.shown == 0 {
		t.about = now.about
	}
	if t.shown++; t.shown == now.times {
		t.stops, t.shown = t.stops[1:], 0
	}
	return ""
}

// Show says what is new, and shows x.
func (t *tour) Show(x *trace.Exchange) error {
	if t.about != "" && t.talk != nil {
		t.talk.say("── %s", t.about)
	}
	t.about = ""
	if err := t.Sink.Show(x); err != nil {
		return err
	}
	return t.Flush() // before the next thing is said
}

// Flush makes it a Flusher, as what it leads to is.
func (t *tour) Flush() error {
	if f, ok := t.Sink.(render.Flusher); ok {
		return f.Flush()
	}
	return nil
}

// isOf reports whether x is a request of the kind, as far as its outside tells.
func isOf(kind testrig.Kind, x *trace.Exchange) bool {
	r, err := testrig.RouteOf(kind)
	if err != nil {
		return false
	}
	h2 := r.Transport == testrig.OverH2 || r.Transport == testrig.OverH2C
	tls := r.Transport == testrig.OverH2 || r.Transport == testrig.OverHTTPS
	return x.Host == r.Host && x.Method == r.Method && slices.Contains(r.Paths, x.Path) &&
		slices.Contains(r.Statuses, x.Status) && tls == x.TLS && h2 == (x.Protocol == "2")
}
