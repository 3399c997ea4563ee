package otlp_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/otlp"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

const ms = time.Millisecond

func at(d time.Duration) time.Time {
	return time.Date(2026, 11, 22, 12, 14, 45, 123_004_567, time.UTC).Add(d)
}

// retried is a request that the second node answered.
func retried() *trace.Exchange {
	first, second := netip.MustParseAddrPort("10.0.0.4:80"), netip.MustParseAddrPort("10.0.0.5:80")
	local := netip.MustParseAddrPort("10.0.0.2:40112")
	return &trace.Exchange{
		TraceID: trace.TraceID{0x4b, 0xf9, 15: 0x36}, Parent: trace.SpanID{0, 0xf0, 7: 0xb7}, Start: at(0), Duration: 15 * ms,
		PID: 4131, Method: "GET", Path: "/or\"ders\x1b", Host: "apisix.deepflow.demo", Protocol: "1.1", Status: 200,
		Client: netip.MustParseAddrPort("[::ffff:10.0.0.9]:51234"), Received: 188, Sent: 5300, Source: trace.FromUpstream, Clock: "ns",
		Timing: trace.Timing{ClientRead: 12, Gateway: 310, GatewayQueue: -1, GatewayResponse: 20, ClientWrite: 90},
		Attempts: []trace.Attempt{
			{Peer: first, Connect: 203, TLS: -1, Send: -1, Wait: -1, Read: -1, ErrType: "connection_refused", Reason: "refused (ECONNREFUSED)"},
			{Peer: second, Reused: true, Age: 2 * time.Second, TLS: -1, Send: 8, Wait: 12 * ms, Read: 90},
		},
		CPU: trace.CPU{Period: 10_101_010, Samples: 1, Time: 10_101_010},
		Spans: []trace.Span{
			{ID: trace.SpanID{7: 1}, Mark: 'S', Role: trace.RoleClientSide, Name: "gateway :9080", Start: at(0), Duration: 15 * ms, PID: 4131, Status: 200, Attempt: -1},
			{ID: trace.SpanID{7: 2}, Parent: trace.SpanID{7: 1}, Mark: 'P', Role: trace.RoleGateway, Name: "nginx request", Start: at(0), Duration: 15 * ms, PID: 4131, Status: 200, Attempt: -1, Evidence: "socket", Confident: trace.Exact},
			{ID: trace.SpanID{7: 3}, Parent: trace.SpanID{7: 2}, Mark: 'S', Role: trace.RoleAttempt, Name: "attempt 1 10.0.0.4:80", Start: at(1 * ms), Duration: 203, PID: 4131, Local: local, Peer: first, ErrType: "connection_refused"},
			{ID: trace.SpanID{7: 4}, Parent: trace.SpanID{7: 2}, Mark: 'S', Role: trace.RoleAttempt, Name: "attempt 2 10.0.0.5:80", Start: at(2 * ms), Duration: 12 * ms, PID: 4131, Local: local, Peer: second, Status: 200, Attempt: 1, TCPSeq: 3735928559},
			{ID: trace.SpanID{7: 5}, Parent: trace.SpanID{7: 4}, Mark: 'S', Role: trace.RoleUpstream, Name: "upstream process orders pid 991", Start: at(2 * ms), Duration: 11 * ms, PID: 991, Process: "orders", Status: 200, Attempt: -1, Evidence: "same addresses", Confident: trace.Inferred},
		},
	}
}

// failed is a 502 of nginx.
func failed() *trace.Exchange {
	x := retried()
	x.Status, x.Source, x.Reason = 502, trace.FromNginx, "10.0.0.4:80 refused the connection"
	x.Attempts, x.Spans = x.Attempts[:1], x.Spans[:3]
	x.Spans[0].Status, x.Spans[1].Status = 502, 502
	return x
}

// named has its names from its api_ctx, and what the Admin API adds.
func named() *trace.Exchange {
	x := retried()
	x.Names = trace.Names{
		From: trace.NamesExact, RouteID: "17", RouteName: "orders", ServiceID: "svc", ServiceName: "shop", Consumer: "jack",
		Upstream: "upstreams#/apisix/upstreams/shop", Balancer: "10.0.0.5:80", Tries: 2, RequestID: "6daf73a4", Plugin: "limit-count",
		URI: "/or\"ders*", Plugins: []string{"request-id", "limit-count"}, Labels: []trace.Label{{Key: "a\"b", Value: "c"}},
	}
	x.Spans = append(x.Spans[:2:2], trace.Span{ID: trace.SpanID{7: 6}, Parent: trace.SpanID{7: 2}, Mark: 'S', Role: trace.RoleCall,
		Name: "redis 10.0.0.7:6379", Plugin: "limit-count", Start: at(0), Duration: ms, PID: 4131, Attempt: -1})
	return x
}

func TestGolden(t *testing.T) {
	var b, pretty bytes.Buffer
	s := otlp.NewSink(&b)
	for _, x := range []*trace.Exchange{retried(), failed(), named()} {
		if err := s.Show(x); err != nil {
			t.Fatal(err)
		}
	}
	if b.Len() > 0 {
		t.Error("a batch was written before it was full")
	}
	if err := s.Summary(trace.Summary{Seen: 5, Shown: 2, Lost: map[string]uint64{"ring buffer full": 3}}); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b.Bytes()) {
		if err := json.Indent(&pretty, line, "", " "); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
	}
	testrig.Golden(t, "traces.json", pretty.String())
}

func TestBatches(t *testing.T) {
	var b bytes.Buffer
	s := otlp.NewSink(&b)
	x := retried()
	for range 130 {
		_ = s.Show(x)
	}
	if n := strings.Count(b.String(), "\n"); n != 2 {
		t.Errorf("%d lines of 130 exchanges, want 2 before Close", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != 3 {
		t.Errorf("%d lines after Close, want 3", n)
	}
	if n := strings.Count(b.String(), `"spanId"`); n != 130*5 {
		t.Errorf("%d spans, want %d", n, 130*5)
	}
	for line := range bytes.Lines(b.Bytes()) {
		if !json.Valid(line) || len(line) > 1<<20 {
			t.Errorf("a line of %d bytes, valid: %v", len(line), json.Valid(line))
		}
	}
}

func TestLongExchangesEndABatchEarly(t *testing.T) {
	var b bytes.Buffer
	s := otlp.NewSink(&b)
	x := retried()
	x.Path = "/" + strings.Repeat("x", 40<<10)
	for range 20 {
		_ = s.Show(x)
	}
	for line := range bytes.Lines(b.Bytes()) {
		if len(line) > 1<<20 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	if b.Len() == 0 {
		t.Error("nothing was written")
	}
}

func TestNothingIsWrittenOfNothing(t *testing.T) {
	var b bytes.Buffer
	s := otlp.NewSink(&b)
	if s.Summary(trace.Summary{}) != nil || s.Close() != nil || b.Len() > 0 {
		t.Errorf("wrote %q", b.String())
	}
}

func TestShowDoesNotAllocate(t *testing.T) {
	s := otlp.NewSink(io.Discard)
	x := named()
	for range 200 {
		_ = s.Show(x)
	}
	if n := testing.AllocsPerRun(1000, func() { _ = s.Show(x) }); n != 0 {
		t.Errorf("%v allocations an exchange, want 0", n)
	}
}

func BenchmarkShow(b *testing.B) {
	s := otlp.NewSink(io.Discard)
	x := retried()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Show(x); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"/a", `"\`, "\x00\x1f\x7f", "\xff\xed\xa0\x80", "日本\u2028\u009b", "\U0001f600"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		sink := otlp.NewSink(&b)
		x := failed()
		x.Reason = s
		_ = sink.Show(x)
		_ = sink.Close()
		var got struct {
			ResourceSpans []struct {
				ScopeSpans []struct {
					Spans []struct{ Status struct{ Message string } }
				}
			}
		}
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%v in %s", err, b.Bytes())
		}
		quoted, _ := json.Marshal(s)
		var want string
		_ = json.Unmarshal(quoted, &want)
		if m := got.ResourceSpans[0].ScopeSpans[0].Spans[0].Status.Message; m != want {
			t.Errorf("%q became %q, want %q", s, m, want)
		}
	})
}
