package trace_test

import (
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

var (
	ok   = lines("HTTP/1.1 200 OK", "Content-Length: 5") + "hello"
	goOn = lines("HTTP/1.1 100 Continue")
)

// served is one plain request from us on: at +100 the node is asked, it answers at +500.
func (s *story) served(c, n *socket, us int, path string) {
	s.t.Helper()
	s.tick(us)
	c.reads(lines("GET "+path+" HTTP/1.1", "Host: shop.example"))
	s.at(us + 100)
	s.by(c, trace.OwnerUpstream)
	n.writes(lines("GET "+path+" HTTP/1.1", "Host: shop.example", "X-Real-IP: 10.0.0.9"))
	s.tick(us + 500)
	n.reads(ok)
	s.at(us + 520)
	c.writes(ok)
	s.at(us + 530)
	s.ends(c, get(path, 200, state(n.conn.Remote.String(), 200, 0, 0, 0)))
}

func requestTales() []tale {
	return []tale{
		{"keepalive", true, "GET /orders 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			up := n.served("orders", 991)
			s.tick(0)
			s.at(20)
			c.reads(lines("GET /orders?page=2 HTTP/1.1", "Host: shop.example"))
			s.at(100)
			s.by(c, trace.OwnerUpstream)
			n.writes(lines("GET /orders?page=2 HTTP/1.1", "Host: shop.example"))
			s.at(140)
			up.reads(lines("GET /orders?page=2 HTTP/1.1", "Host: shop.example"))
			s.at(460)
			up.writes(ok)
			s.tick(500)
			n.reads(ok)
			s.at(510)
			c.writes(ok)
			s.at(520)
			s.ends(c, get("/orders?page=2", 200, state(node1, 200, 0, 0, 1)))
			s.sweep()
		}},
		{"two on one connection", true, "GET /1 200 upstream; GET /2 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			s.served(c, n, 0, "/1")
			s.served(c, n, 2000, "/2")
			s.sweep()
		}},
		{"pipelined", true, "GET /1 200 upstream; GET /2 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			s.served(c, n, 0, "/1")
			s.at(540) // it was read together with the first
			s.by(c, trace.OwnerUpstream)
			n.writes(lines("GET /2 HTTP/1.1", "Host: shop.example"))
			s.tick(900)
			n.reads(ok)
			c.writes(ok)
			s.ends(c, get("/2", 200, state(node1, 200, 0, 0, 0)))
			s.sweep()
		}},
		{"not modified", true, "GET /img 304 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			c.reads(lines("GET /img HTTP/1.1", "Host: shop.example", "If-None-Match: x"))
			s.by(c, trace.OwnerUpstream)
			n.writes(lines("GET /img HTTP/1.1", "Host: shop.example"))
			s.tick(300)
			n.reads(ok)
			c.writes(lines("HTTP/1.1 304 Not Modified"))
			s.ends(c, get("/img", 304, state(node1, 200, 0, 0, 0)))
			s.sweep()
		}},
		{"UNIX listener", true, "GET /local 200 upstream", func(s *story) {
			n := s.pooled(node1, time.Second)
			s.at(1100)
			s.pending = &trace.Owner{How: trace.OwnerUpstream, Request: aRequest}
			n.writes(lines("GET /local HTTP/1.1", "Host: shop.example"))
			s.tick(1900)
			n.reads(ok)
			s.at(2000)
			r := get("/local", 200, state(node1, 200, 0, 1, 1))
			r.Started = s.began.Add(time.Millisecond)
			s.ends(nil, r)
			s.sweep()
		}},
		{"window begins in the middle", true, "GET /half 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, 0)
			s.tick(3000)
			n.reads(ok)
			s.at(3010)
			c.writes(ok)
			s.ends(c, get("/half", 200, state(node1, 200, 0, 3, 3)))
			s.sweep()
		}},
		{"traceparent and long line", true, "GET /" + strings.Repeat("a", 495) + " 200 apisix", func(s *story) {
			c := s.accepts(aClient)
			c.reads(lines("GET /aaa"))
			s.at(50)
			c.writes(ok)
			r := get("", 200)
			r.Line, r.LineLen = "GET /"+strings.Repeat("a", 495), 2000
			r.TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
			r.RequestID, r.HeaderValues = "b7c1", []string{"x"}
			s.ends(c, r)
			s.sweep()
		}},
		{"worker busy before it reads", true, "GET /queued 200 apisix", func(s *story) {
			c := s.accepts(aClient)
			s.tick(0)
			s.at(30000)
			c.reads(lines("GET /queued HTTP/1.1", "Host: shop.example"))
			s.at(30100)
			c.writes(ok)
			s.ends(c, get("/queued", 200))
			s.sweep()
		}},
	}
}
