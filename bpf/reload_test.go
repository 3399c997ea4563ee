package bpf_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// TestGatewayReload reloads the gateway under load: all that it logged was traced.
func TestGatewayReload(t *testing.T) {
	bothWays(t, func(t *testing.T, probes bool) {
		rig := testrig.StartT(t, testrig.Options{})
		w := watch(t, rig, probes)
		kinds := (testrig.Options{}).Kinds()
		if !probes {
			kinds = slices.DeleteFunc(kinds, sealed)
		}
		load, err := testrig.Load{Target: rig.Target(), Kinds: kinds, Conns: 32, Requests: 2000}.Start()
		if err != nil {
			t.Fatal(err)
		}
		w.wait(100) // it is under way
		if err := rig.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		sent, err := load.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := sent.Check(); err != nil {
			t.Error(err)
		}
		arrived := 0
		for _, s := range sent.Sent {
			if s.Arrived() {
				arrived++
			}
		}
		lines, err := rig.WaitAccessLog(t.Context(), arrived)
		if err != nil {
			t.Fatal(err)
		}
		w.wait(arrived)
		compareCounts(t, lines, thrownAway(t, w.end(), len(sent.Sent)-arrived))
	})
}

// thrownAway takes out of all what the gateway read from a connection that it was closing,
// at most as many as the clients know of: nginx, which would log a request that it answers
// nothing, does not log what it reads only to throw it away (ngx_http_lingering_close_handler),
// but at the socket it is a request without an answer.
func thrownAway(t *testing.T, all []*trace.Exchange, most int) []*trace.Exchange {
	t.Helper()
	rest := slices.DeleteFunc(slices.Clone(all), func(x *trace.Exchange) bool {
		return x.Status == 0 && len(x.Attempts) == 0 && x.Source == trace.FromNginx
	})
	if n := len(all) - len(rest); n > most {
		t.Errorf("%d requests have no answer, but the clients missed %d", n, most)
	}
	return rest
}

// compareCounts compares, for each host, path and status, how many requests were logged
// with how many were traced.
func compareCounts(t *testing.T, lines []testrig.AccessLine, all []*trace.Exchange) {
	t.Helper()
	type what struct {
		host, request string
		worker        int
		status        int
	}
	difference := map[what]int{}
	for _, l := range lines {
		difference[what{l.Host, l.Request, l.Worker, l.Status}]++
	}
	for _, x := range all {
		protocol := x.Protocol
		if protocol == "2" {
			protocol = "2.0" // as nginx writes it
		}
		difference[what{x.Host, x.Method + " " + x.Path + " HTTP/" + protocol, x.PID, x.Status}]--
	}
	maps.DeleteFunc(difference, func(_ what, n int) bool { return n == 0 })
	for w, n := range difference {
		t.Errorf("%+v: %d more were logged than traced", w, n)
	}
	t.Logf("%d requests logged, %d traced", len(lines), len(all))
}
