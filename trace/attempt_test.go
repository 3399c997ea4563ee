package trace_test

import (
	"syscall"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

var orders = lines("GET /orders HTTP/1.1", "Host: shop.example")

// asks has c ask for /orders, which nginx proxies.
func (s *story) asks(us int) *socket {
	s.t.Helper()
	c := s.accepts(aClient)
	s.tick(us)
	c.reads(orders)
	s.at(us + 100)
	s.by(c, trace.OwnerUpstream)
	return c
}

// rescued has another node answer c.
func (s *story) rescued(c *socket, us int, attempts ...trace.UpstreamState) {
	s.t.Helper()
	s.at(us)
	s.by(c, trace.OwnerUpstream)
	n := s.pooled(node2, time.Second)
	n.writes(orders)
	s.tick(us + 400)
	n.reads(ok)
	s.answered(c, 200, attempts...)
}

// answered has nginx answer c, whatever the attempts brought.
func (s *story) answered(c *socket, status int, attempts ...trace.UpstreamState) {
	s.t.Helper()
	c.writes(ok)
	s.ends(c, get("/orders", status, attempts...))
	s.sweep()
}

func attemptTales() []tale {
	second := state(node2, 200, 0, 0, 0)
	return []tale{
		{"fresh connection", true, "GET /orders 200 upstream", func(s *story) {
			c := s.asks(0)
			n := s.connects(node1)
			s.at(400)
			n.established()
			s.tick(450)
			n.writes(orders)
			up := n.served("orders", 991)
			up.got = 0
			s.at(460)
			up.reads(orders)
			s.at(880)
			up.writes(ok)
			s.tick(900)
			n.reads(ok)
			s.answered(c, 200, state(node1, 200, 0, 1, 1))
		}},
		{"refused then rescued", true, "GET /orders 200 upstream", func(s *story) {
			c := s.asks(0)
			n := s.connects(node1)
			s.at(200)
			n.fails(syscall.ECONNREFUSED)
			n.closes()
			s.rescued(c, 210, state(node1, 502, -1, -1, 0), second)
		}},
		{"unreachable at once", true, "GET /orders 502 nginx [unreachable]", func(s *story) {
			c := s.asks(0)
			n := s.connects(node1)
			n.connectErrno, n.conn.Remote = int(syscall.ENETUNREACH), addr("")
			n.closes()
			s.answered(c, 502, state(node1, 502, -1, -1, 0))
		}},
		{"reset on a new connection", true, "GET /orders 200 upstream", func(s *story) {
			c := s.asks(0)
			n := s.connects(node1)
			s.at(150)
			n.established()
			n.writes(orders)
			s.tick(700)
			n.fails(syscall.ECONNRESET)
			n.closes()
			s.rescued(c, 710, state(node1, 502, 0, -1, 1), second)
		}},
		{"closed on a new connection", true, "GET /orders 502 nginx [connection_closed]", func(s *story) {
			c := s.asks(0)
			n := s.connects(node1)
			s.at(150)
			n.established()
			n.writes(orders)
			s.at(650)
			n.peerCloses()
			s.tick(700)
			n.closes()
			s.answered(c, 502, state(node1, 502, 0, -1, 1))
		}},
		{"closed on a reused connection", true, "GET /orders 502 nginx [connection_closed]", func(s *story) {
			n := s.pooled(node1, 75*time.Second)
			first := s.accepts("10.0.0.9:40000")
			s.served(first, n, 0, "/1")
			s.served(first, n, 1000, "/2")
			s.sweep()
			s.shown = nil
			c := s.asks(2000)
			s.at(2200)
			n.writes(orders)
			s.at(2250)
			n.peerCloses()
			s.tick(2300)
			n.closes()
			s.answered(c, 502, state(node1, 502, 0, -1, 0))
		}},
		{"closed on a connection older than the window", true, "GET /orders 502 nginx [connection_closed]", func(s *story) {
			n := s.pooled(node1, 0)
			c := s.asks(0)
			n.writes(orders)
			s.at(300)
			n.peerCloses()
			n.closes()
			s.answered(c, 502, state(node1, 502, 0, -1, 0))
		}},
		{"connect timeout", true, "GET /orders 504 nginx [connect_timeout]", func(s *story) {
			c := s.asks(0)
			n := s.connects(node1)
			s.tick(6_000_100)
			n.closes()
			s.answered(c, 504, state(node1, 504, -1, -1, 6000))
		}},
		{"read timeout then rescued", true, "GET /orders 200 upstream", func(s *story) {
			n := s.pooled(node1, time.Second)
			c := s.asks(0)
			n.writes(orders)
			s.tick(3_000_100)
			n.closes()
			s.rescued(c, 3_000_110, state(node1, 504, 0, -1, 3000), second)
		}},
		{"read timeout", true, "GET /orders 504 nginx [timeout]", func(s *story) {
			n := s.pooled(node1, time.Second)
			up := n.served("", 991)
			c := s.asks(0)
			n.writes(orders)
			up.reads(orders)
			s.tick(3_000_100)
			n.closes()
			s.at(3_000_200)
			up.closes()
			s.answered(c, 504, state(node1, 504, 0, -1, 3000))
		}},
		{"all nodes fail", true, "GET /orders 502 nginx [connection_refused]", func(s *story) {
			c := s.asks(0)
			for us := 100; us < 400; us += 100 {
				s.at(us)
				s.by(c, trace.OwnerUpstream)
				n := s.connects(node1)
				s.at(us + 50)
				n.fails(syscall.ECONNREFUSED)
				n.closes()
			}
			failed := state(node1, 502, -1, -1, 0)
			s.answered(c, 502, failed, failed, failed)
		}},
		{"upstream's own 500", true, "GET /orders 500 upstream [500]", func(s *story) {
			n := s.pooled(node1, time.Second)
			c := s.asks(0)
			n.writes(orders)
			s.tick(500)
			n.reads(lines("HTTP/1.1 500 Internal Server Error", "Content-Length: 0"))
			s.answered(c, 500, state(node1, 500, 0, 0, 0))
		}},
		{"UNIX socket upstream", true, "GET /orders 200 upstream", func(s *story) {
			c := s.asks(0)
			s.tick(9000)
			s.answered(c, 200, state("unix:/run/orders.sock", 200, 0, 8, 9))
		}},
		{"no live upstreams", true, "GET /orders 502 nginx [unreachable]", func(s *story) {
			c := s.asks(0)
			s.answered(c, 502, state("apisix_backend", 502, -1, -1, 0))
		}},
		{"more attempts than the record holds", true, "GET /orders 200 upstream", func(s *story) {
			c := s.asks(0)
			failed := state(node1, 502, -1, -1, 0)
			for us := 100; us < 800; us += 100 {
				s.at(us)
				s.by(c, trace.OwnerUpstream)
				n := s.connects(node1)
				s.at(us + 50)
				n.fails(syscall.ECONNREFUSED)
				n.closes()
			}
			s.rescued(c, 900, failed, failed, failed, failed, failed, failed)
		}},
		{"record and sockets disagree", true, "GET /orders 200 upstream", func(s *story) {
			n := s.pooled(node1, time.Second)
			c := s.asks(0)
			n.writes(orders)
			s.tick(500)
			n.reads(ok)
			s.answered(c, 200, state(node2, 200, 0, 0, 0))
		}},
	}
}
