package bpf_test

import (
	"context"
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// findProfiled returns the gateway of a profile rig.
func findProfiled(t *testing.T, rig *testrig.ProfileRig) *gateway.Target {
	t.Helper()
	target, err := gateway.Find(t.Context(), gateway.Query{PID: rig.MasterPID()})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// openSampler opens a window that is closed with the test.
func openSampler(t *testing.T, o bpf.SampleOptions) *bpf.Sampler {
	t.Helper()
	names := &testrig.NativeNames{}
	o.Names = names
	s, err := bpf.OpenSampler(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), names.Close()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// sampleFor collects samples for a while, and what runs meanwhile.
func sampleFor(t *testing.T, s *bpf.Sampler, d time.Duration, meanwhile func(context.Context)) []profile.Sample {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		meanwhile(ctx)
	}()
	var all []profile.Sample
	for {
		p, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("next: %v", err)
			break
		}
		p.Stack = append([]profile.Frame(nil), p.Stack...)
		all = append(all, p)
	}
	<-done
	return all
}

// TestGatewaySampleTruth compares samples with the CPU time that functions of all kinds have
// used by their own clock.
func TestGatewaySampleTruth(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	s := openSampler(t, bpf.SampleOptions{Target: findProfiled(t, rig), Hz: 999})
	if err := rig.ResetTruth(t.Context()); err != nil {
		t.Fatal(err)
	}
	samples := sampleFor(t, s, 5*time.Second, func(ctx context.Context) {
		if n, err := rig.Load(ctx, 4, "/all"); err != nil || n == 0 {
			t.Errorf("%d requests: %v", n, err)
		}
	})
	truth, err := rig.Truth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := testrig.JudgeProfile(samples, truth)
	n, took, err := s.Cost()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s  %s a sample", v.String(), took/time.Duration(max(n, 1)))
	checkVerdict(t, v)
}

// checkVerdict holds samples to what they should be. Where a busy machine leaves few, one may
// be bad.
func checkVerdict(t *testing.T, v testrig.ProfileVerdict) {
	t.Helper()
	if v.Samples < 200 || v.Edges < v.Samples {
		t.Fatalf("%d samples and %d edges prove nothing", v.Samples, v.Edges)
	}
	// One in a thousand, as shares below within the error of counting: a few thousand samples
	// of a sampler that fails for one in two thousand have more than four in each tenth run.
	// The benchmark has as many as it takes to hold it to the rate itself.
	few := fewOf(v.Samples, 1000)
	if bad := v.Samples - v.Rooted; bad > few {
		t.Errorf("%d of %d stacks do not reach the process's start", bad, v.Samples)
	}
	if v.Errors > few {
		t.Errorf("%d of %d stacks have an error", v.Errors, v.Samples)
	}
	if v.NoLua > few {
		t.Errorf("%d of %d stacks have the interpreter, but no Lua frame", v.NoLua, v.Samples)
	}
	for edge, n := range v.FalseEdge {
		t.Errorf("%s: %d times, and never in the source", edge, n)
	}
	checkShares(t, v.Shares)
}

// fewOf returns how many of n may be bad where one in so many is, within the error of counting.
func fewOf(n, one int) int {
	if emulated() {
		one = 50
	}
	allowed := float64(n) / float64(one)
	return int(math.Ceil(allowed + 3*math.Sqrt(allowed)))
}

// unhurried returns how long a window is to be that takes d elsewhere: to read what is
// mapped, and what names it, takes an emulated processor seconds.
func unhurried(d time.Duration) time.Duration {
	if emulated() {
		return 5 * d
	}
	return d
}

// checkShares holds shares of samples to those of CPU time.
func checkShares(t *testing.T, shares []testrig.ProfileShare) {
	t.Helper()
	if emulated() {
		return
	}
	for _, share := range shares {
		if share.Off() > 1+3*share.Sigma {
			t.Errorf("%s: %.2f%% of the samples, but %.2f%% of the CPU time", share.Name, share.Share, share.True)
		}
	}
}
