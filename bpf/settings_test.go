package bpf

import (
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// TestNginxHash compares with values of ngx_hash_key_lc: h = h * 31 + c in 64 bits.
func TestNginxHash(t *testing.T) {
	for name, want := range map[string]uint64{
		"":             0,
		"a":            97,
		"Host":         3208616,
		"host":         3208616,
		"X-Request-ID": hashByHand("x-request-id"),
		"Traceparent":  hashByHand("traceparent"),
	} {
		if got := nginxHash(name); got != want {
			t.Errorf("%q: want %d, got %d", name, want, got)
		}
	}
}

// hashByHand is the sum that Horner's rule computes.
func hashByHand(name string) (sum uint64) {
	for i, c := range []byte(name) {
		power := uint64(1)
		for range len(name) - 1 - i {
			power *= 31
		}
		sum += uint64(c) * power
	}
	return sum
}

func TestWantedHeaders(t *testing.T) {
	hash, length := wantedHeaders([]string{"X-One", "x-two", "x-three"})
	for i, name := range []string{"traceparent", "x-request-id", "x-one", "x-two"} {
		if hash[i] != nginxHash(name) || int(length[i]) != len(name) {
			t.Errorf("%d: want %s, got %d, %d", i, name, hash[i], length[i])
		}
	}
	if _, length := wantedHeaders(nil); length[wantedOther] != 0 {
		t.Error("a header is looked for that nobody wants")
	}
}

func TestClock(t *testing.T) {
	c := newClock()
	if got := c.at(0); !got.IsZero() {
		t.Errorf("what was not seen is said to be at %s", got)
	}
	before := time.Now()
	got := c.at(kernelNow())
	if after := time.Now(); got.Before(before.Add(-time.Millisecond)) || got.After(after.Add(time.Millisecond)) {
		t.Errorf("want between %s and %s, got %s", before, after, got)
	}
	if d := c.at(2_000_000_007).Sub(c.at(2_000_000_000)); d != 7 {
		t.Errorf("seven nanoseconds are %s", d)
	}
}

// TestCausesAreNamed wants every loss to have a name, unless it is none.
func TestCausesAreNamed(t *testing.T) {
	for cause := range traceLossLOSS_CAUSES {
		if causes[cause] == "" && cause < traceLossLOSS_SEEN_REQUESTS {
			t.Errorf("loss %d has no name", cause)
		}
	}
}

func TestDirections(t *testing.T) {
	if trace.In != 0 || trace.Out != 1 {
		t.Error("trace.Direction and enum direction differ")
	}
	if uint32(trace.SideAccepted) != 1 || uint32(trace.SideConnected) != 2 || trace.OwnerSubpeer != 7 {
		t.Error("trace.Side or trace.OwnerHow and their enums differ")
	}
}
