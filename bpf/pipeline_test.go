package bpf_test

import (
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// TestGatewayPipeline sends three requests in one write. The request object tells them
// apart; sockets alone cannot, and have to say so.
func TestGatewayPipeline(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{Record: true})
	paths := []string{"/checkout", "/orders", "/catalog"}
	bothWays(t, func(t *testing.T, probes bool) {
		w := watch(t, rig, probes)
		c := dial(t, rig.Addr())
		var all strings.Builder
		for _, path := range paths {
			all.WriteString(head("GET", testrig.MainHost, path))
		}
		c.send(all.String())
		for range paths {
			if status := c.status("GET"); status != 200 {
				t.Errorf("status %d", status)
			}
		}
		c.Close()
		if probes {
			w.wait(len(paths))
		} else {
			w.wait(1)
		}
		shown := w.end()
		records, err := rig.Records(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		checkExact(t, shown, records)
		if !probes {
			// Either all of them, or a word about those that are missing.
			if len(shown) < len(paths) && !strings.Contains(strings.Join(shown[0].Incomplete, " "), "pipelin") {
				t.Errorf("of %d requests in one write: %s", len(paths), describe(shown))
			}
			return
		}
		if len(shown) != len(paths) {
			t.Fatalf("want %d exchanges: %s", len(paths), describe(shown))
		}
		var sent int64
		for i, x := range shown {
			if x.Path != paths[i] || x.ConnectionRequest != i+1 || x.Status != 200 || len(x.Attempts) != 1 || x.Attempts[0].Confident != trace.Exact {
				t.Errorf("want %s as number %d: %s", paths[i], i+1, describe(shown[i:i+1]))
			}
			sent += x.Sent
		}
		if sent != c.received {
			t.Errorf("the client got %d bytes, %d are told", c.received, sent)
		}
	})
}

// checkExact wants every attempt that is said to be proved to be of the right request, by
// what the upstreams wrote down.
func checkExact(t *testing.T, all []*trace.Exchange, records []testrig.Record) {
	t.Helper()
	for _, x := range all {
		for _, a := range x.Attempts {
			for _, r := range records {
				at := time.Unix(0, r.Start)
				same := r.RemoteAddr == a.Local.String() && at.After(a.Start) && at.Before(a.Start.Add(a.Duration))
				if same && r.Path != x.Path && a.Confident == trace.Exact {
					t.Errorf("%s of node %s is said to be proved as an attempt of %s: %s", r.Path, r.Node, x.Path, a.Evidence)
				}
			}
		}
	}
}
