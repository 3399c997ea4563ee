package trace_test

import (
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// TestPartsAddUp: what follows each other takes no longer than the whole. Times by nginx's
// own clock are only good to a millisecond.
func TestPartsAddUp(t *testing.T) {
	for _, tt := range allTales() {
		s := tt.told(t, 0)
		for i := range s.shown {
			x := &s.shown[i]
			limit := x.Duration
			sum := max(x.Timing.ClientRead, 0) + max(x.Timing.Gateway, 0)
			for j := range x.Attempts {
				a := &x.Attempts[j]
				for _, d := range []time.Duration{a.Connect, a.TLS, a.Send, a.Wait, a.Read} {
					sum += max(d, 0)
				}
				if a.Start.IsZero() {
					limit += time.Millisecond
				}
			}
			if sum > limit {
				t.Errorf("%s: %s takes %v, its parts %v", tt.name, gist(x), x.Duration, sum)
			}
		}
	}
}

// TestWaitForTheClientIsClientRead: a client that does not send its request in time has
// used up the time, not the gateway.
func TestWaitForTheClientIsClientRead(t *testing.T) {
	s := newStory(t, true)
	c := s.accepts(aClient)
	c.reads("GET /orders HTTP/1.1\r\nHost: sho")
	s.tick(60_000_000)
	s.ends(c, get("/orders", 408))
	s.end()
	if most := s.shown[0].Largest(); most.Name != "client_read" {
		t.Errorf("a 408 after 60s: the largest part is %s, %v", most.Name, most.Duration)
	}
}

// TestLargest takes the part that a reader would blame.
func TestLargest(t *testing.T) {
	const ms = time.Millisecond
	began := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	attempt := func(from, wait, read time.Duration) trace.Attempt {
		return trace.Attempt{
			Start: began.Add(from), Connect: -1, TLS: -1, Send: -1, Wait: wait, Read: read, Duration: wait + read,
		}
	}
	none := trace.Timing{ClientRead: -1, Gateway: -1, GatewayQueue: -1, GatewayResponse: -1, ClientWrite: -1}
	with := func(change func(*trace.Timing)) trace.Timing {
		timing := none
		change(&timing)
		return timing
	}
	for _, tt := range []struct {
		name string
		x    trace.Exchange
		want string
	}{
		{"nothing was seen", trace.Exchange{Timing: none}, ""},
		{"slow upload", trace.Exchange{Timing: with(func(t *trace.Timing) { t.ClientRead, t.Gateway = 9*ms, 3*ms })}, "client_read"},
		{"a part beats the queue within it", trace.Exchange{Timing: with(func(t *trace.Timing) { t.Gateway, t.GatewayQueue = 9*ms, 8*ms })}, "gateway"},
		{"one attempt", trace.Exchange{Timing: none, Attempts: []trace.Attempt{attempt(0, 5*ms, ms)}}, "upstream wait"},
		{"second of two", trace.Exchange{Timing: none, Attempts: []trace.Attempt{attempt(0, 5*ms, ms), attempt(6*ms, 7*ms, ms)}}, "attempt 2 wait"},
		{
			"streamed", trace.Exchange{
				Start: began, Duration: 100 * ms, Timing: with(func(t *trace.Timing) { t.ClientWrite = 95 * ms }),
				Attempts: []trace.Attempt{attempt(0, 5*ms, 90*ms)},
			}, "upstream read",
		},
		{
			"the client is slower than the node", trace.Exchange{
				Start: began, Duration: 300 * ms, Timing: with(func(t *trace.Timing) { t.ClientWrite = 295 * ms }),
				Attempts: []trace.Attempt{attempt(0, 5*ms, 90*ms)},
			}, "client_write",
		},
	} {
		if got := tt.x.Largest().Name; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestPartsStop yields no further once the caller has had enough.
func TestPartsStop(t *testing.T) {
	x := trace.Exchange{Attempts: make([]trace.Attempt, 2)}
	all := 0
	for range x.Parts() {
		all++
	}
	for n := 1; n <= all; n++ {
		seen := 0
		for range x.Parts() {
			if seen++; seen == n {
				break
			}
		}
		if seen != n {
			t.Errorf("%d parts of %d", seen, n)
		}
	}
	if all != 14 {
		t.Errorf("%d parts", all)
	}
}
