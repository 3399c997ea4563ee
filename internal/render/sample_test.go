package render_test

import (
	"net/netip"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

const us, ms = time.Microsecond, time.Millisecond

func at(d time.Duration) time.Time {
	return time.Date(2026, 11, 22, 12, 14, 45, 123_004_567, time.UTC).Add(d)
}

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func id(n byte) trace.SpanID { return trace.SpanID{0x53, 0x99, 0x5c, 0x3f, 0x42, 0xcd, 0x8a, n} }

// unseen is a timing of which nothing is known yet.
func unseen() trace.Timing {
	return trace.Timing{ClientRead: -1, Gateway: -1, GatewayQueue: -1, GatewayResponse: -1, ClientWrite: -1}
}

// attempt is a good one over a reused connection.
func attempt(peer string, start time.Time, wait time.Duration) trace.Attempt {
	return trace.Attempt{
		Peer: addr(peer), PeerName: peer, Local: addr("10.0.0.2:40112"), Start: start, Status: 200,
		Reused: true, Exchange: 17, Age: 2300 * ms, Connect: 0, TLS: -1, Send: 8 * us, Wait: wait, Read: 90 * us,
		Duration: 98*us + wait, Sent: 312, Received: 5120, Evidence: "same request object", Confident: trace.Exact,
	}
}

// plainExchange is answered by the second host on a kept connection.
func plainExchange() *trace.Exchange {
	x := &trace.Exchange{
		TraceID: trace.TraceID{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36},
		Parent:  trace.SpanID{0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7},
		Start:   at(0), Duration: 15200 * us, PID: 4131, Method: "GET", Path: "/orders/17", Query: "page=2",
		Host: "apisix.deepflow.demo", Protocol: "1.1", Status: 200, Client: addr("10.0.0.9:51234"), Server: addr("10.0.0.2:9080"),
		Received: 188, Sent: 5300, RequestID: "b7c1", ConnectionRequest: 3, Source: trace.FromUpstream, Clock: "ns",
		Timing: trace.Timing{ClientRead: 12 * us, Gateway: 310 * us, GatewayQueue: 40 * us, GatewayResponse: 20 * us, ClientWrite: 2390 * us},
	}
	x.Attempts = []trace.Attempt{attempt("10.0.0.5:80", at(322*us), 12300*us)}
	x.Spans = []trace.Span{
		{ID: id(1), Mark: trace.MarkSystem, Role: trace.RoleClientSide, Name: "gateway :9080", Start: at(0), Duration: 15200 * us, PID: 4131, Local: x.Server, Peer: x.Client, Status: 200, Sent: 5300, Received: 188, Attempt: -1},
		{ID: id(2), Parent: id(1), Mark: trace.MarkGateway, Role: trace.RoleGateway, Name: "nginx request", Start: at(12 * us), Duration: 15188 * us, PID: 4131, Status: 200, Attempt: -1, Evidence: "request object's connection is the socket", Confident: trace.Exact},
		{ID: id(3), Parent: id(2), Mark: trace.MarkSystem, Role: trace.RoleAttempt, Name: "attempt 1 10.0.0.5:80", Start: at(322 * us), Duration: 12398 * us, PID: 4131, Local: addr("10.0.0.2:40112"), Peer: addr("10.0.0.5:80"), Status: 200, Sent: 312, Received: 5120, TCPSeq: 3735928559, Evidence: "ngx_event_connect_peer of the request's upstream, same tick", Confident: trace.Exact},
		{ID: id(4), Parent: id(3), Mark: trace.MarkSystem, Role: trace.RoleUpstream, Name: "upstream process orders pid 991", Start: at(420 * us), Duration: 12100 * us, PID: 991, Process: "orders", Local: addr("10.0.0.5:80"), Peer: addr("10.0.0.2:40112"), Status: 200, Sent: 5120, Received: 312, Attempt: -1, TCPSeq: 3735928559, Evidence: "tcp_seq 3735928559 at both ends", Confident: trace.Exact},
	}
	return x
}

// retriedExchange succeeds at the second node.
func retriedExchange() *trace.Exchange {
	x := plainExchange()
	x.Method, x.Path, x.Query = "POST", "/checkout", ""
	first := attempt("10.0.0.4:80", at(322*us), -1)
	first.Reused, first.Status, first.Exchange, first.Age = false, 0, 1, 0
	first.Connect, first.Send, first.Read, first.Duration, first.Sent, first.Received = 203*us, -1, -1, 203*us, 0, 0
	first.ErrType, first.Reason = "connection_refused", "the node refused the connection (ECONNREFUSED after 203µs)"
	x.Attempts = []trace.Attempt{first, attempt("10.0.0.5:80", at(560*us), 12300*us)}
	refused := x.Spans[2]
	refused.ID, refused.Name, refused.Duration, refused.Status, refused.ErrType = id(9), "attempt 1 10.0.0.4:80", 203*us, 0, first.ErrType
	refused.Attempt, refused.Peer, refused.Sent, refused.Received, refused.TCPSeq = 0, first.Peer, 0, 0, 0
	x.Spans[2].Name, x.Spans[2].Start, x.Spans[2].Attempt = "attempt 2 10.0.0.5:80", at(560*us), 1
	x.Spans[3].Start = at(660 * us)
	x.Spans = []trace.Span{x.Spans[0], x.Spans[1], refused, x.Spans[2], x.Spans[3]}
	return x
}

// refusedExchange is a 502 of nginx.
func refusedExchange() *trace.Exchange {
	x := retriedExchange()
	x.Status, x.Source, x.ErrType, x.Duration = 502, trace.FromNginx, "connection_refused", 812*us
	x.Reason = "10.0.0.4:80 refused the connection (ECONNREFUSED); no further node was tried"
	x.Attempts = x.Attempts[:1]
	x.Attempts[0].Reason = "refused the connection (ECONNREFUSED)"
	x.Timing = trace.Timing{ClientRead: 12 * us, Gateway: 310 * us, GatewayQueue: 0, GatewayResponse: 120 * us, ClientWrite: 35 * us}
	x.Spans = x.Spans[:3]
	x.Spans[0].Duration, x.Spans[0].Status = 812*us, 502
	x.Spans[1].Duration, x.Spans[1].Status = 800*us, 502
	return x
}

// cosocketExchange asks Redis before it asks the upstream.
func cosocketExchange() *trace.Exchange {
	x := plainExchange()
	x.Path, x.Query, x.Duration = "/limited", "", 9200*us
	x.Timing = trace.Timing{ClientRead: 11 * us, Gateway: 6900 * us, GatewayQueue: -1, GatewayResponse: 15 * us, ClientWrite: 14 * us}
	x.Attempts[0] = attempt("10.0.0.5:80", at(6900*us), 2100*us)
	call := trace.Span{ID: id(7), Parent: id(2), Mark: trace.MarkSystem, Role: trace.RoleCall, Name: "redis 10.0.0.7:6379", Start: at(150 * us), Duration: 6500 * us, PID: 4131, Peer: addr("10.0.0.7:6379"), Sent: 84, Received: 31, Attempt: -1, Evidence: "Lua thread's request at connect", Confident: trace.Exact}
	x.Spans[0].Duration, x.Spans[1].Duration = 9200*us, 9188*us
	x.Spans[2].Start, x.Spans[2].Duration = at(6900*us), 2198*us
	x.Spans[3].Start, x.Spans[3].Duration = at(7*ms), 2*ms
	x.Spans = append(x.Spans[:2:2], append([]trace.Span{call}, x.Spans[2:]...)...)
	return x
}

// multiplexedExchange came over TLS and HTTP/2: only nginx's own clock knows its times.
func multiplexedExchange() *trace.Exchange {
	x := plainExchange()
	x.TLS, x.Protocol, x.Clock, x.Server = true, "2", "ms", addr("10.0.0.2:9443")
	x.Start, x.Duration = at(0).Truncate(ms), 15*ms
	x.Timing = unseen()
	x.Timing.Gateway = 1 * ms
	x.Attempts[0].Local, x.Attempts[0].Reused = netip.AddrPort{}, false
	x.Attempts[0].Send, x.Attempts[0].Wait, x.Attempts[0].Read, x.Attempts[0].Duration = -1, 12*ms, 1*ms, 13*ms
	x.Incomplete = []string{"client side: HTTP/2 shares one socket among requests, so its system span is not told apart"}
	p := x.Spans[1]
	p.Parent, p.Start, p.Duration, p.Evidence, p.Confident = trace.SpanID{}, x.Start, 15*ms, "", ""
	a := x.Spans[2]
	a.Mark, a.Start, a.Duration = trace.MarkGateway, x.Start.Add(ms), 13*ms
	x.Spans = []trace.Span{p, a}
	return x
}

// hostileExchange carries what a terminal would obey.
func hostileExchange() *trace.Exchange {
	x := plainExchange()
	x.Path, x.Query, x.Host = "/\x1b[31mowned\x1b]0;title\x07", "q=\u202egpj\xff\r\n", "evil\u009b2J.example"
	x.Spans[3].Name, x.Spans[3].Process = "upstream process \x1b[2J pid 991", "\x1b[2J"
	x.Status, x.Source, x.Reason = 404, trace.FromAPISIX, "no route matched \"/\x1b[31m\""
	return x
}

// inferredExchange was linked without probes.
func inferredExchange() *trace.Exchange {
	x := plainExchange()
	x.Source, x.PID = trace.FromUnknown, 4131
	x.Spans = []trace.Span{x.Spans[0], x.Spans[2], x.Spans[3]}
	x.Spans[1].Parent, x.Spans[1].Confident, x.Spans[1].Evidence = id(1), trace.Inferred, "a timer began the tick; same request line, nearest in time"
	x.Spans[2].Confident, x.Spans[2].Evidence = trace.Inferred, "same addresses and overlapping times"
	x.Incomplete = []string{"request object: probes are off"}
	return x
}

// longExchange has a path that no terminal has room for.
func longExchange() *trace.Exchange {
	x := plainExchange()
	x.Path = "/v2/tenants/2f1d/warehouses/eu-central-1/orders/17/lines/4/shipments/9/labels/日本語のとても長いパス/print.pdf"
	x.Host = "warehouse.internal.apisix.deepflow.demo"
	x.Spans[3].Process = "warehouse-label-printer-service"
	return x
}

// goneExchange ended without a response.
func goneExchange() *trace.Exchange {
	x := plainExchange()
	x.Status, x.Source, x.ErrType, x.Sent = 0, trace.FromUnknown, "client_closed", 0
	x.Reason = "the client closed its connection 15.1ms after its request"
	x.Attempts, x.Spans, x.Client = nil, x.Spans[1:2], netip.AddrPort{}
	x.Spans[0].Status = 0
	x.Timing = unseen()
	return x
}

// names are what APISIX calls the parts of a request.
func names(from trace.Naming) trace.Names {
	return trace.Names{
		From: from, RouteID: "17", RouteName: "shop-orders", ServiceID: "svc", ServiceName: "orders", Consumer: "jack",
		Upstream: "upstreams#/apisix/upstreams/shop", Balancer: "10.0.0.5:80", Tries: 1, RequestID: "6daf73a4-f280-4c3e-9d1b-1f0f5ad1c5f7",
		URI: "/orders/*", Plugins: []string{"prometheus", "request-id", "limit-count"}, Labels: []trace.Label{{Key: "app", Value: "shop"}, {Key: "team", Value: "a\x1b[31m"}},
	}
}

// namedExchange has its names from its api_ctx, and a plugin that asked Redis.
func namedExchange() *trace.Exchange {
	x := cosocketExchange()
	x.Names = names(trace.NamesExact)
	x.Spans[2].Plugin = "limit-count"
	return x
}

// deniedExchange was ended by a plugin.
func deniedExchange() *trace.Exchange {
	x := refusedExchange()
	x.Status, x.Source, x.ErrType, x.Reason, x.Attempts, x.Spans = 401, trace.FromAPISIX, "", "", nil, x.Spans[:2]
	x.Spans[0].Status, x.Spans[1].Status = 401, 401
	x.Names = names(trace.NamesExact)
	x.Names.Consumer, x.Names.Upstream, x.Names.Balancer, x.Names.Tries = "", "", "", 0
	x.Names.Plugin, x.Names.Plugins, x.Names.Labels, x.Names.URI = "key-auth", nil, nil, ""
	return x
}

// computedExchange has the names that the routes of the Admin API give it.
func computedExchange() *trace.Exchange {
	x := inferredExchange()
	x.Names = trace.Names{From: trace.NamesComputed, RouteID: "17", RouteName: "shop-orders", ServiceID: "svc"}
	return x
}

// unroutedExchange is one that no route matched.
func unroutedExchange() *trace.Exchange {
	x := deniedExchange()
	x.Status, x.Names = 404, trace.Names{From: trace.NamesExact}
	x.Spans[0].Status, x.Spans[1].Status = 404, 404
	return x
}

// earlyExchange ended before there was a route.
func earlyExchange() *trace.Exchange {
	x := goneExchange()
	x.Names = trace.Names{From: trace.NamesNone}
	return x
}

func samples() []*trace.Exchange {
	return []*trace.Exchange{
		plainExchange(), retriedExchange(), refusedExchange(), cosocketExchange(), multiplexedExchange(),
		hostileExchange(), inferredExchange(), longExchange(), goneExchange(),
		namedExchange(), deniedExchange(), computedExchange(), unroutedExchange(), earlyExchange(),
	}
}

func summary() trace.Summary {
	return trace.Summary{
		Seen: 12345, Shown: 17, Removed: map[string]uint64{"--host": 12000, "--status": 328},
		Lost: map[string]uint64{"ring buffer full": 3}, Notes: []string{"tracefs was mounted \x1bprivately"}, Window: 30 * time.Second,
	}
}
