package bpf_test

import (
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// TestGatewayOpenBefore opens the window when connections to and from the gateway have
// been used already.
func TestGatewayOpenBefore(t *testing.T) {
	rig, node := playNode(t, testrig.Options{Workers: 1})
	bothWays(t, func(t *testing.T, probes bool) {
		c := dial(t, rig.Addr())
		c.send(askNode("GET"))
		node.next().answer(plainAnswer)
		c.status("GET")
		w := watch(t, rig, probes)
		for range 2 {
			c.send(askNode("GET"))
			node.next().answer(plainAnswer)
			c.status("GET")
		}
		w.wait(2)
		all := w.end()
		if len(all) != 2 {
			t.Fatalf("want 2 exchanges: %s", describe(all))
		}
		for i, x := range all {
			if x.Path != "/error" || x.Status != 200 || x.Client.Port() != uint16(c.port()) || len(x.Incomplete) > 0 {
				t.Error(describe(all[i : i+1]))
			}
			// With sockets alone it cannot be known, and must not be guessed.
			if n := x.ConnectionRequest; n != i+2 && (probes || n != 0) {
				t.Errorf("the client's request %d is said to be number %d", i+2, n)
			}
			if len(x.Attempts) != 1 {
				t.Error(describe(all[i : i+1]))
			} else if a := x.Attempts[0]; !a.Reused || a.Age != -1 || a.Connect > 0 || a.Status != 200 || a.Peer.String() != node.addr {
				t.Errorf("age %s, connect %s: %s", a.Age, a.Connect, describe(all[i:i+1]))
			}
		}
	})
}

// TestGatewayUnderWay opens the window in the middle of a request.
func TestGatewayUnderWay(t *testing.T) {
	rig, node := playNode(t, testrig.Options{Workers: 1})
	bothWays(t, func(t *testing.T, probes bool) {
		c := dial(t, rig.Addr())
		c.send(askNode("GET"))
		call := node.next()
		w := watch(t, rig, probes)
		call.answer(plainAnswer)
		c.status("GET")
		c.send(askNode("GET"))
		node.next().answer(plainAnswer)
		c.status("GET")
		if !probes {
			// Of the first there is no more than an end.
			w.wait(1)
			all := w.end()
			if x := all[len(all)-1]; len(all) > 2 || x.Path != "/error" || x.Status != 200 || len(x.Attempts) != 1 || x.Received == 0 {
				t.Error(describe(all))
			}
			return
		}
		w.wait(2)
		all := w.end()
		if len(all) != 2 {
			t.Fatalf("want 2 exchanges: %s", describe(all))
		}
		for i, x := range all {
			if x.Path != "/error" || x.Status != 200 || x.Source != trace.FromUpstream || len(x.Attempts) != 1 || x.ConnectionRequest != i+1 {
				t.Error(describe(all[i : i+1]))
			}
			if (len(x.Incomplete) > 0) != (i == 0) {
				t.Errorf("request %d: incomplete: %q", i+1, x.Incomplete)
			}
		}
		if a := all[0].Attempts; len(a) == 1 && (a[0].Status != 200 || a[0].Peer.String() != node.addr || a[0].ErrType != "") {
			t.Error(describe(all[:1]))
		}
	})
}
