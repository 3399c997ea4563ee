package trace_test

import (
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// Bodies and tunnels: what takes many calls, and turns.
func bodyTales() []tale {
	return []tale{
		{"upload in parts", true, "POST /up 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			head := lines("POST /up HTTP/1.1", "Host: shop.example", "Content-Length: 200000")
			c.reads(head)
			for us := range 20 {
				s.tick(us * 1000)
				c.move(trace.In, "", 10000)
			}
			s.at(19100)
			s.by(c, trace.OwnerUpstream)
			n.move(trace.Out, head, 16384)
			s.at(19400)
			n.move(trace.Out, "", 183616)
			s.tick(20000)
			n.reads(ok)
			c.writes(ok)
			r := get("", 200, state(node1, 200, 0, 1, 1))
			r.Line = "POST /up HTTP/1.1"
			s.ends(c, r)
			s.sweep()
		}},
		{"early answer to an upload", true, "POST /up 413 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			head := lines("POST /up HTTP/1.1", "Host: shop.example", "Content-Length: 200000")
			c.reads(head)
			s.at(100) // proxy_request_buffering off
			s.by(c, trace.OwnerUpstream)
			n.writes(head)
			s.tick(1000)
			c.move(trace.In, "", 10000)
			n.move(trace.Out, "", 10000)
			s.tick(2000)
			n.reads(lines("HTTP/1.1 413 Payload Too Large", "Content-Length: 0"))
			c.writes(lines("HTTP/1.1 413 Payload Too Large", "Content-Length: 0"))
			s.tick(3000)
			c.move(trace.In, "", 10000) // lingering close
			r := get("", 413, state(node1, 413, 0, 2, 2))
			r.Line = "POST /up HTTP/1.1"
			s.ends(c, r)
			s.sweep()
		}},
		{"100 continue", true, "PUT /up 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			c.reads(lines("PUT /up HTTP/1.1", "Host: shop.example", "Expect: 100-continue", "Content-Length: 5"))
			s.at(50)
			c.writes(goOn)
			s.tick(900)
			c.reads("12345")
			s.at(1000)
			s.by(c, trace.OwnerUpstream)
			n.writes(lines("PUT /up HTTP/1.1", "Host: shop.example", "Content-Length: 5") + "12345")
			s.tick(1500)
			n.reads(ok)
			s.at(1600)
			c.writes(ok)
			r := get("", 200, state(node1, 200, 0, 1, 1))
			r.Line = "PUT /up HTTP/1.1"
			s.ends(c, r)
			s.sweep()
		}},
		{"websocket", true, "GET /ws 101 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			upgrade := lines("GET /ws HTTP/1.1", "Host: shop.example", "Upgrade: websocket", "Connection: upgrade")
			switching := lines("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket")
			c.reads(upgrade)
			s.at(100)
			s.by(c, trace.OwnerUpstream)
			n.writes(upgrade)
			s.tick(600)
			n.reads(switching)
			s.at(620)
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
			s.tick(6000)
			c.peerCloses()
			n.closes()
			s.ends(c, get("/ws", 101, state(node1, 101, 0, 1, 6)))
			s.sweep()
		}},
		{"streamed response", true, "GET /stream 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			head := lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
			c.reads(lines("GET /stream HTTP/1.1", "Host: shop.example"))
			s.at(100)
			s.by(c, trace.OwnerUpstream)
			n.writes(lines("GET /stream HTTP/1.1", "Host: shop.example"))
			s.tick(300)
			n.reads(head)
			s.at(310)
			c.writes(head)
			for us := 1000; us <= 9000; us += 1000 {
				s.tick(us)
				n.reads("5\r\nhello\r\n")
				s.at(us + 5)
				c.writes("5\r\nhello\r\n")
			}
			s.ends(c, get("/stream", 200, state(node1, 200, 0, 0, 9)))
			s.sweep()
		}},
		{"slow client", true, "GET /big 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			c.reads(lines("GET /big HTTP/1.1", "Host: shop.example"))
			s.at(100)
			s.by(c, trace.OwnerUpstream)
			n.writes(lines("GET /big HTTP/1.1", "Host: shop.example"))
			s.tick(300)
			n.move(trace.In, lines("HTTP/1.1 200 OK", "Content-Length: 900000"), 900000)
			s.at(310)
			c.move(trace.Out, lines("HTTP/1.1 200 OK", "Content-Length: 900000"), 400000)
			s.tick(90310)
			c.move(trace.Out, "", 500000)
			s.ends(c, get("/big", 200, state(node1, 200, 0, 0, 0)))
			s.sweep()
		}},
	}
}
