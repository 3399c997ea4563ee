package check

import (
	"maps"
	"sync"

	"github.com/apisixscope/apisixscope/trace"
)

// Collector is a trace.Sink that sorts a window's requests by the checks that they are for.
// It keeps what became of each assertion, and of requests only those under way.
// Its methods may be called by several goroutines.
type Collector struct {
	plan *Plan

	mu       sync.Mutex
	of       map[trace.TraceID]*sending
	requests []requested
	observed []measured
	seen     uint64
	lost     map[string]uint64
	due      int  // sent, and not seen yet
	done     bool // nothing more will be sent
	all      chan struct{}
}

// A sending is one request of ours, as the client and the gateway have it.
type sending struct {
	request int // of the plan
	back    bool
	void    bool // we gave it up: it tells nothing
	times   int  // it was seen
	early   *trace.Exchange
}

// requested is what became of a request's sendings.
type requested struct {
	sendings []*sending
	back     int // with an answer, or without one
	client   clientSide
	gateway  gatewaySide
}

// NewCollector returns a Collector of nothing yet.
func NewCollector(p *Plan) *Collector {
	c := &Collector{plan: p, of: map[trace.TraceID]*sending{}, lost: map[string]uint64{}, all: make(chan struct{})}
	for i := range p.Requests {
		e := &p.Requests[i].Expect
		needs := needsOf(e.Holds)
		c.requests = append(c.requests, requested{client: newClientSide(e, needs), gateway: gatewaySide{measured: measured{needs: needs}}})
	}
	for i := range p.Observe {
		c.observed = append(c.observed, measured{needs: needsOf(p.Observe[i].Holds)})
	}
	return c
}

// Sending tells that a request of the plan is about to be sent.
func (c *Collector) Sending(request int, id trace.TraceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &sending{request: request}
	c.of[id] = s
	c.requests[request].sendings = append(c.requests[request].sendings, s)
	c.due++
}

// Sent tells what came of it, as the client has it.
func (c *Collector) Sent(id trace.TraceID, a *Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.of[id]
	s.back, s.void = true, a.Void
	early := s.early
	s.early = nil
	if s.void {
		return
	}
	r, q := &c.requests[s.request], &c.plan.Requests[s.request]
	r.back++
	r.client.add(&q.Expect, c.plan.hidden, a)
	if early != nil {
		r.gateway.add(&q.Expect, early)
	}
}

// Done tells that nothing more is sent.
func (c *Collector) Done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	c.settle()
}

// AllSeen is closed once nothing more is sent, and the gateway was seen to do all that was.
func (c *Collector) AllSeen() <-chan struct{} { return c.all }

func (c *Collector) settle() {
	if c.done && c.due == 0 {
		c.due = -1
		close(c.all)
	}
}

// Show takes what the gateway did with a request, ours or not.
func (c *Collector) Show(x *trace.Exchange) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen++
	if s := c.of[x.TraceID]; s != nil {
		c.ours(s, x)
	}
	for i := range c.plan.Observe {
		if c.plan.Observe[i].Filter.Keep(x) == "" {
			c.observed[i].add(x)
		}
	}
	return nil
}

// ours takes what the gateway did with a request of ours. What comes before the client is
// done with it waits: the client may have given it up.
func (c *Collector) ours(s *sending, x *trace.Exchange) {
	if s.times++; s.times > 1 {
		return
	}
	switch {
	case !s.back:
		s.early = x.Clone()
	case !s.void:
		c.requests[s.request].gateway.add(&c.plan.Requests[s.request].Expect, x)
	}
	c.due--
	c.settle()
}

// Summary tells what was lost.
func (c *Collector) Summary(s trace.Summary) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = maps.Clone(s.Lost)
	return nil
}

// Close is for trace.Sink.
func (c *Collector) Close() error { return nil }

// losses is how many events the window could not keep.
func (c *Collector) losses() (n uint64) {
	for _, one := range c.lost {
		n += one
	}
	return n
}
