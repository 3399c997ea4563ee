package trace_test

import (
	"syscall"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

const incr = "*2\r\n$4\r\nINCR\r\n$7\r\nquota:9\r\n"

func callTales() []tale {
	fine := state(node1, 200, 0, 0, 0)
	return []tale{
		{"redis by a new cosocket", true, "GET /orders 200 upstream", func(s *story) {
			n, c := s.pooled(node1, time.Second), s.asks(0)
			s.by(c, trace.OwnerCosocket)
			redis := s.connects(redisAddr)
			s.at(200)
			redis.established()
			s.tick(250)
			redis.writes(incr)
			s.tick(600)
			redis.reads(":7\r\n")
			s.at(700)
			s.by(c, trace.OwnerUpstream)
			n.writes(orders)
			s.tick(1100)
			n.reads(ok)
			s.answered(c, 200, fine)
			redis.closes()
		}},
		{"redis by a pooled cosocket", true, "GET /orders 429 apisix", func(s *story) {
			redis, c := s.pooled(redisAddr, time.Minute), s.asks(0)
			s.by(c, trace.OwnerLua)
			redis.writes(incr)
			s.tick(600)
			redis.reads(":7000\r\n")
			s.answered(c, 429)
		}},
		{"auth over HTTP refused", true, "GET /orders 500 apisix [500]", func(s *story) {
			c := s.asks(0)
			s.by(c, trace.OwnerCosocket)
			auth := s.connects(node2)
			s.at(150)
			auth.fails(syscall.ECONNREFUSED)
			auth.closes()
			s.answered(c, 500)
		}},
		{"auth over HTTP and over TLS", true, "GET /orders 403 apisix", func(s *story) {
			c := s.asks(0)
			s.by(c, trace.OwnerLua)
			auth := s.pooled(node2, time.Second)
			auth.writes(lines("POST /auth?x=1 HTTP/1.1", "Host: auth"))
			s.tick(300)
			auth.reads(lines("HTTP/1.1 403 Forbidden", "Content-Length: 0"))
			s.by(c, trace.OwnerLua)
			vault := s.pooled("10.0.0.7:443", time.Second)
			vault.writes("\x17\x03\x03\x00\x10secret")
			s.tick(500)
			vault.reads("\x17\x03\x03\x00\x10answer")
			s.answered(c, 403)
		}},
		{"subrequest before the attempt", true, "GET /orders 200 upstream", func(s *story) {
			n, c := s.pooled(node1, time.Second), s.asks(0)
			s.by(c, trace.OwnerSubrequest)
			sub := s.pooled(node2, time.Second)
			sub.writes(lines("GET /allowed HTTP/1.1", "Host: auth"))
			s.tick(300)
			sub.reads(ok)
			s.by(c, trace.OwnerUpstream)
			n.writes(orders)
			s.tick(700)
			n.reads(ok)
			s.answered(c, 200, fine)
		}},
		{"mirror that ends after the response", true, "GET /orders 200 upstream", func(s *story) {
			n, c := s.pooled(node1, time.Second), s.asks(0)
			s.by(c, trace.OwnerSubpeer)
			mirror := s.pooled(node2, time.Second)
			mirror.writes(orders)
			s.by(c, trace.OwnerUpstream)
			n.writes(orders)
			s.tick(400)
			n.reads(ok)
			c.writes(ok)
			s.sweep()
			s.tick(5000)
			mirror.reads(ok)
			s.ends(c, get("/orders", 200, fine))
			s.sweep()
		}},
		{"background traffic", true, "", func(s *story) {
			s.tick(0)
			etcd := s.pooled("10.0.0.8:2379", time.Minute)
			etcd.writes(lines("POST /v3/watch HTTP/1.1", "Host: etcd"))
			s.tick(500)
			etcd.reads(ok)
			s.sweep()
			health := s.connects(node1)
			s.tick(900)
			health.established()
			health.writes(lines("GET /status HTTP/1.0"))
			health.closes()
			s.sweep()
		}},
	}
}
