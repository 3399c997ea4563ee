package metrics_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
)

// anyRequest makes a request of one of a few routes, with attempts at some of a few nodes.
func anyRequest(r *rand.Rand, at time.Time) *trace.Exchange {
	x := &trace.Exchange{Start: at, Duration: time.Duration(r.Int64N(int64(time.Second))), PID: 100 + r.IntN(3), Timing: trace.Timing{Gateway: -1}}
	x.Status = []int{200, 200, 200, 404, 502, 0}[r.IntN(6)]
	if r.IntN(5) > 0 {
		x.Names = trace.Names{From: trace.NamesExact, RouteID: fmt.Sprint(r.IntN(4)), Upstream: "shop"}
	}
	if metrics.Failed(x) {
		x.Source, x.ErrType = trace.FromNginx, "connection_refused"
	}
	for range r.IntN(3) {
		a := trace.Attempt{
			Peer:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + r.IntN(3))}), 80),
			Start: at, Connect: ms, Wait: time.Duration(r.Int64N(int64(time.Second))), Duration: x.Duration, Reused: r.IntN(2) == 0, Status: 200,
		}
		if r.IntN(4) == 0 {
			a.ErrType, a.Status = "connection_reset", 0
		}
		x.Attempts = append(x.Attempts, a)
	}
	return x
}

func TestRequestsCountExactly(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var counted metrics.Requests
	var all []*trace.Exchange
	for i := range 5000 {
		x := anyRequest(r, began.Add(time.Duration(i)*40*ms))
		all = append(all, x)
		counted.Add(x)
	}

	var requests, errors, retries uint64
	for _, seen := range counted.Routes() {
		var want, failed, again uint64
		for _, x := range all {
			if (x.Names.From == trace.NamesUnread) != seen.Unread || x.Names.RouteID != seen.ID {
				continue
			}
			want++
			if x.Status == 0 || x.Status >= 500 {
				failed++
			}
			again += uint64(max(len(x.Attempts)-1, 0))
		}
		if seen.Requests != want || seen.Errors != failed || seen.Retries != again || seen.Sources[trace.FromNginx] != failed {
			t.Errorf("route %q: %d requests, %d errors, %d retries; want %d, %d, %d", seen.ID, seen.Requests, seen.Errors, seen.Retries, want, failed, again)
		}
		requests, errors, retries = requests+seen.Requests, errors+seen.Errors, retries+seen.Retries
	}
	if total := counted.Total(); total.Requests != 5000 || requests != 5000 || errors != total.Errors || retries != total.Retries {
		t.Errorf("%d of %d requests in routes", requests, total.Requests)
	}

	nodes, untold := counted.Upstreams()
	for _, n := range nodes {
		var attempts, reused, resets, again uint64
		for _, x := range all {
			for i, a := range x.Attempts {
				if a.Peer != n.Address {
					continue
				}
				attempts++
				reused += one(a.Reused)
				resets += one(a.ErrType != "")
				again += one(i > 0)
			}
		}
		if n.Attempts != attempts || n.Reused != reused || n.Resets != resets || n.Retries != again || n.Failures != resets || n.Upstream != "shop" && n.Upstream != "" {
			t.Errorf("%s: %+v; want %d attempts, %d reused, %d resets, %d retries", n.Address, n, attempts, reused, resets, again)
		}
	}
	if len(nodes) != 3 || untold != 0 {
		t.Errorf("%d nodes, %d attempts at others", len(nodes), untold)
	}

	var inTime, failed uint64
	for _, s := range counted.Timeline() {
		inTime, failed = inTime+s.Requests, failed+s.Errors
	}
	if inTime != 5000 || failed != errors {
		t.Errorf("%d requests and %d errors in the timeline", inTime, failed)
	}
}

func one(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

func TestRecentForgets(t *testing.T) {
	var counted metrics.Requests
	add := func(second int) {
		counted.Add(&trace.Exchange{Start: began.Add(time.Duration(second) * time.Second), Status: 500})
	}
	for _, second := range []int{0, 0, 1, 299, 298, 600, 601} {
		add(second)
	}
	add(301) // comes too late to be counted
	add(302) // does not, quite
	counts, errors := counted.Total().Recent.Counts(began.Add(602*time.Second), 10)
	if want := []uint32{0, 0, 0, 0, 0, 0, 0, 0, 1, 1}; !slices.Equal(counts, want) || !slices.Equal(errors, want) {
		t.Errorf("%v, %v", counts, errors)
	}
	if counts, _ = counted.Total().Recent.Counts(began.Add(602*time.Second), 300); sum(counts) != 3 || counts[0] != 1 {
		t.Errorf("the last 300 seconds: %v", counts)
	}
	if counts, _ = counted.Total().Recent.Counts(began.Add(2*time.Hour), 300); sum(counts) != 0 {
		t.Errorf("two hours later: %v", counts)
	}
}

func sum(counts []uint32) (n uint32) {
	for _, c := range counts {
		n += c
	}
	return n
}

func TestTimelineCoarsens(t *testing.T) {
	var counted metrics.Requests
	const seconds = 5000
	for i := range seconds {
		counted.Add(&trace.Exchange{Start: began.Add(time.Duration(i) * time.Second), Status: 200})
	}
	all := counted.Timeline()
	if len(all) > 600 || all[0].Length != 16*time.Second || !all[0].Start.Equal(began.Truncate(time.Second)) {
		t.Errorf("%d slots of %v from %v", len(all), all[0].Length, all[0].Start)
	}
	var n uint64
	for i, s := range all {
		if n += s.Requests; i < len(all)-1 && s.Requests != 16 {
			t.Errorf("slot %d has %d requests", i, s.Requests)
		}
	}
	if n != seconds {
		t.Errorf("%d of %d requests", n, seconds)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	var counted metrics.Requests
	for i := range 2000 {
		peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80)
		counted.Add(&trace.Exchange{
			Start: began, PID: 1 + i, Status: 200, Names: trace.Names{From: trace.NamesExact, RouteID: fmt.Sprint(i)},
			Attempts: []trace.Attempt{{Peer: peer, Status: 200}},
		})
	}
	routes := counted.Routes()
	nodes, untold := counted.Upstreams()
	if last := routes[len(routes)-1]; len(routes) != 513 || !last.Other || last.Requests != 2000-512 {
		t.Errorf("%d routes, the last one %+v", len(routes), last)
	}
	if len(nodes) != 512 || untold != 2000-512 {
		t.Errorf("%d nodes, %d untold", len(nodes), untold)
	}
	for i := range 400 {
		counted.AddWorker(&trace.Worker{PID: 1900 + i, Time: began, Span: time.Second, CPU: 500 * ms, Longest: time.Duration(i) * ms})
	}
	workers := counted.Workers()
	if last := workers[len(workers)-1]; len(workers) != 257 || !last.Other || last.Requests != 2000-256 || last.CPU != 0.5 || last.Longest != 399*ms || len(last.Recent) > 0 {
		t.Errorf("%d workers, the last one %+v", len(workers), last)
	}
}

func TestWorkers(t *testing.T) {
	var counted metrics.Requests
	for i := range 400 {
		w := &trace.Worker{PID: 7, Time: began.Add(time.Duration(i) * time.Second), Span: time.Second, CPU: 250 * ms, Conns: i, Longest: time.Duration(i%50) * ms}
		w.Ticks[trace.TickClass(w.Longest)] = 3
		counted.AddWorker(w)
	}
	all := counted.Workers()
	if len(all) != 1 || len(all[0].Recent) != 300 || all[0].CPU != 0.25 || all[0].Longest != 49*ms || all[0].LongestAt != began.Add(49*time.Second) {
		t.Fatalf("%+v", all[0].CPU)
	}
	if last := all[0].Last(); last.Conns != 399 {
		t.Errorf("the last: %+v", last)
	}
	var ticks uint64
	for _, n := range all[0].Ticks {
		ticks += n
	}
	if ticks != 1200 {
		t.Errorf("%d ticks", ticks)
	}
}

func TestTickClass(t *testing.T) {
	for d, want := range map[time.Duration]int{0: 0, time.Microsecond: 0, 2 * time.Microsecond: 1, 3 * time.Microsecond: 1, 4 * time.Microsecond: 2, ms: 9, 30 * ms: 14, time.Hour: trace.TickClasses - 1} {
		if got := trace.TickClass(d); got != want {
			t.Errorf("%v: class %d, want %d", d, got, want)
		}
	}
}

func BenchmarkRequestsAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var all []*trace.Exchange
	for i := range 1000 {
		all = append(all, anyRequest(r, began.Add(time.Duration(i)*ms)))
	}
	var counted metrics.Requests
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		counted.Add(all[i%len(all)])
	}
}

func TestRequestsOfNoTime(t *testing.T) {
	r := &metrics.Requests{}
	for _, at := range []time.Time{{}, time.Unix(-1, 0), time.Unix(1<<40, 0), began} {
		r.Add(&trace.Exchange{Start: at, Status: 200})
	}
	if n := r.Total().Requests; n != 4 {
		t.Errorf("%d requests", n)
	}
	counts, _ := r.Total().Recent.Counts(time.Unix(1<<40, 0).Add(time.Second), 300)
	if counts[299] != 1 {
		t.Errorf("the newest second has %d", counts[299])
	}
}
