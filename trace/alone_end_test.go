package trace_test

import (
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// How a request ends that no request object ends, and what only looks like several.
func aloneEndTales() []tale {
	chunked := lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
	stream := func(s *story) (c, n *socket) {
		c, n = s.accepts(aClient), s.pooled(node1, time.Second)
		s.tick(0)
		c.reads(orders)
		n.writes(orders)
		s.tick(400)
		n.reads(chunked)
		c.writes(chunked)
		s.tick(2000)
		n.reads("5\r\nhello\r\n0\r\n\r\n")
		c.writes("5\r\nhello\r\n0\r\n\r\n")
		s.sweep()
		return c, n
	}
	return []tale{
		{"chunked ends by quiet", false, "GET /orders 200 upstream", func(s *story) {
			stream(s)
			s.at(200_000)
			s.sweep()
			if len(s.shown) != 0 {
				s.t.Error("it is shown too early")
			}
			s.at(400_000)
			s.sweep()
			if len(s.shown) != 1 {
				s.t.Error("it is not shown after a quiet time")
			}
		}},
		{"chunked ends by the next request", false, "GET /orders 200 upstream; GET /2 200 upstream", func(s *story) {
			c, n := stream(s)
			s.relayed(c, n, 100_000, "/2")
			s.sweep()
		}},
		{"chunked ends by close", false, "GET /orders 200 upstream", func(s *story) {
			c, _ := stream(s)
			c.closes()
			s.sweep()
		}},
		{"chunked ends by the window's end", false, "GET /orders 200 upstream", func(s *story) {
			stream(s)
			if err := s.a.Flush(); err != nil || len(s.shown) != 1 {
				s.t.Errorf("Flush shows %d (%v)", len(s.shown), err)
			}
		}},
		{"HEAD has no body", false, "HEAD /orders 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			s.tick(0)
			c.reads(lines("HEAD /orders HTTP/1.1"))
			n.writes(lines("HEAD /orders HTTP/1.1"))
			s.tick(400)
			n.reads(lines("HTTP/1.1 200 OK", "Content-Length: 500"))
			c.writes(lines("HTTP/1.1 200 OK", "Content-Length: 500"))
			s.sweep()
			if len(s.shown) != 1 {
				s.t.Error("it is not shown at once")
			}
		}},
		{"large response", false, "GET /orders 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			head := lines("HTTP/1.1 200 OK", "Content-Length: 100000")
			s.tick(0)
			c.reads(orders)
			n.writes(orders)
			for us := 400; us <= 2000; us += 400 {
				s.tick(us)
				n.move(trace.In, head, 20000)
				c.move(trace.Out, head, 20000)
				s.sweep()
			}
			s.at(2100)
			c.move(trace.Out, "", len(head))
			s.sweep()
		}},
		{"100 continue", false, "PUT /up 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			head := lines("PUT /up HTTP/1.1", "Expect: 100-continue", "Content-Length: 5")
			s.tick(0)
			c.reads(head)
			c.writes(goOn)
			s.sweep()
			s.tick(900)
			c.reads("12345")
			n.writes(head + "12345")
			s.tick(1300)
			n.reads(ok)
			c.writes(ok)
			s.sweep()
		}},
		{"websocket", false, "GET /ws 101 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			upgrade := lines("GET /ws HTTP/1.1", "Upgrade: websocket")
			switching := lines("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket")
			s.tick(0)
			c.reads(upgrade)
			n.writes(upgrade)
			s.tick(400)
			n.reads(switching)
			c.writes(switching)
			for us := 1000; us < 5000; us += 1000 {
				s.tick(us)
				c.reads("ping")
				n.writes("ping")
				s.tick(us + 300)
				n.reads("pong")
				c.writes("pong")
				s.sweep()
			}
			s.at(6000)
			c.closes()
			n.closes()
			s.sweep()
		}},
		{"TLS client", false, "GET /orders 200 upstream; GET /orders 200 upstream", func(s *story) {
			n := s.pooled(node1, time.Second)
			c := s.secure(0)
			for us := 20_000; us < 60_000; us += 20_000 {
				s.tick(us)
				c.reads(record)
				n.writes(orders)
				s.tick(us + 400)
				n.reads(ok)
				c.writes(record)
				s.sweep()
			}
			s.at(500_000)
			s.sweep()
		}},
		{"TLS client gives up", false, "GET /orders 0 nginx [client_closed]", func(s *story) {
			n, c := s.pooled(node1, time.Second), s.secure(0)
			s.tick(20_000)
			c.reads(record)
			c.request = aRequest
			s.by(c, trace.OwnerPeer)
			n.writes(orders)
			s.at(90_000)
			c.peerCloses()
			s.tick(90_010)
			n.closes()
			c.closes()
			s.sweep()
		}},
		{"HTTP2 client, told apart by Lua", false, "GET /a 200 upstream; GET /b 200 upstream", func(s *story) {
			c := s.accepts(aClient)
			s.tick(0)
			c.reads("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
			ask := func(path, remote string, stream uint32) *socket {
				c.request, c.stream = uint64(stream)<<32, stream
				s.by(c, trace.OwnerPeer)
				n := s.pooled(remote, time.Second)
				n.writes(lines("GET " + path + " HTTP/1.1"))
				return n
			}
			a := ask("/a", node1, 1)
			s.at(100)
			b := ask("/b", node2, 2)
			s.tick(500)
			b.reads(ok)
			c.writes("frames")
			s.at(400_000)
			s.sweep()
			s.tick(600_000)
			a.reads(ok)
			c.writes("frames")
			s.at(990_000)
			s.sweep()
		}},
		{"TLS node and TLS alert", false, "GET /orders 200 upstream", func(s *story) {
			c := s.accepts(aClient)
			s.tick(0)
			c.reads(orders)
			n := s.connects("10.0.0.4:443")
			s.at(100)
			n.established()
			s.tick(110)
			n.writes(clientHello)
			s.tick(300)
			n.reads(serverHello)
			n.writes(record)
			s.tick(900)
			n.reads(record)
			c.writes(ok)
			n.writes(closeNotify)
			n.closes()
			s.sweep()
		}},
	}
}
