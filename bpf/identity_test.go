package bpf_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// TestGatewayHeaders reads the headers by which a request can be found again.
func TestGatewayHeaders(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	const id, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	bothWays(t, func(t *testing.T, probes bool) {
		w := open(t, bpf.Options{Target: find(t, rig), Probes: probes, Headers: []string{"X-Rig-Id", "User-Agent"}})
		c := dial(t, rig.Addr())
		c.send(get("TraceParent: 00-"+id+"-"+parent+"-01", "x-request-id: order-8812", "User-Agent: probe", "X-RIG-ID: r1"))
		c.status("GET")
		c.send(get("traceparent: 00-nonsense-01"))
		c.status("GET")
		w.wait(2)
		all := w.end()
		if len(all) != 2 {
			t.Fatalf("want 2 exchanges: %s", describe(all))
		}
		x := all[0]
		if hex.EncodeToString(x.TraceID[:]) != id || hex.EncodeToString(x.Parent[:]) != parent || x.RequestID != "order-8812" {
			t.Errorf("trace %x, parent %x, request %q", x.TraceID, x.Parent, x.RequestID)
		}
		if probes && !slices.Equal(x.HeaderValues, []string{"r1", "probe"}) {
			t.Errorf("headers: %q", x.HeaderValues)
		}
		// The gateway's plugin makes an id and sends it on.
		next := all[1]
		if next.TraceID == x.TraceID || next.TraceID == (trace.TraceID{}) || next.Parent != (trace.SpanID{}) || next.RequestID == x.RequestID {
			t.Errorf("trace %x, parent %x, request %q", next.TraceID, next.Parent, next.RequestID)
		}
		if probes && !slices.Equal(next.HeaderValues, []string{"", ""}) {
			t.Errorf("headers: %q", next.HeaderValues)
		}
	})
}

// TestGatewayScreen sends what would move a terminal's cursor or is no text at all, where
// nginx lets it pass, and looks at what a user would see.
func TestGatewayScreen(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	bothWays(t, func(t *testing.T, probes bool) {
		w := watch(t, rig, probes)
		c := dial(t, rig.Addr())
		const path = "/\xc2\x9b31mred\xff\xfe?q=\xe2\x80\xae\x9d"
		c.send(head("GET", testrig.MainHost, path, "X-Request-Id: \x1b[2Jid\x07"))
		if status := c.status("GET"); status != 404 {
			t.Errorf("status %d", status)
		}
		x := w.only()
		if got := x.Path + "?" + x.Query; got != path {
			t.Errorf("want %q, got %q", path, got)
		}
		for _, format := range []string{"tree", "table"} {
			var out strings.Builder
			sink, err := render.Trace(format, &out, render.Options{Width: 200, Evidence: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := sink.Show(x); err != nil {
				t.Fatal(err)
			}
			if err := sink.Close(); err != nil {
				t.Fatal(err)
			}
			for _, bad := range []string{"\x1b", "\u009b", "\xff", "\x07", "\u202e", "\x9d"} {
				if text := out.String(); strings.Contains(strings.ToValidUTF8(text, "\xff"), bad) {
					t.Errorf("%s shows %q:\n%q", format, bad, text)
				}
			}
			if !strings.Contains(out.String(), "31mred") {
				t.Errorf("%s lacks the path:\n%s", format, out.String())
			}
		}
	})
}
