package bpf_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

func hasLua(p *profile.Sample, function string) bool {
	return slices.ContainsFunc(p.Stack, func(f profile.Frame) bool {
		return f.Name == function && (f.Kind == profile.FrameLua || f.Kind == profile.FrameJIT)
	})
}

func hasNative(p *profile.Sample, function string) bool {
	return slices.ContainsFunc(p.Stack, func(f profile.Frame) bool {
		return f.Name == function && f.Kind == profile.FrameNative
	})
}

// gaveWay reports whether a thread did not wait, but had to leave the CPU to another one
// where it went back to its own code, as on a busy machine.
func gaveWay(p *profile.Sample) bool {
	return slices.ContainsFunc(p.Stack, func(f profile.Frame) bool {
		return f.Kind == profile.FrameKernel && strings.Contains(f.Name, "exit_to_user")
	})
}

// TestGatewaySampleOffCPU has Lua sleep in C for 3 ms, and finds that.
func TestGatewaySampleOffCPU(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	s := openSampler(t, bpf.SampleOptions{Target: findProfiled(t, rig), Kind: profile.OffCPU})
	samples := sampleFor(t, s, 2*time.Second, func(ctx context.Context) { load(t, ctx, rig, 1, "/block") })
	var slept []time.Duration
	for i := range samples {
		p := &samples[i]
		if p.Kind != profile.OffCPU || gaveWay(p) {
			continue
		}
		if hasLua(p, "blocks_in_c") {
			slept = append(slept, p.Weight)
		}
		if hasNative(p, "epoll_wait") {
			t.Errorf("%s in epoll_wait", p.Weight)
		}
		if p.Weight < time.Millisecond {
			t.Errorf("%s is too short to be told", p.Weight)
		}
	}
	if len(slept) < 20 {
		t.Fatalf("%d times asleep in C, of %d samples", len(slept), len(samples))
	}
	slices.Sort(slept)
	median := slept[len(slept)/2]
	t.Logf("%d times asleep, %s in the middle, %s at least", len(slept), median, slept[0])
	// A sleep begins a moment before the CPU is left. What is above is the machine's: a thread
	// that wakes may have to wait for a CPU.
	least := 3*time.Millisecond - stretched(t, 50*time.Microsecond)
	if slept[0] < least || median > 3500*time.Microsecond && !emulated() {
		t.Errorf("a sleep of 3 ms took %s in the middle, and %s at least", median, slept[0])
	}
}

// TestGatewaySampleStalls blocks the event loop for 30 ms, at work and asleep, under a load
// of short requests.
func TestGatewaySampleStalls(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	for how, function := range map[string]string{"busy": "stalls_busy", "asleep": "blocks_in_c"} {
		t.Run(how, func(t *testing.T) {
			s := openSampler(t, bpf.SampleOptions{Target: findProfiled(t, rig), Kind: profile.Stall, StallsFrom: 20 * time.Millisecond, Hz: 499})
			const stalls = 5
			samples := sampleFor(t, s, 2*time.Second, func(ctx context.Context) {
				go rig.Load(ctx, 1, "/light")
				for range stalls {
					time.Sleep(150 * time.Millisecond)
					if _, err := rig.Get(ctx, "/stall?ms=40&how="+how); err != nil {
						t.Error(err)
					}
				}
				<-ctx.Done()
			})
			told := map[time.Time]time.Duration{} // of ticks with the function
			for i := range samples {
				p := &samples[i]
				if p.Kind != profile.Stall {
					continue
				}
				if p.Tick.Length < 20*time.Millisecond {
					t.Errorf("a tick of %s is told", p.Tick.Length)
				}
				if hasLua(p, function) {
					told[p.Tick.Start] += p.Weight
				}
			}
			if len(told) != stalls {
				t.Errorf("%d stalls by %s, want %d", len(told), function, stalls)
			}
			for at, d := range told {
				t.Logf("%s: %s in %s", at.Format("05.000"), d, function)
				if d < 35*time.Millisecond {
					t.Errorf("%s of the stall is told", d)
				}
			}
		})
	}
}

// TestGatewaySampleClose leaves nothing in the kernel.
func TestGatewaySampleClose(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	before := takeInventory(t)
	s, err := bpf.OpenSampler(t.Context(), bpf.SampleOptions{Target: findProfiled(t, rig), Kind: profile.Stall, StallsFrom: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ours := takeInventory(t).since(before)
	if len(ours.programs) < 6 || len(ours.maps) < 8 {
		t.Errorf("%d programs, %d maps, %d links", len(ours.programs), len(ours.maps), len(ours.links))
	}
	sampleFor(t, s, unhurried(300*time.Millisecond), func(ctx context.Context) { load(t, ctx, rig, 2, "/all") })
	for range 2 { // it may be called twice
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	freed(t, ours)
}
