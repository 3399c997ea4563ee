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

// TestGatewaySampleWithoutSymbols finds the VMs by what samples meet, as in a gateway that
// exports nothing.
func TestGatewaySampleWithoutSymbols(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	s := openSampler(t, bpf.SampleOptions{Target: findProfiled(t, rig), Hz: 999}.WithoutSymbols())
	if err := rig.ResetTruth(t.Context()); err != nil {
		t.Fatal(err)
	}
	samples := sampleFor(t, s, unhurried(4*time.Second), func(ctx context.Context) { load(t, ctx, rig, 4, "/all") })
	truth, err := rig.Truth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The first samples tell where the VMs are. What came before them is not whole.
	known := slices.DeleteFunc(samples, func(p profile.Sample) bool { return p.Time.Before(samples[0].Time.Add(unhurried(time.Second))) })
	v := testrig.JudgeProfile(known, truth)
	t.Log(v.String())
	checkVerdict(t, v)
}

func load(t *testing.T, ctx context.Context, rig *testrig.ProfileRig, conns int, paths ...string) {
	t.Helper()
	if n, err := rig.Load(ctx, conns, paths...); err != nil || n == 0 {
		t.Errorf("%d requests: %v", n, err)
	}
}

// TestGatewaySampleOther samples handshakes, whose time goes to assembly of OpenSSL, and
// regular expressions, whose time goes to code of PCRE's JIT.
func TestGatewaySampleOther(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	s := openSampler(t, bpf.SampleOptions{Target: findProfiled(t, rig), Hz: 999})
	for name, c := range map[string]struct {
		load func(context.Context)
		has  func(profile.Frame) bool
	}{
		"handshakes": {
			func(ctx context.Context) {
				if n, err := rig.Handshakes(ctx, 4); err != nil || n == 0 {
					t.Errorf("%d handshakes: %v", n, err)
				}
			},
			func(f profile.Frame) bool { return f.Mapping != nil && strings.Contains(f.Mapping.Path, "libcrypto") },
		},
		"regex": {
			func(ctx context.Context) { load(t, ctx, rig, 4, "/one?kind=matched") },
			func(f profile.Frame) bool { return f.Kind == profile.FrameRegex },
		},
	} {
		t.Run(name, func(t *testing.T) {
			// What was mapped for it, PCRE's code for one, is known half a second later.
			sampleFor(t, s, unhurried(time.Second), c.load)
			s := openSampler(t, bpf.SampleOptions{Target: findProfiled(t, rig), Hz: 999})
			samples := sampleFor(t, s, 2*time.Second, c.load)
			v := testrig.JudgeProfile(samples, nil)
			with := 0
			for _, p := range samples {
				if slices.ContainsFunc(p.Stack, c.has) {
					with++
				}
			}
			t.Logf("%s  in what it is about: %d", v.String(), with)
			part := 10 // of the samples, at least one in so many
			if emulated() {
				part = 50
			}
			if v.Samples < 100 || with*part < v.Samples {
				t.Errorf("of %d samples %d are in what this is about", v.Samples, with)
			}
			if few := fewOf(v.Samples, 200); v.Errors > few || v.Samples-v.Rooted > few {
				t.Errorf("of %d stacks %d have an error, and %d reach the process's start", v.Samples, v.Errors, v.Rooted)
			}
		})
	}
}

// TestGatewaySampleLabels compares the CPU time of plugins, phases and routes.
func TestGatewaySampleLabels(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	s := openSampler(t, bpf.SampleOptions{Target: findProfiled(t, rig), Hz: 999})
	if err := rig.ResetTruth(t.Context()); err != nil {
		t.Fatal(err)
	}
	samples := sampleFor(t, s, 4*time.Second, func(ctx context.Context) {
		load(t, ctx, rig, 4, testrig.ProfileRoutes()...)
	})
	truth, err := rig.Truth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range testrig.JudgeLabels(samples, truth) {
		t.Logf("%s: %s", name, v.String())
		if v.Samples < 200 || v.Wrong > 0 {
			t.Errorf("%s: %d samples, %d with a wrong label", name, v.Samples, v.Wrong)
		}
		checkShares(t, v.Shares)
	}
}

// TestGatewaySampleReload reloads the gateway while it is sampled: workers of both
// generations are.
func TestGatewaySampleReload(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	before, err := rig.Workers()
	if err != nil {
		t.Fatal(err)
	}
	s := openSampler(t, bpf.SampleOptions{Target: findProfiled(t, rig), Hz: 499})
	samples := sampleFor(t, s, unhurried(4*time.Second), func(ctx context.Context) {
		go func() {
			time.Sleep(unhurried(1500 * time.Millisecond))
			if err := rig.Reload(ctx); err != nil {
				t.Errorf("reload: %v", err)
			}
		}()
		for ctx.Err() == nil { // connections are closed by workers that quit
			rig.Load(ctx, 4, "/all")
		}
	})
	after, err := rig.Workers()
	if err != nil {
		t.Fatal(err)
	}
	v := testrig.JudgeProfile(samples, nil)
	t.Log(v.String())
	for name, pids := range map[string][]int{"before": before, "after": after} {
		of := slices.DeleteFunc(slices.Clone(samples), func(p profile.Sample) bool { return !slices.Contains(pids, p.PID) })
		its := testrig.JudgeProfile(of, nil)
		t.Logf("of workers %s it: %s", name, its.String())
	}
	count := func(pids []int) (n int) {
		for i := range samples {
			if slices.Contains(pids, samples[i].PID) && samples[i].Kind == profile.CPU {
				n++
			}
		}
		return n
	}
	if old, young := count(before), count(after); old < 50 || young < 50 || old+young > v.Samples {
		t.Errorf("%d samples of workers before, %d after the reload", old, young)
	}
	// What a process did as it began, or was about to end, may be unknown; where the reader has
	// to wait for an emulated processor, much of it.
	if few := fewOf(v.Samples, 200); !emulated() && (v.Errors > few || v.Samples-v.Rooted > few) {
		t.Errorf("of %d stacks %d have an error, and %d reach the process's start", v.Samples, v.Errors, v.Rooted)
	}
}
