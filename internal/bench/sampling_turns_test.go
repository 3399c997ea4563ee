package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

const (
	turnRounds = 20
	turnSettle = 100 * time.Millisecond
	turnFor    = 400 * time.Millisecond
	turnBusy   = 0.9 // of its CPU, that the gateway must use in a turn
)

// A turn is something that interrupts the gateway for a moment.
type turn struct {
	name   string
	open   func(*testing.T) (end func() error) // nil for nothing
	ratios []float64                           // CPU time for a request, to that beside nothing
}

// benchSamplingTurns has samplers and bare timers take turns on a gateway that is at full load
// all the time: on a machine that others use, two runs differ by more than what is sought.
func benchSamplingTurns(t *testing.T) {
	pinSelf(t, otherCPU)
	rig := testrig.StartT(t, testrig.Options{Workers: 1, BufferLog: true})
	worker := workers(t, rig)[0]
	pin(t, worker, gatewayCPU)
	saturate(t, rig, nil) // for pages, connections and traces
	turns := turnsOf(t, rig, worker)
	ctx, cancel := context.WithCancel(t.Context())
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		if _, err := rig.Wrk(ctx, testrig.Wrk{Duration: time.Hour, Conns: runConns}); ctx.Err() == nil {
			t.Errorf("the load ended early: %v", err)
		}
	}()
	defer func() {
		cancel()
		<-loaded
	}()
	time.Sleep(time.Second)
	disturbed := 0
	for rounds := 0; rounds < turnRounds && disturbed < turnRounds; {
		if turnRound(t, turns, worker) {
			rounds++
		} else {
			disturbed++
		}
	}
	if disturbed == turnRounds {
		t.Logf("the gateway often used less than %.0f%% of its CPU: the machine is too busy to tell", 100*turnBusy)
	}
	if n := len(turns[0].ratios); n > 0 {
		t.Logf("%d turns of each, %s long; %d rounds do not count\n%s", n, turnFor, disturbed, turnTable(turns))
	}
}

// turnRound gives a turn to each, in random order. It says whether the round counts.
func turnRound(t *testing.T, turns []turn, worker int) bool {
	t.Helper()
	each := make([]float64, len(turns))
	for _, i := range rand.Perm(len(turns)) {
		var ok bool
		if each[i], ok = turns[i].take(t, worker); !ok {
			return false
		}
	}
	nothing := (each[0] + each[1]) / 2
	for i := range turns {
		turns[i].ratios = append(turns[i].ratios, each[i]/nothing)
	}
	return true
}

// turnsOf lists what takes turns; the first two are nothing.
func turnsOf(t *testing.T, rig *testrig.Rig, worker int) []turn {
	timer := func(pid int, cpus ...int) func(*testing.T) func() error {
		return func(t *testing.T) func() error { return openTimers(t, pid, cpus) }
	}
	target, err := gateway.Find(t.Context(), gateway.Query{PID: rig.MasterPID()})
	if err != nil {
		t.Fatal(err)
	}
	sampler := func(hz int) func(*testing.T) func() error {
		return func(t *testing.T) func() error { return openReader(t, bpf.SampleOptions{Target: target, Hz: hz}) }
	}
	return []turn{
		{name: "nothing"},
		{name: "nothing, again"},
		{name: "999 Hz, empty program, the gateway's CPU", open: timer(-1, gatewayCPU)},
		{name: "999 Hz, empty program, the other CPU", open: timer(-1, otherCPU)},
		{name: "999 Hz, empty program, both CPUs", open: timer(-1, gatewayCPU, otherCPU)},
		{name: "999 Hz, empty program, the gateway's thread", open: timer(worker, -1)},
		{name: "samples at 99 Hz", open: sampler(99)},
		{name: "samples at 999 Hz", open: sampler(999)},
	}
}

// take returns the CPU time that the worker uses for a write meanwhile, and whether it was busy.
// To each request belong as many writes: to the node, and to the client.
func (x *turn) take(t *testing.T, worker int) (float64, bool) {
	t.Helper()
	if x.open != nil {
		end := x.open(t)
		defer func() {
			if err := end(); err != nil {
				t.Errorf("%s: %v", x.name, err)
			}
		}()
	}
	time.Sleep(turnSettle)
	cpu, n := cpuTime(t, worker), writesOf(t, worker)
	time.Sleep(turnFor)
	cpu, n = cpuTime(t, worker)-cpu, writesOf(t, worker)-n
	if n == 0 || cpu.Seconds() < turnBusy*turnFor.Seconds() {
		return 0, false
	}
	return float64(cpu) / float64(n), true
}

// writesOf returns how often a process has called write, or one like it.
func writesOf(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if count, ok := strings.CutPrefix(line, "syscw: "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(count))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no syscw in /proc/%d/io", pid)
	return 0
}

// openTimers has timers run a program that does nothing.
func openTimers(t *testing.T, pid int, cpus []int) (end func() error) {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.PerfEvent, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}})
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	for _, cpu := range cpus {
		attr := unix.PerfEventAttr{Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Type: unix.PERF_TYPE_SOFTWARE,
			Config: unix.PERF_COUNT_SW_CPU_CLOCK, Sample: uint64(time.Second / 999)}
		fd, err := unix.PerfEventOpen(&attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, p.FD()); err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
	}
	return func() error {
		var errs []error
		for _, fd := range fds {
			errs = append(errs, unix.Close(fd))
		}
		return errors.Join(append(errs, p.Close())...)
	}
}

// openReader samples, and throws the samples away.
func openReader(t *testing.T, o bpf.SampleOptions) (end func() error) {
	t.Helper()
	s, err := bpf.OpenSampler(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		for {
			if _, err := s.Next(ctx); err != nil {
				done <- err
				return
			}
		}
	}()
	return func() error {
		cancel()
		if err := <-done; !errors.Is(err, io.EOF) {
			return errors.Join(err, s.Close())
		}
		return s.Close()
	}
}

func turnTable(turns []turn) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "beside the gateway\tgateway CPU/request\thalf of the turns")
	for _, x := range turns {
		slices.Sort(x.ratios)
		n := len(x.ratios)
		fmt.Fprintf(w, "%s\t%.3f\t%.3f to %.3f\n", x.name, median(x.ratios), x.ratios[n/4], x.ratios[n-1-n/4])
	}
	w.Flush()
	return b.String()
}
