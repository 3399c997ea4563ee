package trace_test

import (
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// TestUpstreamEndOfTLS: for the gateway a handshake and a request are one exchange, for a
// node's process three, as Go's server answers the client's Finished with session tickets
// before it reads the request.
func TestUpstreamEndOfTLS(t *testing.T) {
	for _, probes := range []bool{true, false} {
		s := newStory(t, probes)
		c := s.asks(0)
		n := s.connects("10.0.0.4:443")
		up := n.served("orders", 991)
		up.got = 0
		s.at(300)
		n.established()
		s.tick(310)
		n.writes(clientHello)
		s.at(400)
		up.reads(clientHello)
		up.writes(serverHello)
		s.tick(700)
		n.reads(serverHello)
		n.writes(record) // Finished
		s.at(710)
		n.writes(record) // the request
		s.at(720)
		up.reads(record)
		up.writes(record) // tickets
		s.at(730)
		up.reads(record)
		s.tick(740)
		n.reads(record)
		s.at(50_000)
		up.writes(record)
		s.tick(50_100)
		n.reads(record)
		c.writes(ok)
		if probes {
			s.ends(c, get("/orders", 200, state("10.0.0.4:443", 200, 1, 50, 50)))
		}
		s.end()
		x := &s.shown[0]
		far := x.Spans[len(x.Spans)-1]
		if far.Role != trace.RoleUpstream || far.Start != s.began.Add(400*time.Microsecond) || far.Duration != 49_600*time.Microsecond {
			t.Errorf("probes %v: shown is\n%s", probes, dump(s.began, x))
		}
	}
}

// TestUpstreamEnds: the node's end of an exchange is told before the gateway's or after it,
// or by a tail alone, as long as it has not answered.
func TestUpstreamEnds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		end    func(s *story, c, n, up *socket)
		status int // of the node's span
		took   time.Duration
	}{
		{"answered", func(s *story, c, n, up *socket) {
			s.at(500)
			up.writes(ok)
			s.tick(600)
			n.reads(ok)
			s.answered(c, 200, state(node1, 200, 0, 0, 0))
		}, 200, 300 * time.Microsecond},
		{"silent until the gateway gives up", func(s *story, c, n, up *socket) {
			s.sweep()
			s.tick(3_000_100)
			n.closes()
			s.answered(c, 504, state(node1, 504, 0, -1, 3000))
		}, 0, 0},
		{"closes without an answer", func(s *story, c, n, up *socket) {
			s.at(500)
			up.closes()
			n.peerCloses()
			s.tick(600)
			n.closes()
			s.answered(c, 502, state(node1, 502, 0, -1, 1))
		}, 0, 300 * time.Microsecond},
	} {
		s := newStory(t, true)
		n := s.pooled(node1, time.Second)
		up := n.served("orders", 991)
		c := s.asks(0)
		n.writes(orders)
		s.at(200)
		up.reads(orders)
		tt.end(s, c, n, up)
		s.end()
		x := &s.shown[0]
		far := x.Spans[len(x.Spans)-1]
		if far.Role != trace.RoleUpstream || far.Status != tt.status || far.Duration != tt.took || far.Process != "orders" {
			t.Errorf("%s: shown is\n%s", tt.name, dump(s.began, x))
		}
	}
}
