package bpf_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// namedKinds are all kinds of requests.
func namedKinds() []testrig.Kind {
	var kinds []testrig.Kind
	for _, r := range testrig.AllRoutes() {
		if !slices.Contains(kinds, r.Kind) {
			kinds = append(kinds, r.Kind)
		}
	}
	return kinds
}

// TestGatewayNames compares the names of 20,000 requests, over reloads, with those that
// the gateway's routes, services and consumers have; and who made each of their calls.
func TestGatewayNames(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	w := open(t, bpf.Options{Target: find(t, rig), Probes: true, RingBytes: 64 << 20, Headers: []string{"X-Rig-Id"}})
	requests := 20_000
	if emulated() {
		requests = 2_000
	}
	load, err := testrig.Load{Target: rig.Target(), Kinds: namedKinds(), Conns: 64, Requests: requests}.Start()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		time.Sleep(time.Second)
		if err := rig.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	result, err := load.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.wait(requests)
	byID := map[string]*trace.Exchange{}
	for _, x := range w.end() {
		byID[x.HeaderValues[0]] = x
	}
	wrong := map[string]int{}
	var right, calls int
	for _, s := range result.Sent {
		if !s.Arrived() {
			continue
		}
		x := byID[s.ID]
		if x == nil {
			wrong[string(s.Kind)+": not seen"]++
			continue
		}
		n, problems := judgeNames(s, x)
		calls += n
		for _, p := range problems {
			wrong[string(s.Kind)+": "+p]++
		}
		if len(problems) == 0 {
			right++
		}
	}
	t.Logf("%d of %d requests have the right names, and the right plugin for each of %d calls", right, len(byID), calls)
	for _, p := range slices.Sorted(maps.Keys(wrong)) {
		t.Errorf("%d times %s", wrong[p], p)
	}
	if right < requests {
		t.Errorf("%d of %d are right", right, requests)
	}
}

// judgeNames says what is wrong with the names of x, and counts its calls.
func judgeNames(s testrig.Sent, x *trace.Exchange) (calls int, problems []string) {
	route, err := testrig.RouteOf(s.Kind)
	if err != nil {
		return 0, []string{err.Error()}
	}
	want, got := route.Names(x.Path), x.Names
	differ := func(what, want, got string) {
		if want != got {
			problems = append(problems, fmt.Sprintf("%s is %q instead of %q", what, got, want))
		}
	}
	differ("naming", string(trace.NamesExact), string(got.From))
	differ("route", want.RouteID, got.RouteID)
	differ("route's name", want.RouteName, got.RouteName)
	differ("service", want.ServiceID, got.ServiceID)
	differ("service's name", want.ServiceName, got.ServiceName)
	differ("consumer", want.Consumer, got.Consumer)
	differ("upstream", want.UpstreamKey, got.Upstream)
	if got.Tries != len(route.Attempts) {
		problems = append(problems, fmt.Sprintf("%d tries instead of %d", got.Tries, len(route.Attempts)))
	}
	if n := len(x.Attempts); n > 0 && got.Balancer != x.Attempts[n-1].PeerName {
		problems = append(problems, "the balancer's choice is not the last attempt's peer")
	}
	var made, expected []string
	for _, span := range x.Spans {
		if span.Role == trace.RoleCall {
			made = append(made, span.Plugin)
		}
	}
	for _, call := range route.Calls() {
		switch {
		case call.Phase == "timer":
		case call.By == testrig.ByMirror: // nginx makes it, and no plugin runs
			expected = append(expected, "")
		default:
			expected = append(expected, call.Plugin)
		}
	}
	slices.Sort(made)
	slices.Sort(expected)
	differ("calls", strings.Join(expected, " "), strings.Join(made, " "))
	return len(made), problems
}
