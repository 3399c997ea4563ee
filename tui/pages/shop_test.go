package pages_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

const us, ms = time.Microsecond, time.Millisecond

// began is when the recording does.
var began = time.Date(2026, 11, 22, 12, 14, 45, 0, time.UTC)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// shop is what the gateway of a shop did in a minute: 200 requests, of which some are worth a
// look. The same call makes the same ones.
func shop() []*trace.Exchange {
	var all []*trace.Exchange
	for i := range 200 {
		at := began.Add(time.Duration(i) * 300 * ms)
		x := served(at, fmt.Sprintf("/orders/%d", 100+i), time.Duration(4+i%17)*ms)
		x.TraceID[15], x.ConnectionRequest = byte(i), i%7+1
		switch {
		case i == 199:
			x = retried(at)
		case i == 198:
			x = hostile(at)
		case i == 197:
			x.Path, x.Query = "/search", "q=日本語&token=geheim"
		case i%40 == 17:
			x = refused(at)
		case i%40 == 9:
			x = denied(at)
		case i%50 == 3:
			x = gone(at)
		}
		all = append(all, x)
	}
	return all
}

// served was answered by a node over a connection that had served others.
func served(at time.Time, path string, wait time.Duration) *trace.Exchange {
	node := addr("10.0.0.5:80")
	took := wait + 700*us
	x := &trace.Exchange{
		TraceID: trace.TraceID{0x4b, 0xf9, 0x2f, 0x35}, Start: at, Duration: took, PID: 4131, Method: "GET", Path: path,
		Host: "shop.example", Protocol: "1.1", Status: 200, Client: addr("10.0.0.9:51234"), Server: addr("10.0.0.2:9080"),
		Received: 188, Sent: 5300, RequestID: "b7c1", ConnectionRequest: 3, Source: trace.FromUpstream, Clock: "ns",
		Timing: trace.Timing{ClientRead: 12 * us, Gateway: 310 * us, GatewayQueue: 40 * us, GatewayResponse: 20 * us, ClientWrite: 90 * us},
		Names:  trace.Names{From: trace.NamesExact, RouteID: "17", RouteName: "orders", ServiceID: "3", ServiceName: "shop", Plugins: []string{"key-auth", "limit-count"}},
	}
	x.Attempts = []trace.Attempt{{
		Peer: node, PeerName: node.String(), Local: addr("10.0.0.2:40112"), Start: at.Add(322 * us), Status: 200,
		Reused: true, Exchange: 17, Age: 2300 * ms, TLS: -1, Send: 8 * us, Wait: wait, Read: 90 * us,
		Duration: wait + 98*us, Sent: 312, Received: 5120, Evidence: "same request object", Confident: trace.Exact,
	}}
	id := func(n byte) trace.SpanID { return trace.SpanID{0x53, n} }
	x.Spans = []trace.Span{
		{ID: id(1), Mark: trace.MarkSystem, Role: trace.RoleClientSide, Name: "gateway :9080", Start: at, Duration: took, PID: 4131, Local: x.Server, Peer: x.Client, Status: 200, Attempt: -1},
		{ID: id(2), Parent: id(1), Mark: trace.MarkGateway, Role: trace.RoleGateway, Name: "nginx request", Start: at.Add(12 * us), Duration: took - 12*us, PID: 4131, Status: 200, Attempt: -1, Evidence: "request object's connection is the socket", Confident: trace.Exact},
		{ID: id(3), Parent: id(2), Mark: trace.MarkSystem, Role: trace.RoleAttempt, Name: "attempt 1 10.0.0.5:80", Start: at.Add(322 * us), Duration: wait + 98*us, PID: 4131, Peer: node, Status: 200, Evidence: "the upstream's peer, same tick", Confident: trace.Exact},
	}
	x.Headers = &trace.Headers{
		Request: trace.Head{Seen: true, Fields: []trace.Field{
			{Name: "Host", Value: "shop.example"}, {Name: "User-Agent", Value: "curl/8.14.1"}, {Name: "Authorization", Value: "Bearer geheim"}, {Name: "X-Tenant", Value: "acme"},
		}},
		Response: trace.Head{Seen: true, Fields: []trace.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "Server", Value: "APISIX/3.16.0"}}},
	}
	return x
}

// retried succeeded at the second node.
func retried(at time.Time) *trace.Exchange {
	x := served(at, "/checkout", 12*ms)
	x.Method = "POST"
	first := x.Attempts[0]
	first.Peer, first.PeerName, first.Reused, first.Status, first.Age = addr("10.0.0.4:80"), "10.0.0.4:80", false, 0, 0
	first.Connect, first.Send, first.Wait, first.Read, first.Duration = 203*us, -1, -1, -1, 203*us
	first.Sent, first.Received = 0, 0
	first.ErrType, first.Reason = "connection_refused", "the node refused the connection (ECONNREFUSED after 203µs)"
	second := x.Attempts[0]
	second.Start = at.Add(560 * us)
	x.Attempts = []trace.Attempt{first, second}
	failed := x.Spans[2]
	failed.ID, failed.Name, failed.Duration, failed.Status, failed.ErrType, failed.Peer = trace.SpanID{9}, "attempt 1 10.0.0.4:80", 203*us, 0, first.ErrType, first.Peer
	x.Spans[2].Name, x.Spans[2].Start, x.Spans[2].Attempt = "attempt 2 10.0.0.5:80", at.Add(560*us), 1
	x.Spans = []trace.Span{x.Spans[0], x.Spans[1], failed, x.Spans[2]}
	return x
}

// refused is a 502 of nginx.
func refused(at time.Time) *trace.Exchange {
	x := retried(at)
	x.Status, x.Source, x.ErrType, x.Duration = 502, trace.FromNginx, "connection_refused", 812*us
	x.Reason = "10.0.0.4:80 refused the connection (ECONNREFUSED); no further node was tried"
	x.Attempts, x.Spans = x.Attempts[:1], x.Spans[:3]
	x.Timing = trace.Timing{ClientRead: 12 * us, Gateway: 310 * us, GatewayResponse: 120 * us, ClientWrite: 35 * us}
	for i := range 2 {
		x.Spans[i].Duration, x.Spans[i].Status = 812*us, 502
	}
	return x
}

// denied was answered by a plugin.
func denied(at time.Time) *trace.Exchange {
	x := served(at, "/orders/7", ms)
	x.Status, x.Source, x.Duration, x.Reason = 401, trace.FromAPISIX, 450*us, "key-auth ended the request"
	x.Attempts, x.Spans, x.Names.Plugin = nil, x.Spans[:2], "key-auth"
	x.Timing = trace.Timing{ClientRead: 12 * us, Gateway: 400 * us, GatewayResponse: -1, ClientWrite: 38 * us}
	for i := range x.Spans {
		x.Spans[i].Duration, x.Spans[i].Status = 450*us, 401
	}
	return x
}

// gone got no response.
func gone(at time.Time) *trace.Exchange {
	x := served(at, "/report", 900*ms)
	x.Status, x.Source, x.Reason, x.ErrType = 0, trace.FromUnknown, "the client went away before there was a response", "client_closed"
	return x
}

// hostile carries what a terminal would obey.
func hostile(at time.Time) *trace.Exchange {
	x := served(at, "/\x1b[31mowned\x1b]0;title\x07", 2*ms)
	x.Host, x.Query, x.Names.RouteName = "evil\u009b98J.example", "q=\u202egpj\xff\r\n", "\x1b[98J"
	x.Headers.Request.Fields = append(x.Headers.Request.Fields, trace.Field{Name: "X-Evil", Value: "\x1b[98J\x1b]52;c;ZWNobyBwd25lZAo=\x07"})
	return x
}
