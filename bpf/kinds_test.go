package bpf_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// A request is one that was sent: what the gateway logged of it, and what was traced.
type request struct {
	testrig.Route
	logged testrig.AccessLine
	x      *trace.Exchange
}

// sendKinds sends one request of each kind, each from a connection of its own.
func sendKinds(t *testing.T, rig *testrig.Rig) []testrig.Sent {
	t.Helper()
	var sent []testrig.Sent
	for _, kind := range (testrig.Options{}).Kinds() {
		got, err := testrig.Load{Target: rig.Target(), Kinds: []testrig.Kind{kind}, Requests: 1}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Check(); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, got.Sent...)
	}
	return sent
}

// matched finds for each request its line of the access log, and by the client's port
// its exchange.
func matched(t *testing.T, rig *testrig.Rig, sent []testrig.Sent, all []*trace.Exchange) []request {
	t.Helper()
	lines, err := rig.WaitAccessLog(t.Context(), len(sent))
	if err != nil {
		t.Fatal(err)
	}
	var requests []request
	for _, s := range sent {
		r := request{}
		if r.Route, err = testrig.RouteOf(s.Kind); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(lines, func(l testrig.AccessLine) bool { return l.ID == s.ID })
		if i < 0 {
			t.Fatalf("%s is not in the access log", s.Kind)
		}
		r.logged = lines[i]
		for _, x := range all {
			// Connections to other ports of the gateway may have the same one here.
			if int(x.Client.Port()) != r.logged.ClientPort || x.Server.String() != r.address(rig) {
				continue
			}
			if r.x != nil {
				t.Errorf("%s was shown twice", s.Kind)
			}
			r.x = x
		}
		if r.x == nil {
			t.Errorf("%s was not shown", s.Kind)
			continue
		}
		requests = append(requests, r)
	}
	if len(all) > len(sent) {
		t.Errorf("%d requests, but %d exchanges", len(sent), len(all))
	}
	return requests
}

// address returns where the gateway listens for requests of this kind.
func (r *request) address(rig *testrig.Rig) string {
	switch r.Transport {
	case testrig.OverHTTPS, testrig.OverH2:
		return rig.TLSAddr()
	case testrig.OverH2C:
		return rig.H2CAddr()
	}
	return rig.Addr()
}

func TestGatewayKinds(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{Record: true})
	bothWays(t, func(t *testing.T, probes bool) {
		// Once beforehand: the upstreams' process is then known, and their sockets are told.
		sendKinds(t, rig)
		w := watch(t, rig, probes)
		sent := sendKinds(t, rig)
		w.wait(len(sent))
		requests := matched(t, rig, sent, w.end())
		records, err := rig.Records(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range requests {
			t.Run(string(r.Kind), func(t *testing.T) {
				if probes || !sealed(r.Kind) {
					r.checkAnswer(t)
					r.checkAttempts(t)
				}
				r.checkEdges(t, probes)
				r.checkUpstreams(t, rig.UpstreamsPID(), records)
				r.checkParts(t)
				if t.Failed() {
					t.Log(describe([]*trace.Exchange{r.x}))
				}
			})
		}
	})
}

// checkAnswer compares what was asked and answered.
func (r *request) checkAnswer(t *testing.T) {
	x, l, want := r.x, r.logged, r.outcome()
	line := x.Method + " " + x.Path + " HTTP/" + strings.Replace(x.Protocol+".0", "1.1.0", "1.1", 1)
	if line != l.Request || x.Host != l.Host || x.Status != l.Status {
		t.Errorf("want %q of %s, %d; got %q of %s, %d", l.Request, l.Host, l.Status, line, x.Host, x.Status)
	}
	if x.PID != l.Worker || x.ConnectionRequest != l.ConnectionSeq {
		t.Errorf("want worker %d, request %d; got %d, %d", l.Worker, l.ConnectionSeq, x.PID, x.ConnectionRequest)
	}
	if x.Source != want.source || x.ErrType != want.errType {
		t.Errorf("want by %s (%s), got by %s (%s)", want.source, want.errType, x.Source, x.ErrType)
	}
	if (x.Reason == "") != (want.source == trace.FromUpstream) {
		t.Errorf("reason %q of an answer by %s", x.Reason, x.Source)
	}
	// nginx reads its clock, of milliseconds, once for all that it does between two waits.
	off := stretched(t, 2*time.Millisecond)
	if d := x.Duration - l.RequestTime; d < -off || d > off && x.Clock == "ns" && d > l.RequestTime {
		t.Errorf("want %s, got %s", l.RequestTime, x.Duration)
	}
}

// checkAttempts compares the attempts with nginx's log of them.
func (r *request) checkAttempts(t *testing.T) {
	want := r.outcome()
	if len(r.x.Attempts) != len(want.attempts) {
		t.Fatalf("want %d attempts, got %d", len(want.attempts), len(r.x.Attempts))
	}
	for i, a := range r.x.Attempts {
		logged := r.logged.Attempts[i]
		status := logged.Status
		if logged.HeaderTime < 0 {
			status = 0 // nginx logs what it makes of it
		}
		if a.Peer.String() != logged.Addr || a.Status != status || a.ErrType != want.attempts[i] {
			t.Errorf("attempt %d: want %s: %d (%s), got %s: %d (%s)", i+1, logged.Addr, status, want.attempts[i], a.Peer, a.Status, a.ErrType)
		}
		if (a.Reason == "") != (a.ErrType == "") {
			t.Errorf("attempt %d: %q because of %q", i+1, a.ErrType, a.Reason)
		}
	}
	if r.Kind == testrig.Fresh && r.x.Attempts[0].Reused {
		t.Error("a new connection is said to be reused")
	}
}

// checkEdges wants every edge to have its evidence. With the request object read, each of
// them is proved.
func (r *request) checkEdges(t *testing.T, probes bool) {
	var calls []string
	ids := map[trace.SpanID]trace.Span{}
	gateways := 0
	for i, s := range r.x.Spans {
		parent, ok := ids[s.Parent]
		if ok == (i == 0) {
			t.Errorf("%s is the %d. span; its parent comes before it: %t", s.Name, i+1, ok)
		}
		if ok && (s.Confident != trace.Exact && probes || s.Confident == "" || s.Evidence == "") {
			t.Errorf("%s below %s is %s: %q", s.Name, parent.Name, s.Confident, s.Evidence)
		}
		ids[s.ID] = s
		switch s.Role {
		case trace.RoleCall:
			name, _, _ := strings.Cut(s.Name, " "+s.Peer.String())
			calls = append(calls, name)
		case trace.RoleGateway:
			gateways++
		}
	}
	if (gateways == 1) != probes {
		t.Errorf("%d spans of the request object", gateways)
	}
	if want := r.outcome().calls; !slices.Equal(calls, want) {
		t.Errorf("want calls %q, got %q", want, calls)
	}
}

// checkUpstreams compares the spans of the upstreams' process with what it wrote down.
func (r *request) checkUpstreams(t *testing.T, pid int, records []testrig.Record) {
	want := map[string]int{} // by the gateway's end of the connection
	for _, rec := range records {
		if rec.ID == r.logged.ID || rec.ID == "" && rec.Start > r.x.Start.UnixNano() {
			want[rec.RemoteAddr]++
		}
	}
	ids := map[trace.SpanID]trace.Span{}
	for _, s := range r.x.Spans {
		ids[s.ID] = s
		if s.Role != trace.RoleUpstream {
			continue
		}
		parent := ids[s.Parent]
		if s.PID != pid || s.Process == "" || s.Peer != parent.Local || s.Local != parent.Peer {
			t.Errorf("%s: %s to %s, below %s: %s to %s", s.Name, s.Peer, s.Local, parent.Name, parent.Local, parent.Peer)
		}
		early := s.Start.Before(parent.Start)
		late := s.Start.Add(s.Duration).After(parent.Start.Add(parent.Duration))
		if early || late && s.Status != 0 {
			t.Errorf("%s: %s for %s is not within %s: %s for %s", s.Name, s.Start, s.Duration, parent.Name, parent.Start, parent.Duration)
		}
		if want[s.Peer.String()] == 0 {
			t.Errorf("%s: the process got no such request from %s", s.Name, s.Peer)
		}
		delete(want, s.Peer.String())
	}
	for _, rec := range records {
		if rec.ID == r.logged.ID && want[rec.RemoteAddr] > 0 {
			t.Errorf("the span of node %s is missing", rec.Node)
		}
	}
}
