package bpf_test

import (
	"slices"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// TestGatewayWorkerDies kills a worker while it waits for a node.
func TestGatewayWorkerDies(t *testing.T) {
	rig, node := playNode(t, testrig.Options{Workers: 1})
	bothWays(t, func(t *testing.T, probes bool) {
		w := watch(t, rig, probes)
		done := dial(t, rig.Addr())
		done.send(get())
		done.status("GET")
		c := dial(t, rig.Addr())
		c.send(askNode("GET"))
		call := node.next()
		dead, err := rig.KillWorker()
		if err != nil {
			t.Fatal(err)
		}
		c.rest()
		close(call.over)

		// The next worker may take its time to come, but it shares the listening socket.
		next := dial(t, rig.Addr())
		next.send(get())
		if status := next.status("GET"); status != 200 {
			t.Errorf("status %d", status)
		}
		w.wait(3)
		all := w.end()
		if len(all) != 3 {
			t.Fatalf("want 3 exchanges, got %s", describe(all))
		}
		// Those that ended with the worker are shown together.
		slices.SortStableFunc(all, func(x, y *trace.Exchange) int { return x.Start.Compare(y.Start) })
		if x := all[0]; x.Status != 200 || x.ErrType != "" || x.Source != trace.FromUpstream {
			t.Errorf("answered before: %s", describe(all[:1]))
		}
		all = all[1:]
		x := all[0]
		if x.ErrType != trace.ErrGatewayDied || x.PID != dead || x.Status != 0 || len(x.Attempts) != 1 {
			t.Errorf("of the worker that died: %s", describe(all[:1]))
		} else if a := x.Attempts[0]; a.Peer.String() != node.addr || a.ErrType == trace.ErrTimeout {
			t.Errorf("it is not the node's fault: %s", describe(all[:1]))
		}
		// What was asked died with the request object, unless the sockets told.
		if x.Method+x.Path != "GET/error" && (!probes || len(x.Incomplete) == 0) {
			t.Errorf("of the worker that died: %s", describe(all[:1]))
		}
		if x := all[1]; x.Status != 200 || x.ErrType != "" || x.PID == dead || len(x.Attempts) != 1 || gatewaySpan(x) != probes {
			t.Errorf("of the worker that came: %s", describe(all[1:]))
		}
	})
}

// gatewaySpan reports whether x has a span of the request object.
func gatewaySpan(x *trace.Exchange) bool {
	for _, s := range x.Spans {
		if s.Mark == trace.MarkGateway && s.Role == trace.RoleGateway {
			return true
		}
	}
	return false
}

// TestGatewayMasterExits ends the gateway within the window.
func TestGatewayMasterExits(t *testing.T) {
	bothWays(t, func(t *testing.T, probes bool) {
		rig := testrig.StartT(t, testrig.Options{})
		w := watch(t, rig, probes)
		c := dial(t, rig.Addr())
		for range 3 {
			c.send(get())
			c.status("GET")
		}
		rig.StopMaster()
		w.wait(3)
		if all := w.end(); len(all) != 3 {
			t.Errorf("want 3 exchanges, got %s", describe(all))
		}
	})
}

// TestGatewayTwoWindows has two tools watch one gateway, of which one leaves first.
func TestGatewayTwoWindows(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	long, short, blind := watch(t, rig, true), watch(t, rig, true), watch(t, rig, false)
	c := dial(t, rig.Addr())
	send := func(n int) {
		for range n {
			c.send(get())
			c.status("GET")
		}
	}
	send(5)
	short.wait(5)
	short.end()
	if err := short.source.Close(); err != nil {
		t.Error(err)
	}
	send(5)
	for _, w := range []*window{long, blind} {
		w.wait(10)
		for i, x := range w.end() {
			if x.ConnectionRequest != i+1 || x.Status != 200 || len(x.Attempts) != 1 {
				t.Errorf("request %d: %s", i+1, describe([]*trace.Exchange{x}))
			}
		}
	}
	for what, n := range map[string]int{"long": len(long.seen), "blind": len(blind.seen), "short": len(short.seen) + 5} {
		if n != 10 {
			t.Errorf("%s window: %d exchanges are missing or too many", what, n-10)
		}
	}
}
