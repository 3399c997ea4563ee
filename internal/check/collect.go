package check

import (
	"sync"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// Collector is a trace.Sink that sorts a window's requests by the checks that they are for.
// Its methods may be called by several goroutines.
type Collector struct {
	plan *Plan

	mu      sync.Mutex
	of      map[trace.TraceID]int // whose request it is, for those under way or sent
	seen    map[trace.TraceID]*trace.Exchange
	twice   map[trace.TraceID]int
	sent    [][]Sent // by request
	watched []measured
	total   uint64
	summary *trace.Summary
	wait    chan struct{} // closed when all that were sent are seen
	due     int           // sent, and not seen yet
	done    bool          // nothing more will be sent
}

// NewCollector returns a Collector of nothing yet.
func NewCollector(p *Plan) *Collector {
	return &Collector{
		plan: p, of: map[trace.TraceID]int{}, seen: map[trace.TraceID]*trace.Exchange{}, twice: map[trace.TraceID]int{},
		sent: make([][]Sent, len(p.Requests)), watched: make([]measured, len(p.Observe)), wait: make(chan struct{}),
	}
}

// Sending tells that a request is about to be sent.
func (c *Collector) Sending(request int, id trace.TraceID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[id] = request
	c.due++
}

// Sent tells what became of it.
func (c *Collector) Sent(request int, s Sent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent[request] = append(c.sent[request], s)
}

// Done tells that nothing more is sent.
func (c *Collector) Done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	c.check()
}

// AllSeen is closed once the gateway was seen to do all that was sent.
func (c *Collector) AllSeen() <-chan struct{} { return c.wait }

func (c *Collector) check() {
	if c.done && c.due <= 0 && c.wait != nil {
		select {
		case <-c.wait:
		default:
			close(c.wait)
		}
	}
}

// Show keeps a request that we sent, and counts one that is observed.
func (c *Collector) Show(x *trace.Exchange) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total++
	if _, ours := c.of[x.TraceID]; ours {
		if c.seen[x.TraceID] != nil {
			c.twice[x.TraceID]++
			return nil
		}
		c.seen[x.TraceID] = x.Clone()
		c.due--
		c.check()
	}
	for i := range c.plan.Observe {
		if c.plan.Observe[i].Filter.Keep(x) == "" {
			c.watched[i].add(x)
		}
	}
	return nil
}

// Summary tells what was lost.
func (c *Collector) Summary(s trace.Summary) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.summary = &s
	return nil
}

// Close is for trace.Sink.
func (c *Collector) Close() error { return nil }

// lost is how much the window could not keep; what a Collector that was told no summary has
// seen of that is nothing.
func (c *Collector) lost() (n uint64) {
	if c.summary != nil {
		for _, one := range c.summary.Lost {
			n += one
		}
	}
	return n
}

// Grace is how long after the last response the gateway's side of it may come.
const Grace = 3 * time.Second
