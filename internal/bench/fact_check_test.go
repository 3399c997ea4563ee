package bench

import (
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestFacts(t *testing.T) {
	nodes := map[string]string{"refused": "10.0.0.1:80", "orders-1": "10.0.0.1:81", "auth": "10.0.0.1:82", "redis": "10.0.0.1:83"}
	record := func(node string, start int64) testrig.Record {
		return testrig.Record{ID: "a", Node: node, LocalAddr: nodes[node], RemoteAddr: "10.0.0.9:5000", Start: start}
	}
	tried := func(names ...string) testrig.AccessLine {
		line := testrig.AccessLine{ID: "a"}
		for _, name := range names {
			line.Attempts = append(line.Attempts, testrig.AccessAttempt{Addr: nodes[name]})
		}
		return line
	}
	sent := []testrig.Sent{{ID: "a", Kind: testrig.RetryRefused, Status: 200}}
	good := witnesses{
		sent: sent, nodes: nodes,
		lines:   []testrig.AccessLine{{ID: ""}, tried("auth", "refused", "orders-1"), {ID: ""}},
		records: []testrig.Record{record("orders-1", 3), record("redis", 2), record("auth", 1)},
	}
	facts, err := good.facts()
	if err != nil || len(facts) != 1 {
		t.Fatalf("got %v, %v", facts, err)
	}
	f := facts[0]
	if len(f.attempts) != 2 || f.attempts[0].record != nil || f.attempts[1].record.Node != "orders-1" {
		t.Errorf("attempts: got %v", f.attempts)
	}
	if len(f.calls) != 2 || f.calls[0].record.Node != "auth" || f.calls[1].record.Node != "redis" {
		t.Errorf("calls: got %v", f.calls)
	}

	for want, bad := range map[string]witnesses{
		"in the access log: false": {sent: sent, nodes: nodes},
		"twice":                    {sent: sent, nodes: nodes, lines: []testrig.AccessLine{tried(), tried()}},
		"has no record":            {sent: sent, nodes: nodes, lines: []testrig.AccessLine{tried("orders-1")}},
		"does not account for": {sent: sent, nodes: nodes, lines: []testrig.AccessLine{tried()},
			records: []testrig.Record{record("orders-1", 1)}},
	} {
		if _, err := bad.facts(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestSessionJudge(t *testing.T) {
	nodes := map[string]string{"orders-1": "10.0.0.1:81"}
	watched := func(probes bool, kind testrig.Kind, x *traced) session {
		read := asked(1, 2*ms).record
		read.ID = "a"
		line := testrig.AccessLine{ID: "a", Worker: 7, ClientPort: 4000, ConnectionSeq: 3, Time: at(5 * ms), Request: "GET /a HTTP/1.1",
			Attempts: []testrig.AccessAttempt{{Addr: nodes["orders-1"]}}}
		return session{probes: probes, plainPort: 80, traces: []*traced{x}, witnesses: witnesses{
			sent: []testrig.Sent{{ID: "a", Kind: kind}}, lines: []testrig.AccessLine{line}, records: []testrig.Record{*read}, nodes: nodes,
		}}
	}
	trace := func(port uint16, number int, confidence string) *traced {
		took := 3 * ms
		ends := endpoints{Peer: "10.0.0.1", PeerPort: 81, Local: "10.0.0.9", LocalPort: 5001}
		return &traced{PID: 7, ClientPort: 4000, GatewayPort: port, ConnectionRequest: number, Start: at(0), Duration: 5 * ms,
			Method: "GET", Path: "/a", Version: "1.1",
			Attempts: []attempt{{endpoints: ends, Start: at(ms), Duration: &took, Confidence: confidence}}}
	}
	for _, tt := range []struct {
		name   string
		s      session
		want   count
		faulty bool
	}{
		{"right", watched(true, testrig.Keepalive, trace(80, 3, "exact")), count{all: 1, right: 1}, false},
		{"no such request", watched(true, testrig.Keepalive, trace(80, 4, "exact")), count{all: 1, wrong: 1, wrongExact: 1, missing: 1}, true},
		{"inferred", watched(false, testrig.Keepalive, trace(80, 3, "inferred")), count{all: 1, right: 1, inferred: 1}, false},
		{"another number", watched(false, testrig.Sleep, trace(80, 4, "inferred")), count{all: 1, right: 1, inferred: 1}, false},
		{"https", watched(false, testrig.HTTPS, trace(443, 9, "exact")), count{all: 1, right: 1}, false},
		{"h2", watched(false, testrig.H2, trace(443, 9, "exact")), count{all: 1}, false},
	} {
		v, err := tt.s.judge()
		if err != nil {
			t.Fatal(err)
		}
		if got := v.total().attempts; got != tt.want || (len(v.faults()) > 0) != tt.faulty {
			t.Errorf("%s: want %+v, got %+v, %q\n%s", tt.name, tt.want, got, v.faults(), v)
		}
	}
}
