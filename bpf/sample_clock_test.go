package bpf

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// TestGatewaySampleClocks binds workers to one CPU, and then to another: clocks run where
// workers may, and there they are sampled.
func TestGatewaySampleClocks(t *testing.T) {
	testrig.NeedBPF(t)
	cpus, err := onlineCPUs()
	if err != nil {
		t.Fatal(err)
	}
	if len(cpus) < 2 {
		t.Skip("this machine has one CPU: there is no other to leave out")
	}
	rig := testrig.StartProfileT(t, testrig.Options{})
	bind := func(cpu int) {
		t.Helper()
		pids, err := rig.Workers()
		if err != nil {
			t.Fatal(err)
		}
		var set unix.CPUSet
		set.Set(cpu)
		for _, pid := range pids {
			if err := unix.SchedSetaffinity(pid, &set); err != nil {
				t.Fatal(err)
			}
		}
	}
	bind(cpus[0])
	target, err := gateway.Find(t.Context(), gateway.Query{PID: rig.MasterPID()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenSampler(t.Context(), SampleOptions{Target: target, Hz: 999})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, cpu := range []int{cpus[0], cpus[1], cpus[0]} {
		bind(cpu)
		s.sampleLoaded(t, rig, 2*lookEvery) // within which it is found
		if n := s.sampleLoaded(t, rig, time.Second); n < 100 {
			t.Errorf("bound to CPU %d: %d samples in a second", cpu, n)
		}
		if got := s.clockCPUs(); !slices.Equal(got, []int{cpu}) {
			t.Errorf("bound to CPU %d: clocks of CPUs %v run", cpu, got)
		}
	}
	// A reload's workers may run anywhere again.
	s.sampleLoaded(t, rig, 100*time.Millisecond)
	if err := rig.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.sampleLoaded(t, rig, 2*lookEvery)
	if got := s.clockCPUs(); !slices.Equal(got, cpus) {
		t.Errorf("bound to none: clocks of CPUs %v run, want %v", got, cpus)
	}
}

func (s *Sampler) clockCPUs() []int {
	var cpus []int
	for _, c := range s.clocks {
		cpus = append(cpus, c.cpu)
	}
	slices.Sort(cpus)
	return cpus
}

// sampleLoaded counts samples for a while under load. The window stays open.
func (s *Sampler) sampleLoaded(t *testing.T, rig *testrig.ProfileRig, d time.Duration) (n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	go func() {
		for ctx.Err() == nil { // workers that quit close connections
			rig.Load(ctx, 4, "/all")
		}
	}()
	s.drained = false
	for {
		p, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind == profile.CPU {
			n++
		}
	}
}
