package trace_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// size is how much an assembler's maps and lists hold in all.
func size(a *trace.Assembler) (n int) {
	v := reflect.ValueOf(a).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		if k := f.Kind(); k == reflect.Map || k == reflect.Slice {
			n += f.Len()
		}
	}
	return n
}

// TestNothingGrows over many requests of the same connections.
func TestNothingGrows(t *testing.T) {
	requests := 100_000
	if testing.Short() {
		requests = 10_000
	}
	for _, probes := range []bool{true, false} {
		s := newStory(t, probes)
		c, n := s.accepts(aClient), s.pooled(node1, time.Second)
		n.served("orders", 991)
		after := 0
		for i := range requests {
			if probes {
				s.served(c, n, i*1000, "/orders")
			} else {
				s.relayed(c, n, i*1000, "/orders")
			}
			if i%100 == 0 {
				s.sweep()
				s.shown, s.events = s.shown[:0], s.events[:0]
			}
			switch now := size(s.a); {
			case i == 1000:
				after = now + 210 // what waits for a sweep
			case i > 1000 && now > after:
				t.Fatalf("probes %v: after %d requests it holds %d, not %d", probes, i, now, after)
			}
		}
		s.end()
	}
}

// TestCallsOfStreamsAreLetGo: of an HTTP/2 connection's calls that only the event-loop tick
// ties to it, nobody knows for which stream they were.
func TestCallsOfStreamsAreLetGo(t *testing.T) {
	s := newStory(t, true)
	c, redis := s.secure(0), s.pooled(redisAddr, time.Second)
	for i := range 100 {
		s.tick(20_000 + i*1000)
		c.reads(record)
		redis.writes(incr)
		s.tick(20_500 + i*1000)
		redis.reads(":7\r\n")
		c.writes(record)
		r := get("/", 200)
		r.Stream, r.TLS, r.Version = true, true, 2000
		c.stream = uint32(i + 1)
		s.ends(c, r)
		s.sweep()
	}
	s.end() // proves that nothing is kept
}

// TestRequestsWithoutEndAreLetGo: under overload the ends of requests are lost, and of a
// client's socket nothing else tells.
func TestRequestsWithoutEndAreLetGo(t *testing.T) {
	s := newStory(t, true)
	for i := range 1000 {
		c, n := s.accepts(aClient), s.pooled(node1, time.Second)
		s.tick(i * 1000)
		c.reads(orders)
		s.by(c, trace.OwnerUpstream)
		n.writes(orders)
		n.reads(ok)
		n.closes()
	}
	s.end()
}

// TestRequestsAreLetGoWithTheirWorker, if their ends were not told.
func TestRequestsAreLetGoWithTheirWorker(t *testing.T) {
	s := newStory(t, true)
	for i := range 100 {
		c, n := s.accepts(aClient), s.pooled(node1, time.Second)
		s.tick(i * 1000)
		c.reads(orders)
		s.by(c, trace.OwnerUpstream)
		n.writes(orders)
		n.reads(ok)
	}
	s.exits(s.worker, 9)
	s.end()
}

// TestTooManySockets are counted.
func TestTooManySockets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	a := trace.NewAssembler(netHeads{}, func(*trace.Exchange) error { return nil })
	const tooMany = 1<<17 + 10
	for i := range tooMany {
		err := a.Add(trace.Event{Kind: trace.KindMessage, Message: &trace.Message{
			Conn:     trace.Conn{Socket: trace.SocketID(i + 1), Side: trace.SideConnected, Gateway: true},
			Exchange: 1, Starts: true, Direction: trace.Out, Flow: trace.Flow{Calls: 1, Seq: uint32(i)},
			Owner: trace.Owner{How: trace.OwnerUpstream, Request: uint64(i + 1)},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if lost := a.Lost()["assembler_sockets_full"]; lost != 10 {
		t.Errorf("lost are %v", a.Lost())
	}
}

// TestQuietTunnelIsKept: a WebSocket may be silent for long, and its request ends yet.
func TestQuietTunnelIsKept(t *testing.T) {
	s := newStory(t, true)
	n, c := s.pooled(node1, time.Second), s.asks(0)
	n.writes(orders)
	s.tick(300)
	n.reads(lines("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket"))
	c.writes(lines("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket"))
	for us := 60_000_000; us <= 600_000_000; us += 60_000_000 {
		s.tick(us)
		s.sweep()
	}
	c.peerCloses()
	n.closes()
	s.ends(c, get("/orders", 101, state(node1, 101, 0, 0, 600_000)))
	s.end()
	if x := &s.shown[0]; len(x.Attempts) != 1 || x.Attempts[0].Start.IsZero() {
		t.Errorf("shown is\n%s", dump(s.began, x))
	}
}
