package bpf_test

import (
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// TestGatewayHalfRequest has clients go away in the middle of what they ask.
func TestGatewayHalfRequest(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	tests := []struct {
		name, half string
		reset      bool
		path       string
	}{
		{"line, closed", "GET /check", false, ""},
		{"line, reset", "GET /check", true, ""},
		{"head, closed", "GET /checkout HTTP/1.1\r\nHost: " + testrig.MainHost + "\r\n", false, "/checkout"},
		{"head, reset", "GET /checkout HTTP/1.1\r\nHost: " + testrig.MainHost + "\r\n", true, "/checkout"},
		{"body, closed", head("POST", testrig.MainHost, "/checkout", "Content-Length: 100") + "half", false, "/checkout"},
		{"body, reset", head("POST", testrig.MainHost, "/checkout", "Content-Length: 100") + "half", true, "/checkout"},
	}
	bothWays(t, func(t *testing.T, probes bool) {
		w := watch(t, rig, probes)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				before := logged(t, rig)
				c := dial(t, rig.Addr())
				c.send(tt.half)
				settled(t, rig, c)
				if tt.reset {
					c.reset()
				} else {
					c.Close()
				}
				lines, err := rig.WaitAccessLog(t.Context(), before+1)
				if err != nil {
					t.Fatal(err)
				}
				// nginx logs a 400 that it never sent.
				x := w.of(t, c)
				if x.Status != 0 && x.Status != lines[before].Status || x.Source != trace.FromNginx || x.ErrType != trace.ErrClientGone || len(x.Attempts) != 0 {
					t.Error(describe([]*trace.Exchange{x}))
				}
				// With sockets alone, what there is of the line is shown.
				if x.Path != tt.path && (probes || x.Path != "/check") {
					t.Errorf("want %q: %s", tt.path, describe([]*trace.Exchange{x}))
				}
			})
		}
		w.endAfter(len(tests))
	})
}

// logged returns how many lines the access log has.
func logged(t *testing.T, rig *testrig.Rig) int {
	t.Helper()
	lines, err := rig.AccessLog()
	if err != nil {
		t.Fatal(err)
	}
	return len(lines)
}

// TestGatewayClientLeaves has clients go away while the gateway waits for a node.
func TestGatewayClientLeaves(t *testing.T) {
	rig, node := playNode(t, testrig.Options{})
	for _, tt := range []struct {
		name  string
		leave func(*client)
	}{
		{"closes", func(c *client) { c.Close() }},
		{"resets", func(c *client) { c.reset() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, probes bool) {
				w := watch(t, rig, probes)
				before := logged(t, rig)
				c := dial(t, rig.Addr())
				c.send(askNode("GET"))
				call := node.next()
				tt.leave(c)
				lines, err := rig.WaitAccessLog(t.Context(), before+1)
				if err != nil {
					t.Fatal(err)
				}
				close(call.over)
				x := w.only()
				if x.Status != 0 && x.Status != lines[before].Status || lines[before].Status != 499 {
					t.Errorf("status %d, logged %d", x.Status, lines[before].Status)
				}
				if x.Path != "/error" || x.Source != trace.FromNginx || x.ErrType != trace.ErrClientGone || x.Reason == "" || len(x.Attempts) != 1 {
					t.Error(describe([]*trace.Exchange{x}))
				} else if a := x.Attempts[0]; a.Peer.String() != node.addr || a.Status != 0 || a.ErrType == trace.ErrTimeout {
					t.Errorf("it is not the node's fault: %s", describe([]*trace.Exchange{x}))
				}
			})
		})
	}
}
