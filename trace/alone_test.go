package trace_test

import (
	"strings"
	"syscall"
	"time"
)

// Sockets alone: the request object is not read, so events of the client's socket come,
// and what a worker does is somebody's by the event-loop tick alone.

const gatewayID = "b7c1f0d2-6c1e-4b0e-9d55-0d4f1c1a2b3c"

// relayed is a plain exchange by ticks: /path is asked at us and answered at us + 400.
func (s *story) relayed(c, n *socket, us int, path string, fields ...string) {
	s.t.Helper()
	s.tick(us)
	c.reads(lines("GET "+path+" HTTP/1.1", "Host: shop.example"))
	s.at(us + 100)
	n.writes(lines("GET "+path+" HTTP/1.1", append(fields, "Host: shop.example")...))
	s.tick(us + 400)
	n.reads(ok)
	s.at(us + 410)
	c.writes(lines("HTTP/1.1 200 OK", append(fields, "Content-Length: 5")...) + "hello")
}

func aloneTales() []tale {
	return []tale{
		{"by tick", false, "GET /1 200 upstream; GET /2 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			up := n.served("orders", 991)
			s.tick(0)
			c.reads(lines("GET /1?a=b HTTP/1.1", "Host: Shop.Example:9080", "X-Request-Id: mine",
				"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
			s.at(100)
			n.writes(lines("GET /1?a=b HTTP/1.1", "Host: shop.example"))
			up.reads(lines("GET /1?a=b HTTP/1.1", "Host: shop.example"))
			s.at(300)
			up.writes(ok)
			s.tick(400)
			n.reads(ok)
			s.at(410)
			c.writes(ok)
			s.sweep()
			s.relayed(c, n, 2000, "/2")
			s.sweep()
		}},
		{"answered by Lua", false, "GET / 401 apisix; GET /a 404 apisix", func(s *story) {
			c := s.accepts(aClient)
			c.reads(lines("GET / HTTP/1.1", "Host: shop.example"))
			c.writes(lines("HTTP/1.1 401 Unauthorized", "Server: APISIX/3.16.0", "Content-Length: 0"))
			s.sweep()
			s.at(500)
			c.reads(lines("GET /a HTTP/1.1", "Host: shop.example"))
			c.writes(lines("HTTP/1.1 404 Not Found", "Server: APISIX/3.16.0", "Content-Length: 0"))
			s.sweep()
		}},
		{"refused, closed, rescued", false, "GET /orders 200 upstream", func(s *story) {
			c := s.accepts(aClient)
			s.tick(0)
			c.reads(orders)
			s.at(100)
			n := s.connects(node1)
			s.at(200)
			n.fails(syscall.ECONNREFUSED)
			n.closes()
			second := s.pooled(node1, time.Second)
			s.at(210)
			second.writes(orders)
			s.at(300)
			second.peerCloses()
			s.tick(310)
			second.closes()
			third := s.pooled(node2, time.Second)
			third.writes(orders)
			s.tick(700)
			third.reads(ok)
			c.writes(ok)
			s.sweep()
		}},
		{"all nodes refuse", false, "GET /orders 502 nginx [connection_refused]", func(s *story) {
			c := s.accepts(aClient)
			s.tick(0)
			c.reads(orders)
			for us := 100; us < 300; us += 100 {
				s.at(us)
				n := s.connects(node1)
				s.at(us + 50)
				n.fails(syscall.ECONNREFUSED)
				n.closes()
			}
			c.writes(lines("HTTP/1.1 502 Bad Gateway", "Content-Length: 0"))
			s.sweep()
		}},
		{"calls and a mirror beside the attempt", false, "GET /orders 200 upstream", func(s *story) {
			c, redis, n := s.accepts(aClient), s.pooled(redisAddr, time.Second), s.pooled(node1, time.Second)
			mirror := s.pooled("10.0.0.7:80", time.Second)
			s.tick(0)
			c.reads(orders)
			redis.writes(incr)
			s.tick(200)
			redis.reads(":7\r\n")
			n.writes(orders)
			s.at(210)
			mirror.writes(orders)
			s.tick(600)
			n.reads(ok)
			c.writes(ok)
			s.tick(700)
			mirror.reads(ok)
			s.sweep()
		}},
		{"upstream's 500 and a plugin's", false, "GET /a 500 upstream [500]; GET /b 403 apisix", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			broken := lines("HTTP/1.1 500 Internal Server Error", "Content-Length: 0")
			for i, answer := range []string{broken, lines("HTTP/1.1 403 Forbidden", "Content-Length: 0")} {
				s.tick(i * 2000)
				c.reads(lines("GET /" + string(rune('a'+i)) + " HTTP/1.1"))
				n.writes(lines("GET /" + string(rune('a'+i)) + " HTTP/1.1"))
				s.tick(i*2000 + 400)
				n.reads(broken)
				c.writes(answer)
				s.sweep()
			}
		}},
		{"id corrects a wrong tick", false, "GET /b 200 upstream; GET /a 200 upstream", func(s *story) {
			// A timer begins b's attempt in a tick that has read for a.
			a, b := s.accepts(aClient), s.accepts("10.0.0.10:2")
			first, second := s.pooled(node1, time.Second), s.pooled(node2, time.Second)
			other := "00000000-0000-4000-8000-000000000000"
			s.tick(0)
			b.reads(lines("GET /b HTTP/1.1", "Host: shop.example"))
			s.tick(1000)
			a.reads(lines("GET /a HTTP/1.1", "Host: shop.example"))
			first.writes(lines("GET /a HTTP/1.1", "X-Request-Id: "+gatewayID))
			second.writes(lines("GET /b HTTP/1.1", "X-Request-Id: "+other))
			s.tick(1400)
			first.reads(ok)
			a.writes(lines("HTTP/1.1 200 OK", "Content-Length: 0", "X-Request-Id: "+gatewayID))
			s.tick(1500)
			second.reads(ok)
			b.writes(lines("HTTP/1.1 200 OK", "Content-Length: 0", "X-Request-Id: "+other))
			s.sweep()
		}},
		{"orphan by its line", false, "GET /slow 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			s.tick(0)
			c.reads(lines("GET /slow HTTP/1.1", "Host: shop.example"))
			s.tick(50_000) // ngx.sleep is over
			n.writes(lines("GET /slow HTTP/1.1", "Host: shop.example"))
			s.tick(50_400)
			n.reads(ok)
			c.writes(ok)
			s.sweep()
		}},
		{"connection is quiet until the client closes", false, "", func(s *story) {
			c := s.accepts(aClient)
			c.closes()
			s.sweep()
		}},
		{"client closes in the middle", false, "GET /orders 0 nginx [client_closed]", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			s.tick(0)
			c.reads(orders)
			n.writes(orders)
			s.at(700)
			c.peerCloses()
			s.tick(710)
			n.closes()
			c.closes()
			s.sweep()
		}},
		{"worker is killed", false, "GET /orders 0 nginx [gateway_crashed]", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			s.tick(0)
			c.reads(orders)
			n.writes(orders)
			s.at(900)
			s.exits(s.worker, 11)
			s.sweep()
		}},
		{"no request", false, "  400 nginx", func(s *story) {
			c := s.accepts(aClient)
			c.reads("\x03\x00\x00\x13\x0e\xe0\x00\r\n\r\n")
			c.writes(lines("HTTP/1.1 400 Bad Request", "Content-Length: 0"))
			s.sweep()
		}},
		{"beginning in the middle", false, "GET /2 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, 0)
			s.tick(0)
			n.reads(ok)
			c.writes(ok)
			s.sweep()
			s.relayed(c, n, 1000, "/2")
			s.sweep()
		}},
		{"long head is cut", false, "GET /cut 200 upstream", func(s *story) {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			long := lines("GET /cut HTTP/1.1", "Host: shop.example", "Cookie: "+strings.Repeat("c", 2000))
			s.tick(0)
			c.reads(long)
			n.writes(long)
			s.tick(400)
			n.reads(ok)
			c.writes(ok)
			s.sweep()
		}},
	}
}
