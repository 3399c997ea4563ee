package bpf_test

import (
	"os"
	"testing"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// TestGatewayOtherNetwork has the upstreams in a network namespace of their own.
func TestGatewayOtherNetwork(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartT(t, testrig.Options{NetNS: true})
	bothWays(t, func(t *testing.T, probes bool) {
		ask(t, rig, 1) // so that the gateway has a connection to the node
		w := watch(t, rig, probes)
		// The process behind a new address is looked for while its first requests pass.
		found := func() bool {
			ask(t, rig, 1)
			for _, x := range w.shown() {
				if upstreamSpans(x, rig.UpstreamsPID()) == 1 && x.Attempts[0].Peer.Addr().String()[:7] == "10.213." {
					return true
				}
			}
			return false
		}
		eventually(t, "a span of the upstreams' process", found)
		w.end()
	})
}

// upstreamSpans counts the spans of an upstream's process.
func upstreamSpans(x *trace.Exchange, pid int) int {
	n := 0
	for _, s := range x.Spans {
		if s.Role == trace.RoleUpstream && s.PID == pid {
			n++
		}
	}
	return n
}

// TestGatewayOverrun has a reader that stalls while the ring holds a page: what was lost
// is told.
func TestGatewayOverrun(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	w := prepare(t, bpf.Options{Target: find(t, rig), Probes: true, RingBytes: os.Getpagesize()})
	const n = 50
	ask(t, rig, n)
	// A client has its answer before nginx is done with the request.
	if _, err := rig.WaitAccessLog(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	w.read()
	sum := w.close()
	lost := sum.Lost["requests_ring_full"]
	if lost == 0 || sum.Seen+lost != n {
		t.Errorf("of %d requests, %d were seen and %d lost: %v", n, sum.Seen, lost, sum.Lost)
	}
	if sum.Lost["messages_ring_full"] == 0 {
		t.Errorf("messages were lost, too: %v", sum.Lost)
	}
	for _, x := range w.seen {
		if x.Path != "/checkout" || x.Status != 200 {
			t.Error(describe([]*trace.Exchange{x}))
		}
	}
}
