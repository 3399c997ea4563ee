package trace_test

import (
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/trace"
)

// recorded is the events of so many proxied requests, as the kernel side tells them, and a
// sweep.
func recorded(b *testing.B, requests int) []trace.Event {
	s := newStory(b, true)
	s.probes = true
	c, n := s.accepts(aClient), s.pooled(node1, time.Second)
	up := n.served("orders", 991)
	for i := range requests {
		us := i * 1000
		s.tick(us)
		c.reads(orders)
		s.at(us + 100)
		s.by(c, trace.OwnerUpstream)
		n.writes(orders)
		s.at(us + 150)
		up.reads(orders)
		s.at(us + 350)
		up.writes(ok)
		s.tick(us + 400)
		n.reads(ok)
		s.at(us + 420)
		c.writes(ok)
		s.ends(c, get("/orders", 200, state(node1, 200, 0, 0, 0)))
	}
	s.sweep()
	return s.events
}

// BenchmarkAssembler is what the assembler costs for each proxied request: two messages of
// the worker and two of the upstream's process at most, the request, and a sweep for each
// hundred of them.
func BenchmarkAssembler(b *testing.B) {
	const requests = 100
	events := recorded(b, requests)
	shown := 0
	a := trace.NewAssembler(&cmd.Heads{}, func(*trace.Exchange) error { shown++; return nil })
	b.ReportAllocs()
	for i := 0; i < b.N; i += requests {
		for j := range events {
			if err := a.Add(events[j]); err != nil {
				b.Fatal(err)
			}
		}
	}
	if want := (b.N + requests - 1) / requests * requests; shown != want {
		b.Fatalf("%d are shown, not %d", shown, want)
	}
	b.ReportMetric(float64(len(events))/requests, "events/op")
}
