package trace_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

func TestWhoAnswered(t *testing.T) {
	fine := state(node1, 200, 0, 0, 0)
	for _, tt := range []struct {
		request trace.Request
		gist    string
		why     string // the reason contains it; "" for none at all
	}{
		{get("/", 200), "GET / 200 apisix", ""},
		{get("/", 301), "GET / 301 apisix", ""},
		{get("/", 401), "GET / 401 apisix", "a plugin answered"},
		{get("/", 404), "GET / 404 apisix", "no route matched"},
		{get("/", 429), "GET / 429 apisix", "a plugin answered"},
		{get("/", 500), "GET / 500 apisix [500]", "Lua failed"},
		{get("/", 503), "GET / 503 apisix [503]", "a plugin answered"},
		{get("/", 400), "GET / 400 apisix", "a plugin answered"},
		{trace.Request{Line: "GET /", Version: 9, Host: "h", Status: 400}, "GET / 400 nginx", "malformed"},
		{trace.Request{Line: "GET / HTTP/1.1", Status: 400}, "GET / 400 nginx", "malformed"},
		{trace.Request{Line: "\x16\x03\x01", Status: 400}, " \x16\x03\x01 400 nginx", "malformed"},
		{get("/", 408), "GET / 408 nginx", "client_body_timeout"},
		{get("/", 413), "GET / 413 nginx", "client_max_body_size"},
		{get("/", 414), "GET / 414 nginx", "large_client_header_buffers"},
		{get("/", 494), "GET / 494 nginx", "large_client_header_buffers"},
		{get("/", 495), "GET / 495 nginx", "certificate"},
		{get("/", 496), "GET / 496 nginx", "certificate"},
		{get("/", 497), "GET / 497 nginx", "TLS port"},
		{get("/", 505), "GET / 505 nginx [505]", "version"},
		{get("/", 200, fine), "GET / 200 upstream", ""},
		{get("/", 206, fine), "GET / 206 upstream", ""},
		{get("/", 404, state(node1, 404, 0, 0, 0)), "GET / 404 upstream", ""},
		{get("/", 503, state(node1, 503, 0, 0, 0)), "GET / 503 upstream [503]", ""},
		{get("/", 500, fine), "GET / 500 apisix [500]", "the node answered 200, a plugin made 500 of it"},
		{get("/", 403, fine), "GET / 403 apisix", "a plugin made 403 of it"},
		{get("/", 504, state(node1, 504, 0, -1, 60)), "GET / 504 nginx [timeout]", "no response within 60ms"},
		{get("/", 504, state(node1, 504, -1, -1, 60)), "GET / 504 nginx [connect_timeout]", "no answer to connect within 60ms"},
		{get("/", 502, state(node1, 502, -1, -1, 0)), "GET / 502 nginx [_OTHER]", "its socket was not seen"},
		{get("/", 502, state(node1, 502, -1, -1, 0), state(node2, 504, -1, -1, 9)), "GET / 502 nginx [connect_timeout]", "the attempt before it failed, too"},
		{trace.Request{Line: "GET / HTTP/1.1", Status: 503, Upstream: 1}, "GET / 503 apisix [503]", "no node was tried"},
		{trace.Request{Line: ""}, "  0 nginx [_OTHER]", "before a whole request had come"},
		{trace.Request{Line: "GET / HTTP/1.1"}, "GET / 0 nginx [_OTHER]", "closed the connection without a response"},
		{get("/", 499), "GET / 499 nginx [client_closed]", "before the gateway asked an upstream"},
		{get("/", 499, state(node1, 0, 0, -1, -1)), "GET / 499 nginx [client_closed]", "while the gateway waited for " + node1},
	} {
		s := newStory(t, true)
		s.ends(nil, tt.request)
		s.end()
		if len(s.shown) != 1 {
			t.Fatalf("%s: %d are shown", tt.gist, len(s.shown))
		}
		x := &s.shown[0]
		if gist(x) != tt.gist || !strings.Contains(x.Reason, tt.why) || tt.why == "" && x.Reason != "" {
			t.Errorf("%s (%s), want %s (%s)", gist(x), x.Reason, tt.gist, tt.why)
		}
	}
}

func endTales() []tale {
	return []tale{
		{"Lua answers 401", true, "GET /orders 401 apisix", func(s *story) {
			c := s.asks(0)
			s.at(300)
			s.answered(c, 401)
		}},
		{"client closes before the attempt", true, "GET /orders 499 nginx [client_closed]", func(s *story) {
			c := s.asks(0)
			s.at(5000)
			c.peerCloses()
			s.tick(5010)
			s.ends(c, get("/orders", 499))
			s.sweep()
		}},
		{"client closes during the attempt", true, "GET /orders 499 nginx [client_closed]", func(s *story) {
			n, c := s.pooled(node1, time.Second), s.asks(0)
			n.writes(orders)
			s.at(5000)
			c.peerCloses()
			s.tick(5010)
			n.closes()
			s.at(5020)
			s.ends(c, get("/orders", 499, state(node1, 0, 0, -1, 5)))
			s.sweep()
		}},
		{"client resets", true, "GET /orders 499 nginx [client_closed]", func(s *story) {
			n, c := s.pooled(node1, time.Second), s.asks(0)
			n.writes(orders)
			s.at(5000)
			c.fails(syscall.ECONNRESET)
			s.tick(5010)
			n.closes()
			s.at(5020)
			s.ends(c, get("/orders", 499, state(node1, 0, 0, -1, 5)))
			s.sweep()
		}},
		{"client waits for a closed keepalive", true, "", func(s *story) {
			c := s.accepts(aClient)
			s.at(10)
			c.peerCloses()
			s.sweep()
		}},
		{"half a request, then timeout", true, "GET /orders 408 nginx", func(s *story) {
			c := s.accepts(aClient)
			c.reads("GET /orders HTTP/1.1\r\nHost: sho")
			s.tick(60_000_000)
			r := get("/orders", 408)
			s.ends(c, r)
			s.sweep()
		}},
		{"worker is killed", true, "  0 nginx [gateway_crashed]", func(s *story) {
			n, c := s.pooled(node1, time.Second), s.asks(0)
			n.writes(orders)
			s.at(900)
			s.exits(s.worker, 11)
			s.sweep()
			_ = c
		}},
		{"worker ends in peace", true, "GET /orders 200 upstream", func(s *story) {
			n, c := s.pooled(node1, time.Second), s.asks(0)
			n.writes(orders)
			s.tick(400)
			n.reads(ok)
			s.answered(c, 200, state(node1, 200, 0, 0, 0))
			s.at(900)
			s.exits(s.worker, 0)
			s.sweep()
		}},
		{"request address used again at once", true, "GET /1 200 upstream; GET /2 404 apisix; GET /3 200 upstream", func(s *story) {
			n, a, b := s.pooled(node1, time.Second), s.accepts(aClient), s.accepts("10.0.0.10:1")
			s.served(a, n, 0, "/1")
			s.tick(600)
			b.reads(lines("GET /2 HTTP/1.1"))
			b.writes(ok)
			s.ends(b, get("/2", 404))
			s.served(a, n, 700, "/3")
			s.sweep()
		}},
		{"reload", true, "GET /1 200 upstream; GET /2 200 upstream", func(s *story) {
			s.served(s.accepts(aClient), s.pooled(node1, time.Second), 0, "/1")
			s.exits(s.worker, 0)
			s.at(5000)
			s.served(s.accepts(aClient), s.pooled(node1, time.Second), 5000, "/2") // the pid and the address once more
			s.sweep()
		}},
	}
}
