package render_test

import (
	"time"

	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// india is a zone that is not whole hours away.
var india = time.FixedZone("", 5*3600+1800)

// logged is plainExchange with what nginx and APISIX say of it.
func logged() *trace.Exchange {
	x := plainExchange()
	x.Names = trace.Names{From: trace.NamesExact, RouteID: "17", RouteName: "orders", ServiceID: "s1", ServiceName: "shop", Consumer: "jack"}
	x.Logged = &trace.Logged{
		Time: at(15 * ms).In(india), RemoteAddr: "10.0.0.9", RemotePort: 51234, RemoteUser: "jack",
		Line: "GET /orders/17?page=2 HTTP/1.1", LineLen: 30, HTTPHost: "apisix.deepflow.demo:9080", UserAgent: "curl/7.88.1",
		Status: 200, BytesSent: 5300, BodySent: 5120, RequestTime: 15 * ms,
		Upstreams:      []trace.UpstreamState{{Peer: "10.0.0.5:80", Status: 200, Header: 12 * ms, Response: 13 * ms}},
		UpstreamScheme: "http", UpstreamHost: "apisix.deepflow.demo:9080", RequestID: "8f9ec4b1",
	}
	x.Headers = &trace.Headers{
		Request: trace.Head{Seen: true, Fields: []trace.Field{
			{Name: "Host", Value: "apisix.deepflow.demo:9080"}, {Name: "User-Agent", Value: "curl/7.88.1"},
			{Name: "X-Tenant", Value: "acme"}, {Name: "x-tenant", Value: "b"},
			{Name: "Authorization", Value: "Bearer open-sesame"}, {Name: "Cookie", Value: "id=open-sesame"},
		}},
		UpstreamRequest: trace.Head{Seen: true, Fields: []trace.Field{
			{Name: "Host", Value: "apisix.deepflow.demo:9080"}, {Name: "X-Real-IP", Value: "10.0.0.9", Set: true},
		}},
		UpstreamResponse: trace.Head{Seen: true, Fields: []trace.Field{{Name: "Content-Type", Value: "application/json"}}},
		Response: trace.Head{Seen: true, Cut: 2, Note: "HTTP/1.1 reasons are not kept", Fields: []trace.Field{
			{Name: "Server", Value: "APISIX/3.16.0", Set: true}, {Name: "Content-Type", Value: "application/json"},
			{Name: "Set-Cookie", Value: "id=open-sesame"}, {Name: "Set-Cookie", Value: "b=open-sesame"},
		}},
	}
	return x
}

// loggedRetry succeeds at the second node.
func loggedRetry() *trace.Exchange {
	x := logged()
	x.Attempts = retriedExchange().Attempts
	x.Logged.RemoteUser, x.Logged.Upstreams = "", []trace.UpstreamState{
		{Peer: "10.0.0.4:80", Status: 502, Response: 0, Header: -1, Connect: -1}, {Peer: "10.0.0.5:80", Status: 200, Response: 1013 * ms},
	}
	x.Logged.RequestTime = 1015 * ms
	return x
}

// loggedGone is a 499.
func loggedGone() *trace.Exchange {
	x := logged()
	x.Status, x.Source, x.ErrType = 0, trace.FromNginx, trace.ErrClientGone
	x.Reason = "the client closed its connection 3s after its request, while the gateway waited for 10.0.0.5:80"
	x.Attempts[0].Status = 0
	x.Logged.Status, x.Logged.BytesSent, x.Logged.BodySent, x.Logged.RequestTime = 499, 0, 0, 3001*ms
	x.Logged.Upstreams = []trace.UpstreamState{{Peer: "10.0.0.5:80", Connect: 0, Header: -1, Response: 3000 * ms}}
	x.Headers.UpstreamResponse, x.Headers.Response = trace.Head{}, trace.Head{}
	return x
}

// loggedReset lost its client in the middle of the response.
func loggedReset() *trace.Exchange {
	x := logged()
	x.Logged.ClientFailed, x.Logged.BytesSent, x.Logged.BodySent = true, 1200, 1020
	return x
}

// loggedUpload was aborted.
func loggedUpload() *trace.Exchange {
	x := logged()
	x.Method, x.Path, x.Query, x.Received = "PUT", "/upload", "", 70_000
	x.Status, x.Source, x.Attempts = 400, trace.FromNginx, nil
	x.Logged.Line, x.Logged.Status, x.Logged.Upstreams, x.Logged.ClientFailed = "PUT /upload HTTP/1.1", 400, nil, true
	x.Headers.Request.Fields = append(x.Headers.Request.Fields, trace.Field{Name: "Content-Length", Value: "10000000"})
	x.Headers.UpstreamRequest, x.Headers.UpstreamResponse = trace.Head{}, trace.Head{}
	return x
}

// loggedNonsense is what is no request.
func loggedNonsense() *trace.Exchange {
	x := hostileExchange()
	x.Method, x.Path, x.Query, x.Host, x.Status, x.Source, x.Attempts, x.Names.From = "", "", "", "", 400, trace.FromNginx, nil, trace.NamesNone
	x.Reason = "the request is malformed"
	x.Logged = &trace.Logged{
		Time: at(0).In(india), RemoteAddr: "10.0.0.9", Line: "\x16\x03\x01 \"\\\x7fü", Status: 400, BodySent: 226, BytesSent: 400,
	}
	return x
}

// loggedHostile carries what a terminal would obey.
func loggedHostile() *trace.Exchange {
	x := logged()
	h := hostileExchange()
	x.Path, x.Query, x.Host, x.Status, x.Source, x.Reason = h.Path, h.Query, h.Host, h.Status, h.Source, h.Reason
	x.Logged.Line, x.Logged.Status = "GET "+h.Path+"?"+h.Query+" HTTP/1.1", 404
	x.Logged.UserAgent, x.Logged.Referer = "\x1b]0;owned\x07\u202e", "\"quoted\"\\"
	x.Names.RouteName, x.Names.RouteID = "\x1b[2J", "\x1b[2J"
	x.Headers.Request.Fields = append(x.Headers.Request.Fields, trace.Field{Name: "X-\x1b[2J", Value: "\x9b31m\r\n\u202e"})
	x.Headers.Request.Note = "\x1b[2J"
	return x
}

// loggedHeadless got no response head.
func loggedHeadless() *trace.Exchange {
	x := goneExchange()
	x.Names.From = trace.NamesExact
	x.Logged = logged().Logged
	x.Logged.Status, x.Logged.BytesSent, x.Logged.BodySent, x.Logged.Upstreams, x.Logged.RemoteUser = 0, 0, 0, nil, ""
	return x
}

// loggedSecure came over TLS and HTTP/2.
func loggedSecure() *trace.Exchange {
	x := logged()
	m := multiplexedExchange()
	x.TLS, x.Protocol, x.Clock, x.Server, x.Timing = m.TLS, m.Protocol, m.Clock, m.Server, m.Timing
	x.Logged.Line = "GET /orders/17?page=2 HTTP/2.0"
	return x
}

func logSamples() []*trace.Exchange {
	return []*trace.Exchange{
		logged(), loggedRetry(), loggedSecure(), loggedGone(), loggedReset(), loggedUpload(), loggedNonsense(), loggedHostile(),
		loggedHeadless(), plainExchange(), refusedExchange(), longExchange(),
	}
}

func allHeaders() logs.Selection { return logs.Selection{All: true} }
