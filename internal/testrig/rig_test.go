package testrig

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// send runs a load that must end as its kinds promise.
func send(t *testing.T, l Load) LoadResult {
	t.Helper()
	res, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Check(); err != nil {
		t.Fatal(err)
	}
	return res
}

// recordsOf waits until the upstreams have n records of id, oldest first.
func recordsOf(t *testing.T, r *Rig, id string, n int) []Record {
	t.Helper()
	var mine []Record
	err := poll(t.Context(), func() (bool, error) {
		all, err := r.Records(t.Context())
		mine = slices.DeleteFunc(all, func(rec Record) bool { return rec.ID != id })
		return len(mine) >= n || t.Context().Err() != nil, err
	})
	if err != nil || len(mine) != n {
		t.Fatalf("records of %s: want %d, got %+v, %v", id, n, mine, err)
	}
	slices.SortFunc(mine, func(a, b Record) int { return int(a.Start - b.Start) })
	return mine
}

// What the upstreams must have written down for one request of each kind, as
// "node outcome status".
var recorded = map[Kind][]string{
	Keepalive:      {"orders served 200"},
	Fresh:          {"orders served 200"},
	RetryRefused:   {"orders-1 served 200"},
	RetryReset:     {"reset reset 0", "orders-2 served 200"},
	RetryTimeout:   {"hung hung 0", "orders-3 served 200"},
	Sleep:          {"orders served 200"},
	Cosocket:       {"redis served 0", "orders served 200"},
	CosocketFresh:  {"redis served 0", "orders served 200"},
	Mirror:         {"mirror served 200", "orders served 200"},
	Subrequest:     {"auth served 200", "orders served 200"},
	Upstream500:    {"error served 500"},
	GatewayTimeout: {"hung hung 0"},
	Closed:         {"closed closed 0"},
	ClosedReused:   {"stale served 200"},
	HTTPS:          {"orders served 200"},
	H2:             {"orders served 200"},
	H2C:            {"orders served 200"},
	HTTPSUpstream:  {"https served 200"},
	Large:          {"large served 200"},
	WebSocket:      {"websocket served 101"},
	Stream:         {"stream served 200"},
	CloseDelimited: {"http10 served 200"},
	Head:           {"orders served 200"},
	NotModified:    {"orders served 304"},
	Continue:       {"orders served 200"},

	ForwardAuth:   {"auth served 200", "orders served 200"},
	OPA:           {"opa served 200", "orders served 200"},
	OpenID:        {"openid served 200", "orders served 200"},
	HTTPLogger:    {"orders served 200"},
	TwoCalls:      {"auth served 200", "redis served 0", "orders served 200"},
	FanOut:        {"auth served 200", "opa served 200", "orders served 200"},
	WebConsumer:   {"orders served 200"},
	NoService:     {"orders served 200"},
	NumericID:     {"orders served 200"},
	LongNames:     {"orders served 200"},
	RewrittenPath: {"orders served 200"},
	Headers:       {"headers served 200"},
	GRPC:          {"grpc served 200"},
	GRPCOverTLS:   {"grpc served 200"},
	GRPCMissing:   {"grpc served 200"},
	GRPCBreak:     {"grpc served 200"},
}

func TestEachKind(t *testing.T) {
	rig := StartT(t, Options{Record: true})
	lines := 0
	for _, route := range AllRoutes() {
		t.Run(string(route.Kind), func(t *testing.T) {
			s := send(t, Load{Target: rig.Target(), Kinds: []Kind{route.Kind}, Requests: 1}).Sent[0]
			lines++
			want := recorded[route.Kind]
			var got []string
			for _, rec := range recordsOf(t, rig, s.ID, len(want)) {
				node := rec.Node
				if route.Attempts != nil && slices.Contains(route.Attempts, "") && strings.HasPrefix(node, "orders-") {
					node = "orders"
				}
				got = append(got, fmt.Sprintf("%s %s %d", node, rec.Outcome, rec.Status))
				if rec.LocalAddr != rig.Nodes()[rec.Node] || rec.RemoteAddr == "" || rec.ConnSeq < 1 {
					t.Errorf("record names the wrong connection: %+v", rec)
				}
				if rec.Start < s.Start || rec.Outcome == Served && route.Kind != WebSocket && rec.Node != "mirror" && rec.Start > s.End {
					t.Errorf("record is outside its request %d..%d: %+v", s.Start, s.End, rec)
				}
			}
			if route.Kind == Mirror || route.Kind == FanOut { // they run beside each other
				slices.Sort(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("records: want %q, got %q", want, got)
			}
			checkLine(t, rig, route, s, lines)
		})
	}
	// Upstream failures are logged by nginx itself, without a Lua file.
	log, err := os.ReadFile(filepath.Join(rig.Dir(), "error.log"))
	if err != nil || strings.Contains(string(log), ".lua") {
		t.Errorf("Lua code failed: %v\n%s", err, log)
	}
}

// checkLine compares the access log's line of s with its route.
func checkLine(t *testing.T, rig *Rig, route Route, s Sent, n int) {
	t.Helper()
	log, err := rig.WaitAccessLog(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(log, func(l AccessLine) bool { return l.ID == s.ID })
	if i < 0 {
		t.Fatalf("%s is not in the access log", s.ID)
	}
	line := log[i]
	want := fmt.Sprintf("%s %s HTTP/", route.Method, route.Paths[0])
	if line.Status != s.Status || line.Host != route.Host || !strings.HasPrefix(line.Request, want) {
		t.Errorf("access log: got %+v", line)
	}
	attempts := slices.DeleteFunc(line.Attempts, func(a AccessAttempt) bool { return a.Addr == rig.Nodes()["auth"] })
	if len(attempts) != len(route.Attempts) {
		t.Fatalf("attempts: want %q, got %+v", route.Attempts, attempts)
	}
	for i, name := range route.Attempts {
		if name != "" && attempts[i].Addr != rig.Nodes()[name] {
			t.Errorf("attempt %d: want node %s, got %+v", i, name, attempts[i])
		}
	}
}

func TestKeepaliveReusesConnections(t *testing.T) {
	rig := StartT(t, Options{Record: true, Workers: 1})
	const n = 30
	for _, tt := range []struct {
		kind   Kind
		node   string
		maxSeq func(int) bool
	}{
		{Keepalive, "orders", func(seq int) bool { return seq > 1 }},
		{Fresh, "orders", func(seq int) bool { return seq == 1 }},
		{Cosocket, redisNode, func(seq int) bool { return seq > 1 }},
		{CosocketFresh, redisNode, func(seq int) bool { return seq == 1 }},
	} {
		res := send(t, Load{Target: rig.Target(), Kinds: []Kind{tt.kind}, Requests: n})
		highest := 0
		for _, s := range res.Sent {
			for _, rec := range recordsOf(t, rig, s.ID, len(recorded[tt.kind])) {
				if strings.HasPrefix(rec.Node, tt.node) {
					highest = max(highest, rec.ConnSeq)
				}
			}
		}
		if !tt.maxSeq(highest) {
			t.Errorf("%s: highest number of a request on its connection is %d", tt.kind, highest)
		}
	}
}

func TestClosedReused(t *testing.T) {
	rig := StartT(t, Options{Record: true, Workers: 1})
	res := send(t, Load{Target: rig.Target(), Kinds: []Kind{ClosedReused}, Requests: 10})
	if got := res.ByStatus(); got[200] != 5 || got[502] != 5 {
		t.Errorf("statuses: want every second request to get 502, got %v", got)
	}
	for _, s := range res.Sent {
		rec := recordsOf(t, rig, s.ID, 1)[0]
		if (s.Status == 502) != (rec.Outcome == Shut && rec.ConnSeq == 2) {
			t.Errorf("status %d, but record %+v", s.Status, rec)
		}
	}
}

func TestResetRecords(t *testing.T) {
	rig := StartT(t, Options{Record: true, Cheap: true})
	s := send(t, Load{Target: rig.Target(), Kinds: []Kind{Keepalive}, Requests: 1}).Sent[0]
	recordsOf(t, rig, s.ID, 1)
	if err := rig.ResetRecords(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := rig.Records(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("records after a reset: %v, %v", left, err)
	}
}

func TestCheapServesItsKinds(t *testing.T) {
	o := Options{Cheap: true}
	rig := StartT(t, o)
	send(t, Load{Target: rig.Target(), Kinds: o.Kinds(), Requests: 70, Conns: 4})
	start := time.Now()
	log, err := rig.WaitAccessLog(t.Context(), 70)
	if err != nil || len(log) != 70 || time.Since(start) > 5*time.Second {
		t.Errorf("access log: %d lines, %v", len(log), err)
	}
}
