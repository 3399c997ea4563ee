package render_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/trace"
)

func decoded(t *testing.T, all ...*trace.Exchange) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range bytes.Lines(shown(t, "json", render.Options{}, all...)) {
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		out = append(out, m)
	}
	return out
}

// want is what encoding/json makes of v, as decoded gives it.
func want(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out any
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestJSONExchange(t *testing.T) {
	type object = map[string]any
	x := retriedExchange()
	stamp := func(at time.Time) string { return at.Format("2006-01-02T15:04:05.000000000Z07:00") }
	var spans []object
	for i := range x.Spans {
		s := &x.Spans[i]
		attributes := object{"process.pid": s.PID}
		if s.Status > 0 {
			attributes["http.response.status_code"] = s.Status
		}
		if s.ErrType != "" {
			attributes["error.type"] = s.ErrType
		}
		if s.Process != "" {
			attributes["process.executable.name"] = s.Process
		}
		if s.Local.IsValid() {
			attributes["network.local.address"], attributes["network.local.port"] = s.Local.Addr(), s.Local.Port()
			attributes["network.peer.address"], attributes["network.peer.port"] = s.Peer.Addr(), s.Peer.Port()
		}
		if s.Sent > 0 {
			attributes["sent_bytes"], attributes["received_bytes"] = s.Sent, s.Received
		}
		if s.TCPSeq > 0 {
			attributes["tcp.seq"] = s.TCPSeq
		}
		o := object{
			"span_id": hex.EncodeToString(s.ID[:]), "kind": string(rune(s.Mark)), "name": s.Name, "start": stamp(s.Start),
			"role":        []string{"client_side", "gateway", "attempt", "attempt", "upstream"}[i],
			"duration_ns": s.Duration, "attributes": attributes,
		}
		o["parent_span_id"] = hex.EncodeToString(s.Parent[:])
		if i == 0 {
			o["parent_span_id"] = "00f067aa0ba902b7"
		} else {
			o["evidence"], o["confidence"] = s.Evidence, s.Confident
		}
		if s.Attempt >= 0 {
			o["attempt"] = s.Attempt
		}
		spans = append(spans, o)
	}
	first, second := &x.Attempts[0], &x.Attempts[1]
	wanted := object{
		"type": "trace", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "start": "2026-11-22T12:14:45.123004567Z", "duration_ns": 15200000,
		"http.request.method": "POST", "url.scheme": "http", "url.path": "/checkout", "server.address": "apisix.deepflow.demo",
		"http.response.status_code": 200, "network.protocol.version": "1.1", "client.address": "10.0.0.9", "client.port": 51234,
		"network.local.address": "10.0.0.2", "network.local.port": 9080, "http.request.size": 188, "http.response.size": 5300,
		"http.request.resend_count": 1, "process.pid": 4131, "apisix.request_id": "b7c1", "connection_request": 3, "response_source": "upstream",
		"timing": object{"client_read_ns": 12000, "gateway_ns": 310000, "gateway_queue_ns": 40000, "gateway_response_ns": 20000, "client_write_ns": 2390000, "clock": "ns"},
		"attempts": []object{{
			"network.peer.address": "10.0.0.4", "network.peer.port": 80, "network.local.address": "10.0.0.2", "network.local.port": 40112,
			"start": stamp(first.Start), "duration_ns": 203000, "reused": false, "connection_exchange": 1, "connection_age_ns": 0, "connect_ns": 203000,
			"error.type": "connection_refused", "reason": first.Reason, "evidence": first.Evidence, "confidence": "exact",
		}, {
			"network.peer.address": "10.0.0.5", "network.peer.port": 80, "network.local.address": "10.0.0.2", "network.local.port": 40112,
			"start": stamp(second.Start), "duration_ns": 12398000, "http.response.status_code": 200, "reused": true, "connection_exchange": 17, "connection_age_ns": 2300000000,
			"connect_ns": 0, "send_ns": 8000, "wait_ns": 12300000, "read_ns": 90000, "sent_bytes": 312, "received_bytes": 5120, "evidence": second.Evidence, "confidence": "exact",
		}},
		"spans": spans,
	}
	got := decoded(t, x)[0]
	for key, value := range want(t, wanted).(object) {
		if !reflect.DeepEqual(got[key], value) {
			t.Errorf("%s:\n got %v\nwant %v", key, got[key], value)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("unexpected %v", got)
	}
}

func TestJSONEndsWithTheSummary(t *testing.T) {
	lines := decoded(t, samples()...)
	wanted := map[string]any{
		"type": "summary", "seen": 12345, "shown": 17, "removed": map[string]int{"--host": 12000, "--status": 328},
		"lost": map[string]int{"ring buffer full": 3}, "notes": summary().Notes, "window_ns": 30 * time.Second,
	}
	if got := lines[len(lines)-1]; len(lines) != len(samples())+1 || !reflect.DeepEqual(got, want(t, wanted)) {
		t.Errorf("%d lines, the last %v, want %v", len(lines), got, wanted)
	}
}

func TestJSONOfAnEmptyExchangeAndSummary(t *testing.T) {
	var b bytes.Buffer
	sink, _ := render.Trace("json", &b, render.Options{})
	if err := sink.Show(&trace.Exchange{}); err != nil {
		t.Fatal(err)
	}
	if err := sink.Summary(trace.Summary{}); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b.Bytes()) {
		if !json.Valid(line) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func FuzzJSONString(f *testing.F) {
	for _, s := range []string{"", "/a", `"\`, "\x00\x1f\x7f", "\xff\xed\xa0\x80", "日本\u2028\u202e\u009b", "\U000e0041\U0001f600"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" {
			return
		}
		x := plainExchange()
		x.Path = s
		got, _ := decoded(t, x)[0]["url.path"].(string)
		b, _ := json.Marshal(s)
		var wanted string
		if err := json.Unmarshal(b, &wanted); err != nil {
			t.Fatal(err)
		}
		if got != wanted {
			t.Errorf("%q became %q, want %q", s, got, wanted)
		}
		if !utf8.ValidString(got) {
			t.Errorf("%q became invalid %q", s, got)
		}
	})
}

// slow is a writer that counts its calls.
type slow struct {
	bytes.Buffer
	writes int
}

func (s *slow) Write(b []byte) (int, error) {
	s.writes++
	return s.Buffer.Write(b)
}

func TestFeedWritesAtOnceWhenQuietAndSeldomWhenBusy(t *testing.T) {
	for _, format := range render.TraceFormats() {
		w := &slow{}
		sink, err := render.Trace(format, w, render.Options{})
		if err != nil {
			t.Fatal(err)
		}
		x := plainExchange()
		_ = sink.Show(x)
		if w.writes != 1 {
			t.Errorf("%s: %d writes after the first exchange, want 1", format, w.writes)
		}
		for range 20 {
			_ = sink.Show(x)
		}
		if w.writes > 10 {
			t.Errorf("%s: %d writes for 21 exchanges", format, w.writes)
		}
		if err := sink.(render.Flusher).Flush(); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(w.String(), "\n"); n < 21 {
			t.Errorf("%s: %d lines after Flush, want 21 at least", format, n)
		}
	}
}

func TestJSONDoesNotAllocate(t *testing.T) {
	sink, _ := render.Trace("json", io.Discard, render.Options{})
	x := namedExchange()
	_ = sink.Show(x)
	if n := testing.AllocsPerRun(1000, func() { _ = sink.Show(x) }); n != 0 {
		t.Errorf("%v allocations an exchange, want 0", n)
	}
}

func BenchmarkTrace(b *testing.B) {
	for _, format := range render.TraceFormats() {
		b.Run(format, func(b *testing.B) {
			sink, err := render.Trace(format, io.Discard, render.Options{})
			if err != nil {
				b.Fatal(err)
			}
			x := retriedExchange() // two attempts, five spans
			b.ReportAllocs()
			for b.Loop() {
				if err := sink.Show(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
