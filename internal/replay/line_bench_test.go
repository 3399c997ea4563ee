package replay_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/trace"
)

// aRequest is what a window sees of a request that one node answered, with all that can be
// read of it.
func aRequest() *trace.Exchange {
	node, local := netip.MustParseAddrPort("10.0.0.9:80"), netip.MustParseAddrPort("10.0.0.2:39080")
	x := &trace.Exchange{
		TraceID: trace.TraceID{1, 2, 3}, Start: began, Duration: 3 * time.Millisecond, PID: 4132, Method: "GET", Path: "/orders/17",
		Query: "page=2", Host: "shop.example", Protocol: "1.1", Status: 200, Client: netip.MustParseAddrPort("10.0.0.9:50000"),
		Server: netip.MustParseAddrPort("10.0.0.2:9080"), Received: 100, Sent: 2000, RequestID: "429ca01a-aed6-4d78-9ed7-b60772c501fc",
		ConnectionRequest: 8, Source: trace.FromUpstream, Clock: "ns",
		Timing: trace.Timing{ClientRead: 1, Gateway: 2, GatewayQueue: -1, GatewayResponse: 4, ClientWrite: 5},
		Attempts: []trace.Attempt{{
			Peer: node, PeerName: "10.0.0.9:80", Local: local, Start: began, Status: 200, Reused: true, Exchange: 7, Age: time.Second,
			TLS: -1, Send: 20000, Wait: 2e6, Read: 30000, Duration: 2e6, Sent: 300, Received: 1900, Evidence: "same request object", Confident: trace.Exact,
		}},
		Names: trace.Names{
			From: trace.NamesExact, RouteID: "1", RouteName: "orders", ServiceID: "s1", Upstream: "/apisix/routes/1", Balancer: "10.0.0.9:80",
			Tries: 1, URI: "/orders/*", Plugins: []string{"cors", "key-auth", "limit-count", "prometheus"}, Labels: []trace.Label{{Key: "team", Value: "shop"}},
		},
		Object: trace.Object{Address: 0x7f0012345678, Started: began, Ended: began.Add(3 * time.Millisecond)},
		Logged: &trace.Logged{
			Time: began, RemoteAddr: "10.0.0.9", RemotePort: 50000, Line: "GET /orders/17?page=2 HTTP/1.1", LineLen: 30, HTTPHost: "shop.example",
			UserAgent: "Mozilla/5.0 (X11; Linux x86_64)", Status: 200, BytesSent: 2000, BodySent: 1800, RequestTime: 3 * time.Millisecond,
			Upstreams:      []trace.UpstreamState{{Peer: "10.0.0.9:80", Status: 200, Header: 2e6, Response: 2e6, Received: 1900, Sent: 300}},
			UpstreamScheme: "http", UpstreamHost: "shop.example", UpstreamURI: "/orders/17?page=2",
		},
	}
	for i := range 5 {
		x.Spans = append(x.Spans, trace.Span{
			ID: trace.SpanID{1, 7: byte(i + 1)}, Parent: trace.SpanID{1, 7: byte(i)}, Mark: trace.MarkSystem, Role: trace.Role(i + 1),
			Name: "attempt 1 10.0.0.9:80", Start: began, Duration: 2e6, PID: 4132, Local: local, Peer: node, Status: 200, Sent: 300,
			Received: 1900, Attempt: -1, TCPSeq: 3735928559, Evidence: "tcp_seq 3735928559 at both ends", Confident: trace.Exact,
		})
	}
	h := trace.Head{Seen: true}
	for _, name := range []string{"Host", "User-Agent", "Accept", "Accept-Encoding", "Content-Type", "X-Request-Id", "X-Forwarded-For", "Connection"} {
		h.Fields = append(h.Fields, trace.Field{Name: name, Value: "a value of " + name})
	}
	x.Headers = &trace.Headers{Request: h, UpstreamRequest: h, UpstreamResponse: h, Response: h}
	return x
}

func BenchmarkAppendEvent(b *testing.B) {
	e := trace.Event{Kind: trace.KindExchange, Exchange: aRequest()}
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = replay.AppendEvent(line[:0], &e)
	}
	b.SetBytes(int64(len(line)))
}

func BenchmarkParseEvent(b *testing.B) {
	line := replay.AppendEvent(nil, &trace.Event{Kind: trace.KindExchange, Exchange: aRequest()})
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := replay.ParseEvent(line); err != nil {
			b.Fatal(err)
		}
	}
}
