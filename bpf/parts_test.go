package bpf_test

import (
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// checkParts wants the parts to fit into the whole, and to explain it.
func (r *request) checkParts(t *testing.T) {
	var sum time.Duration
	for p := range r.x.Parts() {
		if p.Duration < 0 {
			t.Errorf("%s took %s", p.Name, p.Duration)
		}
		sum += p.Duration
	}
	if sum > r.x.Duration && !streamed(r.Kind) {
		t.Errorf("the parts add up to %s, the request took %s", sum, r.x.Duration)
	}
	// Where it takes that long, what the gateway does between the parts is little of it.
	slow := stretched(t, 10*time.Millisecond)
	if r.x.Duration >= slow && sum < r.x.Duration*9/10 {
		t.Errorf("the parts add up to %s, the request took %s", sum, r.x.Duration)
	}
	for _, want := range r.atLeast(t) {
		if want.got < want.least {
			t.Errorf("%s: want at least %s, got %s", want.name, want.least, want.got)
		}
	}
}

type lower struct {
	name       string
	got, least time.Duration
}

// atLeast says where the time of the slow kinds was spent. nginx's timers have a
// granularity of a millisecond.
func (r *request) atLeast(t *testing.T) []lower {
	x := r.x
	if len(x.Attempts) == 0 {
		return nil
	}
	first := x.Attempts[0]
	switch r.Kind {
	case testrig.Sleep:
		return []lower{{"gateway", x.Timing.Gateway, 4 * time.Millisecond}}
	case testrig.GatewayTimeout, testrig.RetryTimeout:
		return []lower{{"wait of the first attempt", first.Wait, 49 * time.Millisecond}}
	case testrig.Stream:
		// The node takes 15 ms, of which the gateway may miss what it does with the head.
		least := 15*time.Millisecond - stretched(t, 3*time.Millisecond)
		return []lower{{"read", first.Read, least}, {"client write", x.Timing.ClientWrite, least}}
	}
	return nil
}

// TestGatewayWait has a client and a node take their time.
func TestGatewayWait(t *testing.T) {
	rig, node := playNode(t, testrig.Options{})
	bothWays(t, func(t *testing.T, probes bool) {
		w := watch(t, rig, probes)
		c := dial(t, rig.Addr())
		const pause = 30 * time.Millisecond
		c.send(askNode("POST", "Content-Length: 4") + "ab")
		time.Sleep(pause)
		c.send("cd")
		call := node.next()
		time.Sleep(pause)
		call.answer(plainAnswer)
		c.status("POST")

		r := request{x: w.only()}
		r.checkParts(t)
		x := r.x
		if len(x.Attempts) != 1 {
			t.Fatal(describe([]*trace.Exchange{x}))
		}
		for _, want := range []lower{
			{"client read", x.Timing.ClientRead, pause},
			{"wait", x.Attempts[0].Wait, pause},
			{"all", x.Duration, 2 * pause},
		} {
			// Bytes are on their way for a moment: it may begin later than the pause did.
			if want.got < want.least-5*time.Millisecond {
				t.Errorf("%s: want at least %s, got %s", want.name, want.least, want.got)
			}
		}
	})
}
