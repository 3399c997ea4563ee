package bpf

import (
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/profile"
)

// TestShare splits ticks of 30 ms among their samples: the parts are the whole.
func TestShare(t *testing.T) {
	const ms = time.Millisecond
	cpu := profile.Sample{Kind: profile.CPU, Weight: 10 * ms}
	off := func(d time.Duration) profile.Sample { return profile.Sample{Kind: profile.OffCPU, Weight: d} }
	for name, c := range map[string]struct {
		samples []profile.Sample
		want    []time.Duration
	}{
		"running":            {[]profile.Sample{cpu, cpu, cpu}, []time.Duration{10 * ms, 10 * ms, 10 * ms}},
		"fewer than it took": {[]profile.Sample{cpu}, []time.Duration{30 * ms}},
		"blocked":            {[]profile.Sample{off(29 * ms)}, []time.Duration{30 * ms}},
		"both":               {[]profile.Sample{cpu, off(20 * ms), cpu}, []time.Duration{5 * ms, 20 * ms, 5 * ms}},
		"blocked longer":     {[]profile.Sample{cpu, off(31 * ms)}, []time.Duration{0, 31 * ms}},
	} {
		share(c.samples, 30*ms)
		for i, s := range c.samples {
			if s.Weight != c.want[i] {
				t.Errorf("%s: sample %d has %s, want %s", name, i, s.Weight, c.want[i])
			}
		}
	}
}

// TestTicks holds samples of two ticks and yields those of the one that was long.
func TestTicks(t *testing.T) {
	s := &Sampler{ticks: map[int]*heldTick{}, options: SampleOptions{Kind: profile.Stall, StallsFrom: 10 * time.Millisecond}}
	s.hold(profile.Sample{Kind: profile.CPU, TID: 7, Time: time.Unix(1, 0)}, 1000)
	s.hold(profile.Sample{Kind: profile.CPU, TID: 7, Time: time.Unix(2, 0)}, 2000)
	s.hold(profile.Sample{Kind: profile.CPU, TID: 8, Time: time.Unix(3, 0)}, 0) // of no tick
	s.takeTick(&sampleTickEvent{Tgid: 7, Tid: 7, Began: 2000, Ended: 2000 + 30_000_000})
	s.takeTick(&sampleTickEvent{Tgid: 9, Tid: 9, Began: 5000, Ended: 5000 + 40_000_000}) // without a sample
	if len(s.queue) != 2 {
		t.Fatalf("want 2 samples: %+v", s.queue)
	}
	if p := s.queue[0]; p.TID != 7 || p.Time != time.Unix(2, 0) || p.Kind != profile.Stall || p.Tick.Length != 30*time.Millisecond || p.Weight != p.Tick.Length {
		t.Errorf("of the long tick: %+v", p)
	}
	if p := s.queue[1]; p.PID != 9 || len(p.Stack) != 0 || p.Truncated != noSample || p.Weight != 40*time.Millisecond {
		t.Errorf("of the tick without a sample: %+v", p)
	}
}
