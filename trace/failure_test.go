package trace_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// TestFailures ends the one attempt of a request in every way.
func TestFailures(t *testing.T) {
	asked := func(n *socket) { n.s.at(150); n.established(); n.writes(orders); n.s.at(900) }
	for _, tt := range []struct {
		name   string
		reused bool
		end    func(n *socket)
		kind   string
		reason string
	}{
		{"refused", false, func(n *socket) { n.s.at(250); n.fails(syscall.ECONNREFUSED) },
			trace.ErrRefused, "the node refused the connection (ECONNREFUSED after 150µs)"},
		{"reset", false, func(n *socket) { asked(n); n.fails(syscall.ECONNRESET) },
			trace.ErrReset, "the node reset the connection (ECONNRESET after 800µs), on a new connection"},
		{"broken pipe", true, func(n *socket) { n.writes(orders); n.s.at(700); n.fails(syscall.EPIPE) },
			trace.ErrReset, "the node reset the connection (EPIPE after 600µs), on a reused connection, 1s old, at its 2nd request"},
		{"kernel's timeout", false, func(n *socket) { n.s.at(127_000_100); n.fails(syscall.ETIMEDOUT) },
			trace.ErrConnect, "the node did not answer (ETIMEDOUT after 2m7s)"},
		{"no host", false, func(n *socket) { n.s.at(3_000_100); n.fails(syscall.EHOSTUNREACH) },
			trace.ErrUnreachable, "the node cannot be reached (EHOSTUNREACH)"},
		{"no port left", false, func(n *socket) { n.connectErrno = int(syscall.EADDRNOTAVAIL) },
			trace.ErrUnreachable, "the node cannot be reached (EADDRNOTAVAIL)"},
		{"other errno", false, func(n *socket) { n.connectErrno = int(syscall.EACCES) },
			trace.ErrOther, "the connection failed: permission denied (errno 13), on a new connection"},
		{"connect timeout", false, func(n *socket) { n.s.at(60_100) },
			trace.ErrConnect, "no answer to connect within 60ms: the gateway gave up (timeout.connect)"},
		{"closed", false, func(n *socket) { asked(n); n.peerCloses() },
			trace.ErrClosed, "the node closed the connection without an answer, 750µs after the request, on a new connection"},
		{"timeout", false, func(n *socket) { asked(n) },
			trace.ErrTimeout, "no response within 750µs: the gateway gave up (timeout.read), on a new connection"},
		{"nothing sent", false, func(n *socket) { n.s.at(150); n.established(); n.s.at(900) },
			trace.ErrOther, "the gateway closed the connection before it sent the request, on a new connection"},
		{"half a head", true, func(n *socket) { n.writes(orders); n.s.at(300); n.reads("HTTP/1.1 2"); n.s.at(900) },
			trace.ErrTimeout, "the response stopped after 10 bytes: the gateway gave up after 800µs (timeout.read)"},
		{"TLS", false, func(n *socket) {
			n.s.at(150)
			n.established()
			n.writes(clientHello)
			n.s.at(400)
			n.reads("\x15\x03\x03\x00\x02")
			n.peerCloses()
		},
			trace.ErrTLS, "the node closed the connection during the TLS handshake"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory(t, true)
			var n *socket
			if tt.reused {
				n = s.pooled(node1, time.Second)
			}
			c := s.asks(0)
			if !tt.reused {
				n = s.connects(node1)
			}
			tt.end(n)
			n.closes()
			s.answered(c, 502, state(node1, 502, -1, -1, 1))
			s.end()
			x := s.shown[0]
			if a := x.Attempts[0]; a.ErrType != tt.kind || a.Reason != tt.reason {
				t.Errorf("%s: %s\nwant %s: %s", a.ErrType, a.Reason, tt.kind, tt.reason)
			}
			if x.ErrType != tt.kind || x.Reason != node1+": "+tt.reason || x.Source != trace.FromNginx {
				t.Errorf("the exchange is %s, because %s", gist(&x), x.Reason)
			}
		})
	}
}

// TestFailureNamesTheRequestOfItsConnection counts the requests of one connection.
func TestFailureNamesTheRequestOfItsConnection(t *testing.T) {
	for n, want := range map[int]string{2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 101: "101st", 112: "112th"} {
		s := newStory(t, true)
		node, c := s.pooled(node1, time.Second), s.accepts(aClient)
		for i := range n - 2 {
			s.served(c, node, i*1000, "/")
		}
		s.at(n * 1000)
		c.reads(orders)
		s.by(c, trace.OwnerUpstream)
		node.writes(orders)
		node.peerCloses()
		node.closes()
		s.answered(c, 502, state(node1, 502, 0, -1, 0))
		if why := s.shown[len(s.shown)-1].Reason; !strings.HasSuffix(why, "at its "+want+" request") {
			t.Errorf("%d: %s", n, why)
		}
	}
}

// TestGoneClientIsNoTimeout: the gateway gave up on the node because the client had.
func TestGoneClientIsNoTimeout(t *testing.T) {
	for _, probes := range []bool{true, false} {
		s := newStory(t, probes)
		n, c := s.pooled(node1, time.Second), s.asks(0)
		n.writes(orders)
		s.at(700)
		c.peerCloses()
		s.tick(710)
		n.closes()
		if probes {
			s.ends(c, get("/orders", 499, state(node1, 0, 0, -1, 1)))
		}
		c.closes()
		s.end()
		if a := s.shown[0].Attempts[0]; a.ErrType == trace.ErrTimeout {
			t.Errorf("probes %v: the attempt's error is %s: %s", probes, a.ErrType, a.Reason)
		}
	}
}

// TestCrashIsNoTimeout: nor did the gateway give up that died.
func TestCrashIsNoTimeout(t *testing.T) {
	for _, probes := range []bool{true, false} {
		s := newStory(t, probes)
		n := s.pooled(node1, time.Second)
		s.asks(0)
		n.writes(orders)
		s.at(700)
		s.exits(s.worker, 11)
		s.end()
		x := &s.shown[0]
		if x.Reason != "worker 4131 ended while the request was under way (signal 11)" || len(x.Attempts) != 1 || x.Attempts[0].ErrType == trace.ErrTimeout {
			t.Errorf("probes %v: shown is\n%s", probes, dump(s.began, x))
		}
	}
}

// TestGoodbyeIsNoRequest: the close_notify that nginx sends after a TLS node's answer is no
// part of the handshake, nor does it make a failure of it.
func TestGoodbyeIsNoRequest(t *testing.T) {
	for _, probes := range []bool{true, false} {
		s := newStory(t, probes)
		c := s.asks(0)
		n := s.connects("10.0.0.4:443")
		s.at(300)
		n.established()
		s.tick(310)
		n.writes(clientHello)
		s.tick(700)
		n.reads(serverHello)
		s.at(900)
		n.writes(record) // Finished, and the request
		s.tick(5900)
		n.reads(record)
		s.at(5950)
		n.writes(closeNotify)
		n.closes()
		c.writes(ok)
		if probes {
			s.ends(c, get("/orders", 200, state("10.0.0.4:443", 200, 1, 6, 6)))
		}
		s.end()
		a := s.shown[0].Attempts[0]
		if a.TLS != 590*time.Microsecond || a.Wait != 5*time.Millisecond || a.ErrType != "" {
			t.Errorf("probes %v: shown is\n%s", probes, dump(s.began, &s.shown[0]))
		}
	}
}

// TestSealedAnswerIsNoFailure: what a node answers over TLS cannot be read, but it came.
func TestSealedAnswerIsNoFailure(t *testing.T) {
	s := newStory(t, false)
	c, n := s.accepts(aClient), s.pooled("10.0.0.4:443", time.Second)
	s.tick(0)
	c.reads(orders)
	n.writes(record)
	s.tick(400)
	n.reads(record)
	c.writes(ok)
	n.closes()
	s.end()
	if a := s.shown[0].Attempts[0]; a.ErrType != "" {
		t.Errorf("%s, but its attempt's error is %s: %s", gist(&s.shown[0]), a.ErrType, a.Reason)
	}
}
