package metrics_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
)

// anyWindow makes requests with pauses between some of them, which do not end in their order.
func anyWindow(seed uint64, n int) []*trace.Exchange {
	r := rand.New(rand.NewPCG(seed, 3))
	sources := []trace.ResponseSource{trace.FromAPISIX, trace.FromNginx, trace.FromUpstream, trace.FromUnknown}
	at := began
	var all []*trace.Exchange
	for range n {
		if at = at.Add(time.Duration(r.Int64N(int64(200 * ms)))); r.IntN(100) == 0 {
			at = at.Add(time.Duration(r.Int64N(int64(time.Minute))))
		}
		x := anyRequest(r, at)
		x.Status = []int{0, 101, 200, 301, 404, 429, 500, 502, 599}[r.IntN(9)]
		x.Duration = time.Duration(1000 * (1 + r.ExpFloat64()*float64(r.IntN(1000)))) // from a microsecond to some ms
		x.Timing.Gateway = x.Duration - time.Duration(r.Int64N(int64(2*x.Duration)))  // at times not seen
		x.Source, x.ErrType = sources[r.IntN(len(sources))], []string{"", "timeout", "connection_reset"}[r.IntN(3)]
		for i := range x.Attempts {
			x.Attempts[i].Wait = time.Duration(r.ExpFloat64() * float64(10*ms))
		}
		all = append(all, x)
	}
	return all
}

// near reports whether a quantile is that of values, to the 3% of a histogram.
func near(got time.Duration, values []time.Duration, q float64) bool {
	if len(values) == 0 {
		return got == -1
	}
	slices.Sort(values)
	want := values[max(int(q*float64(len(values))+0.9999999)-1, 0)]
	return (got - want).Abs() <= want*3/100+100*time.Nanosecond
}

func TestRequestsAgreeWithALongCount(t *testing.T) {
	for seed := range uint64(20) {
		all := anyWindow(seed, 200+int(seed)*100)
		var counted metrics.Requests
		for _, x := range all {
			counted.Add(x)
		}
		in := func(keep func(*trace.Exchange) bool) (some []*trace.Exchange) {
			for _, x := range all {
				if keep(x) {
					some = append(some, x)
				}
			}
			return some
		}
		checkRoute(t, seed, counted.Total(), all)
		for _, r := range counted.Routes() {
			checkRoute(t, seed, r, in(func(x *trace.Exchange) bool {
				return (x.Names.From == trace.NamesUnread) == r.Unread && x.Names.RouteID == r.ID
			}))
		}
		slots := counted.Timeline()
		for i, s := range slots {
			checkSlot(t, seed, s, in(func(x *trace.Exchange) bool {
				end := x.Start.Add(x.Duration)
				return (i == 0 || !end.Before(s.Start)) && end.Before(s.Start.Add(s.Length))
			}))
		}
		nodes, _ := counted.Upstreams()
		for _, n := range nodes {
			checkNode(t, seed, n, all)
		}
		if len(slots) == 0 || len(nodes) != 3 {
			t.Errorf("seed %d: %d slots, %d nodes", seed, len(slots), len(nodes))
		}
	}
}

func checkRoute(t *testing.T, seed uint64, got metrics.RouteSeen, of []*trace.Exchange) {
	t.Helper()
	var classes [6]uint64
	sources, types := map[trace.ResponseSource]uint64{}, map[string]uint64{}
	var took, gateway []time.Duration
	var seconds, failures [300]uint32
	newest := time.Time{}
	for _, x := range of {
		if end := x.Start.Add(x.Duration); end.After(newest) {
			newest = end
		}
	}
	now := newest.Truncate(time.Second).Add(time.Second)
	for _, x := range of {
		classes[x.Status/100]++
		took = append(took, x.Duration)
		if x.Timing.Gateway >= 0 {
			gateway = append(gateway, x.Timing.Gateway)
		}
		second := 299 - int(now.Add(-time.Nanosecond).Sub(x.Start.Add(x.Duration))/time.Second)
		if second >= 0 {
			seconds[second]++
		}
		if x.Status != 0 && x.Status < 500 {
			continue
		}
		if sources[x.Source]++; x.ErrType != "" {
			types[x.ErrType]++
		}
		if second >= 0 {
			failures[second]++
		}
	}
	counts, errors := got.Recent.Counts(now, 300)
	if got.Classes != classes || got.Errors != classes[0]+classes[5] || !maps.Equal(got.Sources, sources) || !maps.Equal(got.Types, types) {
		t.Errorf("seed %d, route %q: %v, %v, %v; want %v, %v, %v", seed, got.ID, got.Classes, got.Sources, got.Types, classes, sources, types)
	}
	if !slices.Equal(counts, seconds[:]) || !slices.Equal(errors, failures[:]) {
		t.Errorf("seed %d, route %q by second: %v, %v; want %v, %v", seed, got.ID, counts, errors, seconds, failures)
	}
	if !near(got.P50, took, 0.5) || !near(got.P90, took, 0.9) || !near(got.P99, took, 0.99) || got.Max != slices.Max(took) {
		t.Errorf("seed %d, route %q: %s, %s, %s, %s", seed, got.ID, got.P50, got.P90, got.P99, got.Max)
	}
	if !near(got.GatewayP50, gateway, 0.5) || !near(got.GatewayP99, gateway, 0.99) {
		t.Errorf("seed %d, route %q: %s, %s in the gateway", seed, got.ID, got.GatewayP50, got.GatewayP99)
	}
}

func checkSlot(t *testing.T, seed uint64, got metrics.Slot, of []*trace.Exchange) {
	t.Helper()
	var errors uint64
	var took []time.Duration
	for _, x := range of {
		took = append(took, x.Duration)
		errors += one(metrics.Failed(x))
	}
	if got.Requests != uint64(len(of)) || got.Errors != errors || !near(got.P50, took, 0.5) || !near(got.P99, took, 0.99) {
		t.Errorf("seed %d: %+v, want %d requests, %d errors", seed, got, len(of), errors)
	}
}

func checkNode(t *testing.T, seed uint64, got metrics.UpstreamSeen, all []*trace.Exchange) {
	t.Helper()
	var connect, wait []time.Duration
	var failed time.Time
	for _, x := range all {
		for _, a := range x.Attempts {
			if a.Peer != got.Address {
				continue
			}
			if wait = append(wait, a.Wait); a.ErrType != "" {
				failed = x.Start.Add(x.Duration)
			} else if !a.Reused {
				connect = append(connect, a.Connect)
			}
		}
	}
	if !got.LastFailed.Equal(failed) || got.Fresh != uint64(len(connect)) || !near(got.WaitP50, wait, 0.5) || !near(got.WaitP99, wait, 0.99) ||
		!near(got.ConnectP50, connect, 0.5) || !near(got.ConnectP99, connect, 0.99) {
		t.Errorf("seed %d, node %s: %+v", seed, got.Address, got)
	}
}

// many has as many routes, nodes and workers as are kept, and a window of ten minutes.
func many() (*metrics.Requests, []*trace.Exchange) {
	r := rand.New(rand.NewPCG(5, 6))
	counted := &metrics.Requests{}
	var all []*trace.Exchange
	for i := range 4096 {
		x := anyRequest(r, began.Add(time.Duration(i)*150*ms))
		x.Names.From, x.Names.RouteID, x.PID = trace.NamesExact, fmt.Sprint(i%600), 1+i%300
		x.Attempts = []trace.Attempt{{Peer: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i % 600 >> 8), byte(i)}), 80), Status: 200, Wait: ms, Duration: 2 * ms}}
		all = append(all, x)
		counted.Add(x)
	}
	return counted, all
}

func TestRequestsAllocateNothing(t *testing.T) {
	counted, all := many()
	all = append(all, anyWindow(1, 100)...)
	for _, x := range all {
		counted.Add(x)
	}
	i := 0
	if allocs := testing.AllocsPerRun(len(all), func() { counted.Add(all[i%len(all)]); i++ }); allocs != 0 {
		t.Errorf("Add allocates %v times", allocs)
	}
}

// BenchmarkRequestsSeen has all that a screen can show of a window that is full.
func BenchmarkRequestsSeen(b *testing.B) {
	counted, _ := many()
	b.ReportAllocs()
	for b.Loop() {
		counted.Routes()
		counted.Upstreams()
		counted.Workers()
		counted.Timeline()
	}
}
