package bench

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// TestBenchProfile tells how true profiles are, and what they cost.
func TestBenchProfile(t *testing.T) {
	needBench(t)
	if runtime.NumCPU() < 2 {
		t.Fatal("the gateway needs a CPU of its own: this machine has one in all")
	}
	program := build(t)
	t.Run("truth", benchTruth)
	t.Run("hard", benchHard)
	t.Run("labels", benchLabels)
	t.Run("blocked", benchBlocked)
	t.Run("cost", func(t *testing.T) { benchSamplingCost(t, program) })
	t.Run("turns", benchSamplingTurns)
	t.Run("starts", func(t *testing.T) { benchSamplingStarts(t, program) })
	t.Run("soak", func(t *testing.T) { benchSoak(t, program) })
}

// A sampling is a window of samples on a profile rig, and what the gateway did meanwhile.
type sampling struct {
	options bpf.SampleOptions
	length  time.Duration
	load    func(context.Context) (int, error)
	warm    time.Duration // of load before the window
}

// take takes the samples of a window.
func (w sampling) take(t *testing.T, rig *testrig.ProfileRig) []profile.Sample {
	t.Helper()
	target, err := gateway.Find(t.Context(), gateway.Query{PID: rig.MasterPID()})
	if err != nil {
		t.Fatal(err)
	}
	w.loaded(t, w.warm)
	if err := rig.ResetTruth(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := &testrig.NativeNames{}
	w.options.Target, w.options.Names = target, names
	s, err := bpf.OpenSampler(t.Context(), w.options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), w.length)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if n, err := w.load(ctx); err != nil || n == 0 {
			t.Errorf("this run proves nothing: %d requests: %v", n, err)
		}
	}()
	var all []profile.Sample
	for {
		p, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind == profile.Lost {
			t.Errorf("lost %d: %s", p.Count, p.Cause)
		}
		all = append(all, p)
	}
	<-done
	n, took, err := s.Cost()
	if err := errors.Join(err, s.Close(), names.Close()); err != nil {
		t.Fatal(err)
	}
	if n > 0 {
		t.Logf("%d samples, %s of the kernel's time for each", n, micros(took/time.Duration(n)))
	}
	return all
}

func (w sampling) loaded(t *testing.T, d time.Duration) {
	t.Helper()
	if d == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if n, err := w.load(ctx); err != nil || n == 0 {
		t.Fatalf("this run proves nothing: %d requests: %v", n, err)
	}
}

// The aims of a profile's truth.
const (
	shareAim   = 1.0   // percentage points, beside three times the sampling error
	rootedAim  = 0.999 // of the stacks
	errorsAim  = 0.001
	hardAim    = 0.995 // under load that is hard to unwind
	warmFor    = 2 * time.Second
	truthConns = 4
)

// benchTruth compares the shares of functions of all kinds, at two rates.
func benchTruth(t *testing.T) {
	rig := testrig.StartProfileT(t, testrig.Options{})
	for _, c := range []struct {
		hz     int
		length time.Duration
	}{{99, 30 * time.Second}, {999, 15 * time.Second}} {
		samples := sampling{
			options: bpf.SampleOptions{Hz: c.hz}, length: c.length, warm: warmFor,
			load: func(ctx context.Context) (int, error) { return rig.Load(ctx, truthConns, "/all") },
		}.take(t, rig)
		truth, err := rig.Truth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v := testrig.JudgeProfile(samples, truth)
		rooted, bad, n := float64(v.Rooted), float64(v.Errors), float64(max(v.Samples, 1))
		worst := slices.MaxFunc(v.Shares, func(a, b testrig.ProfileShare) int {
			return int(1e6*(a.Off()-3*a.Sigma)) - int(1e6*(b.Off()-3*b.Sigma))
		})
		t.Logf("%d Hz for %s: %sshares within %.1f points and 3 sigma: %s; reach the start: %s; errors: %s; false edges: %s",
			c.hz, c.length, v.String(), shareAim, met(worst.Off() <= shareAim+3*worst.Sigma),
			met(rooted/n >= rootedAim), met(bad/n <= errorsAim), met(len(v.FalseEdge) == 0))
	}
}

// benchHard samples what is hard to unwind: OpenSSL's assembly and PCRE's code.
func benchHard(t *testing.T) {
	rig := testrig.StartProfileT(t, testrig.Options{})
	for name, load := range map[string]func(context.Context) (int, error){
		"TLS handshakes":      func(ctx context.Context) (int, error) { return rig.Handshakes(ctx, truthConns) },
		"regular expressions": func(ctx context.Context) (int, error) { return rig.Load(ctx, truthConns, "/one?kind=matched") },
	} {
		samples := sampling{options: bpf.SampleOptions{Hz: 999}, length: 10 * time.Second, warm: warmFor, load: load}.take(t, rig)
		v := testrig.JudgeProfile(samples, nil)
		whole := float64(v.Samples-max(v.Errors, v.Samples-v.Rooted)) / float64(max(v.Samples, 1))
		t.Logf("%s: %swhole stacks: %.3f%%: %s", name, v.String(), 100*whole, met(whole >= hardAim))
	}
}

// benchLabels compares the CPU time of plugins, phases and routes.
func benchLabels(t *testing.T) {
	rig := testrig.StartProfileT(t, testrig.Options{})
	samples := sampling{
		options: bpf.SampleOptions{Hz: 999}, length: 15 * time.Second, warm: warmFor,
		load: func(ctx context.Context) (int, error) {
			return rig.Load(ctx, truthConns, testrig.ProfileRoutes()...)
		},
	}.take(t, rig)
	truth, err := rig.Truth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range testrig.JudgeLabels(samples, truth) {
		worst := 0.0
		for _, share := range v.Shares {
			worst = max(worst, share.Off())
		}
		t.Logf("%s: %swithin %.1f points: %s; no label is wrong: %s", name, v.String(), shareAim, met(worst <= shareAim), met(v.Wrong == 0))
	}
}

// benchBlocked has Lua block for 3 ms by the FFI, and an event loop that stalls for 30 ms.
func benchBlocked(t *testing.T) {
	rig := testrig.StartProfileT(t, testrig.Options{})
	has := func(p *profile.Sample, name string) bool {
		return slices.ContainsFunc(p.Stack, func(f profile.Frame) bool { return f.Name == name })
	}
	samples := sampling{
		options: bpf.SampleOptions{Kind: profile.OffCPU}, length: 5 * time.Second,
		load: func(ctx context.Context) (int, error) { return rig.Load(ctx, 1, "/block") },
	}.take(t, rig)
	var slept []time.Duration
	for i := range samples {
		if has(&samples[i], "blocks_in_c") {
			slept = append(slept, samples[i].Weight)
		}
	}
	if len(slept) == 0 {
		t.Fatal("nothing was seen to sleep")
	}
	aim := func(d time.Duration) bool { return d >= 2850*time.Microsecond && d <= 3150*time.Microsecond }
	t.Logf("%d sleeps of 3 ms: %s; within 5%%: %s", len(slept), spread(slept, micros), met(aim(median(slept))))

	const stalls = 20
	samples = sampling{
		options: bpf.SampleOptions{Kind: profile.Stall, StallsFrom: 20 * time.Millisecond, Hz: 99}, length: 5 * time.Second,
		load: func(ctx context.Context) (int, error) {
			for range stalls {
				if _, err := rig.Get(ctx, "/stall?ms=30"); err != nil {
					return 0, err
				}
				time.Sleep(200 * time.Millisecond)
			}
			<-ctx.Done()
			return stalls, nil
		},
	}.take(t, rig)
	ticks := map[time.Time]bool{}
	named := map[time.Time]bool{}
	for i := range samples {
		if p := &samples[i]; p.Kind == profile.Stall {
			ticks[p.Tick.Start] = true
			if has(p, "stalls_busy") {
				named[p.Tick.Start] = true
			}
		}
	}
	t.Logf("%d stalls of 15 to 45 ms: %d ticks over 20 ms, %d of them with the function's name at 99 Hz", stalls, len(ticks), len(named))
}
