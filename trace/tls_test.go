package trace_test

import (
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// Beginnings of TLS records.
const (
	clientHello = "\x16\x03\x01\x02\x00hello from the client"
	serverHello = "\x16\x03\x03\x00\x7ahello from the server"
	record      = "\x17\x03\x03\x01\x00what only the ends can read"
	closeNotify = "\x15\x03\x03\x00\x02"
)

// secure is a TLS connection of a client, after the handshake's turns at us + 0, 300 and 600.
func (s *story) secure(us int) *socket {
	c := s.accepts(aClient)
	s.tick(us)
	c.reads(clientHello)
	s.at(us + 300)
	c.writes(serverHello)
	s.tick(us + 600)
	c.reads(record) // Finished
	s.at(us + 620)
	c.writes(record) // session tickets
	return c
}

func tlsTales() []tale {
	fine := state(node1, 200, 0, 0, 0)
	tlsGet := func(path string, status int, started time.Time, attempts ...trace.UpstreamState) trace.Request {
		r := get(path, status, attempts...)
		r.TLS, r.Started = true, started.Truncate(time.Millisecond)
		return r
	}
	return []tale{
		{"client", true, "GET /1 200 upstream; GET /2 200 apisix", func(s *story) {
			c := s.secure(0)
			s.tick(20_000)
			c.reads(record)
			s.at(20_100)
			s.by(c, trace.OwnerUpstream)
			n := s.pooled(node1, time.Second)
			n.writes(orders)
			s.tick(20_500)
			n.reads(ok)
			s.at(20_600)
			c.writes(record)
			s.ends(c, tlsGet("/1", 200, s.began.Add(20*time.Millisecond), fine))
			s.tick(40_000)
			c.reads(record)
			s.at(40_300)
			c.writes(record)
			s.ends(c, tlsGet("/2", 200, s.now))
			s.sweep()
		}},
		{"client sends a body in turns", true, "GET /up 200 apisix", func(s *story) {
			c := s.secure(0)
			s.tick(20_000)
			c.reads(record)
			s.at(20_050)
			c.writes(record) // 100 Continue
			s.tick(50_000)
			c.reads(record)
			s.at(50_300)
			c.writes(record)
			s.ends(c, tlsGet("/up", 200, s.began.Add(20*time.Millisecond)))
			s.sweep()
		}},
		{"node", true, "GET /orders 200 upstream", func(s *story) {
			c := s.asks(0)
			n := s.connects("10.0.0.4:443")
			s.at(300)
			n.established()
			s.tick(310)
			n.writes(clientHello)
			up := n.served("orders", 991)
			up.got = 0
			s.at(320)
			up.reads(clientHello)
			up.writes(serverHello)
			s.tick(700)
			n.reads(serverHello)
			s.at(900)
			n.writes(record) // Finished
			n.writes(record) // and the request
			s.at(910)
			up.reads(record)
			up.writes(record)
			s.tick(1000)
			n.reads(record) // session tickets
			s.sweep()
			s.at(30_800)
			up.writes(record)
			s.tick(30_900)
			n.reads(record)
			s.answered(c, 200, state("10.0.0.4:443", 200, 1, 31, 31))
		}},
		{"node on a reused connection", true, "GET /orders 200 upstream", func(s *story) {
			n, c := s.pooled("10.0.0.4:443", time.Second), s.asks(0)
			n.writes(record)
			s.tick(5000)
			n.reads(record)
			s.answered(c, 200, state("10.0.0.4:443", 200, 0, 5, 5))
		}},
		{"node closes during the handshake", true, "GET /orders 502 nginx [tls_error]", func(s *story) {
			c := s.asks(0)
			n := s.connects("10.0.0.4:443")
			s.at(300)
			n.established()
			n.writes(clientHello)
			s.at(700)
			n.reads("\x15\x03\x03\x00\x02\x02\x28") // handshake_failure
			n.peerCloses()
			n.closes()
			s.answered(c, 502, state("10.0.0.4:443", 502, -1, -1, 1))
		}},
		{"HTTP2 with two streams", true, "GET /2 200 upstream; GET /1 200 upstream; GET /3 404 apisix", func(s *story) {
			c := s.secure(0)
			end := func(path string, stream uint32, attempts ...trace.UpstreamState) {
				r := tlsGet(path, map[bool]int{true: 200, false: 404}[len(attempts) > 0], s.began.Add(20*time.Millisecond), attempts...)
				r.Line, r.Version, r.Stream, c.request = "GET "+path+" HTTP/2.0", 2000, true, uint64(stream)<<32
				c.stream = stream
				c.writes(record)
				s.ends(c, r)
			}
			ask := func(remote string, stream uint32, how trace.OwnerHow) *socket {
				c.request, c.stream = uint64(stream)<<32, stream
				s.by(c, how)
				n := s.pooled(remote, time.Second)
				n.writes(orders)
				return n
			}
			s.tick(20_000)
			c.reads(record)
			s.at(20_100)
			a := ask(node1, 1, trace.OwnerUpstream)
			s.at(20_200)
			redis := ask(redisAddr, 2, trace.OwnerLua)
			s.tick(20_400)
			redis.reads(":7\r\n")
			b := ask(node2, 2, trace.OwnerUpstream)
			s.tick(20_800)
			b.reads(ok)
			end("/2", 2, state(node2, 200, 0, 0, 0))
			s.sweep()
			s.tick(25_000)
			a.reads(ok)
			end("/1", 1, fine)
			end("/3", 2)
			s.sweep()
		}},
	}
}
