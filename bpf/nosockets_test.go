package bpf_test

import (
	"testing"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// TestGatewayWithoutSockets has the request object alone speak: it knows who asked, and how
// it ended, but of no system call.
func TestGatewayWithoutSockets(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	w := open(t, bpf.Options{
		Target: find(t, rig), Probes: true, Logged: true, NoSockets: true, Headers: []string{"X-Rig-Id"},
	})
	result, err := testrig.Load{Target: rig.Target(), Kinds: namedKinds(), Conns: 4, Requests: 200}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.wait(len(result.Sent))
	seen := map[string]*trace.Exchange{}
	for _, x := range w.end() {
		seen[x.HeaderValues[0]] = x
	}
	for _, s := range result.Sent {
		x := seen[s.ID]
		if x == nil {
			t.Fatalf("%s was not seen", s.Kind)
		}
		if x.Status != s.Status || x.Logged == nil || x.Clock != "ms" || !x.Client.IsValid() || len(x.Incomplete) > 0 || x.Sent <= 0 {
			t.Errorf("%s: status %d instead of %d, clock %s, client %s, sent %d, %q", s.Kind, x.Status, s.Status, x.Clock, x.Client, x.Sent, x.Incomplete)
		}
		for _, span := range x.Spans {
			if span.Mark == trace.MarkSystem {
				t.Errorf("%s: a span of a socket: %s", s.Kind, span.Name)
			}
		}
	}
}

// TestGatewayWithoutSocketsOrLayout has neither at first: the sockets are watched after all.
func TestGatewayWithoutSocketsOrLayout(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	target := find(t, rig)
	target.Layout = shifted(target.Layout)
	w := open(t, bpf.Options{Target: target, Probes: true, Logged: true, NoSockets: true})
	ask(t, rig, 8)
	eventually(t, "the source notices", func() bool { return w.noted("do not look as") })
	const after = 3
	checkSocketsAlone(t, askEach(t, rig, w, after), after)
}
