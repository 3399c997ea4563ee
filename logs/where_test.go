package logs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// shopRequest is a slow 502 of the second node.
func shopRequest() *trace.Exchange {
	ms := time.Millisecond
	return &trace.Exchange{
		Method: "POST", Path: "/checkout", Query: "cart=7&api_key=sesame", Host: "shop.example", Protocol: "1.1", Status: 502,
		Source: trace.FromUpstream, PID: 4132, Received: 400,
		Attempts: []trace.Attempt{{PeerName: "10.0.0.4:80"}, {PeerName: "10.0.0.5:80", Status: 502}},
		Names:    trace.Names{From: trace.NamesExact, RouteID: "r7", RouteName: "checkout", ServiceID: "s1", Consumer: "jack"},
		Logged: &trace.Logged{
			Time: time.Date(2026, 11, 22, 12, 14, 45, 123e6, time.UTC), RemoteAddr: "10.0.0.9", RemotePort: 51234,
			Line: "POST /checkout?cart=7&api_key=sesame HTTP/1.1", HTTPHost: "shop.example", UserAgent: "curl/7.88.1",
			Status: 502, BytesSent: 300, BodySent: 100, RequestTime: 310 * ms,
			Upstreams: []trace.UpstreamState{
				{Peer: "10.0.0.4:80", Status: 502, Response: 1 * ms}, {Peer: "10.0.0.5:80", Status: 502, Response: 299 * ms},
			},
		},
		Headers: &trace.Headers{
			Request: trace.Head{Seen: true, Fields: []trace.Field{
				{Name: "Host", Value: "shop.example"}, {Name: "X-Tenant", Value: "acme"}, {Name: "X-Tenant", Value: "b"},
				{Name: "Authorization", Value: "Bearer open"},
			}},
			Response: trace.Head{Seen: true, Fields: []trace.Field{{Name: "Content-Type", Value: "text/plain"}}},
		},
	}
}

func TestWhere(t *testing.T) {
	for source, want := range map[string]bool{
		`true`:                                               true,
		`status >= 500`:                                      true,
		`status == 502 && attempts > 1`:                      true,
		`status in [500, 502]`:                               true,
		`status in 500..599`:                                 true,
		`status not in 400..499`:                             true,
		`status < 500 or method == "POST"`:                   true,
		`not (status < 500)`:                                 true,
		`upstream_time > 200ms`:                              true,
		`upstream_time == 300ms`:                             true,
		`upstream_time >= 0.3s`:                              true,
		`upstream_time > 1m30s`:                              false,
		`upstream_time>200ms&&status==502`:                   true,
		`200ms < upstream_time && 1h > 5s`:                   true,
		`upstream_time * 2 > 500ms`:                          true,
		`request_time - upstream_time == 10ms`:               true,
		`gateway_time == 10ms`:                               true,
		`gateway_time > 10000µs`:                             false,
		`gateway_time >= 10000us`:                            true,
		`gateway_time in [10ms, 20ms]`:                       true,
		`let most = 305ms; request_time > most`:              true,
		`request_time > (status == 502 ? 1ms : 1h)`:          true,
		`header("x-tenant") == "acme, b"`:                    true,
		`header("X-TENANT") contains "acme"`:                 true,
		`header("x-nothing") == ""`:                          true,
		`header("authorization") == "Bearer open"`:           true, // for deciding, secrets are seen
		`response_header("content-type") startsWith "text/"`: true,
		`upstream_header("host") == ""`:                      true,
		`query contains "sesame"`:                            true,
		`uri == "/checkout?cart=7&api_key=sesame"`:           true,
		`path matches "^/check"`:                             true,
		`lower(method) == "post"`:                            true,
		`len(user_agent) > 3`:                                true,
		`host endsWith ".example"`:                           true,
		`client == "10.0.0.9" && client_port > 1`:            true,
		`upstream == "10.0.0.5:80"`:                          true,
		`upstreams == "10.0.0.4:80, 10.0.0.5:80"`:            true,
		`upstream_status == 502`:                             true,
		`route == "r7" && route_name == "checkout"`:          true,
		`consumer == "jack" && service == "s1"`:              true,
		`source == "upstream" && gave_up == ""`:              true,
		`bytes_sent > 299 && body_sent == 100`:               true,
		`user == "" && referer == ""`:                        true,
		`host == "200ms"`:                                    false, // a string stays one
		`host == '200ms' || path == "a\"200ms"`:              false,
		"host == `200ms`":                                    false,
		`status > 5 /* 200ms */ && true // 5s`:               true,
		`start < time`:                                       true,
	} {
		w, err := logs.CompileWhere(source)
		if err != nil {
			t.Errorf("CompileWhere: %v", err)
			continue
		}
		for range 2 {
			if got, err := w.Match(shopRequest()); got != want || err != nil {
				t.Errorf("%s is %t, %v, want %t", source, got, err, want)
			}
		}
		if w.Headers() != strings.Contains(source, `header(`) {
			t.Errorf("%s: Headers is %t", source, w.Headers())
		}
	}
}

func TestWhereErrors(t *testing.T) {
	for _, tt := range []struct {
		source, what string
		column       int
		unknown      bool
	}{
		{"", "unexpected token EOF", 1, false},
		{"statuss >= 500", "unknown name statuss", 1, true},
		{"status >= 500 && hots == 1", "unknown name hots", 18, true},
		{"$env.status == 200", "unknown name $env", 1, true},
		{"Fields == Fields", "unknown name Fields", 1, true},
		{"Status == 200", "unknown name Status", 1, true},
		{"now() > time", "unknown name now", 1, true},
		{"upstream_time > 200", "invalid operation: > (mismatched types duration and number)", 15, false},
		{"status > 200ms", "invalid operation: > (mismatched types number and duration)", 8, false},
		{`host > 3s`, "invalid operation: > (mismatched types text and duration)", 6, false},
		{`status == "5"`, "invalid operation: == (mismatched types number and text)", 8, false},
		{"status", "expected true or false, but got number", 0, false},
		{"200ms", "expected true or false, but got duration", 0, false},
		{"status 200ms", `unexpected token Identifier("200ms")`, 8, false},
		{"µs == 1 && status 200ms", `unexpected token Identifier("200ms")`, 19, false},
		{"status = 200", `unexpected token Operator("=")`, 8, false},
		{`host == "a`, "literal not terminated", 11, false},
		{"5min > request_time", `bad number syntax: "5m"`, 2, false},
		{`path matches "("`, "error parsing regexp: missing closing ): `(`", 6, false},
		{`header("a") == 1`, "invalid operation: == (mismatched types text and number)", 13, false},
		{`header(1) == "a"`, "cannot use number as argument (type text) to call header", 8, false},
		{"header() == 'a'", "not enough arguments to call header", 1, false},
		{"host.x == 1", "type text has no field x", 6, false},
	} {
		_, err := logs.CompileWhere(tt.source)
		e, ok := errors.AsType[*logs.WhereError](err)
		if !ok || e.What != tt.what || e.Column != tt.column || e.Unknown != tt.unknown || e.Source != tt.source {
			t.Errorf("CompileWhere(%q) = %+v, want %+v", tt.source, err, tt)
		}
	}
}

func TestWhereThatCannotBeDecided(t *testing.T) {
	w, err := logs.CompileWhere(`status % client_port == 0`)
	if err != nil {
		t.Fatal(err)
	}
	x := shopRequest()
	x.Logged.RemotePort = 0
	if got, err := w.Match(x); got || err == nil || !strings.Contains(err.Error(), "divide by zero") {
		t.Errorf("Match = %t, %v", got, err)
	}
	if _, err := w.Match(shopRequest()); err != nil {
		t.Errorf("after an error: %v", err)
	}
}

func BenchmarkWhere(b *testing.B) {
	w, err := logs.CompileWhere(`status >= 500 && header("x-request-id") == "" && upstream_time > 200ms`)
	if err != nil {
		b.Fatal(err)
	}
	x := shopRequest()
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := w.Match(x); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
