package bpf_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// Worker keeps what is told of a worker.
func (w *window) Worker(told *trace.Worker) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, *told)
	return nil
}

// toldOf returns what was told so far, of the workers that keep wants.
func (w *window) toldOf(keep func(*trace.Worker) bool) []trace.Worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.told), func(x trace.Worker) bool { return !keep(&x) })
}

func ofPID(pid int) func(*trace.Worker) bool {
	return func(x *trace.Worker) bool { return x.PID == pid }
}

// sumWorkers adds up what was told, and looks whether it can be so.
func sumWorkers(t *testing.T, all []trace.Worker) (sum trace.Worker) {
	t.Helper()
	last := map[int]time.Time{}
	for _, x := range all {
		sum.Span, sum.CPU, sum.Busy = sum.Span+x.Span, sum.CPU+max(x.CPU, 0), sum.Busy+x.Busy
		sum.Longest = max(sum.Longest, x.Longest)
		for class, n := range x.Ticks {
			sum.Ticks[class] += n
		}
		if x.Unwatched || x.Busy > x.Span || x.Span <= 0 || x.Span > patience {
			t.Errorf("%+v", x)
		}
		if at := last[x.PID]; !at.IsZero() && !at.Add(x.Span).Equal(x.Time) {
			t.Errorf("worker %d: told until %s, and then for the %s until %s", x.PID, at, x.Span, x.Time)
		}
		last[x.PID] = x.Time
	}
	return sum
}

// threeWays runs a test with the sockets alone, with the request object, and with that alone.
func threeWays(t *testing.T, test func(*testing.T, bpf.Options)) {
	for name, o := range map[string]bpf.Options{"sockets": {}, "both": {Probes: true}, "requests": {Probes: true, NoSockets: true}} {
		o.Workers = true
		t.Run(name, func(t *testing.T) { test(t, o) })
	}
}

// TestGatewayTicks has Lua block the event loop for 40 ms a few times: that is the longest
// tick, and in the class of that length. What a client had to wait bounds a tick where the
// machine has made it longer.
func TestGatewayTicks(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{Workers: 1})
	const stalls, length = 5, 40 * time.Millisecond
	threeWays(t, func(t *testing.T, o bpf.Options) {
		o.Target = findProfiled(t, rig)
		w := open(t, o)
		began := time.Now()
		var waited []time.Duration
		for range stalls {
			since := time.Now()
			stall(t, rig, length)
			for time.Since(since) < length { // until a request has waited for the end of it
				if _, err := rig.Get(t.Context(), "/light"); err != nil {
					t.Fatal(err)
				}
			}
			waited = append(waited, time.Since(since))
			time.Sleep(250 * time.Millisecond)
		}
		took := time.Since(began)
		w.end()
		sum := sumWorkers(t, w.told)
		t.Logf("%d told, ticks %v, longest %s, busy %s of %s", len(w.told), sum.Ticks, sum.Longest, sum.Busy, sum.Span)
		var ticks, most uint64 // of a class or above, and how many there may be
		for class := trace.TickClasses - 1; class >= trace.TickClass(length); class-- {
			ticks += sum.Ticks[class]
			for _, d := range waited {
				if trace.TickClass(d) == class {
					most++
				}
			}
			if ticks > most {
				t.Errorf("%d ticks of class %d or above, but clients waited %v", ticks, class, waited)
			}
		}
		if ticks != stalls {
			t.Errorf("%d ticks of the class of %s or above, want %d", ticks, length, stalls)
		}
		if sum.Longest < length || sum.Longest > slices.Max(waited) {
			t.Errorf("the longest tick took %s, and clients waited %v", sum.Longest, waited)
		}
		if sum.Busy < stalls*length || sum.Span < took {
			t.Errorf("busy for %s of %s, want %s of %s", sum.Busy, sum.Span, stalls*length, took)
		}
		if want := int(took / time.Second); len(w.told) < want || len(w.told) > want+2 {
			t.Errorf("told %d times in %s", len(w.told), took)
		}
	})
}

// stall has the event loop sleep.
func stall(t *testing.T, rig *testrig.ProfileRig, length time.Duration) {
	t.Helper()
	if _, err := rig.Get(t.Context(), fmt.Sprintf("/stall?how=asleep&ms=%d", length.Milliseconds())); err != nil {
		t.Fatal(err)
	}
}

// TestGatewayTickGoesOn has a tick of 2.5 s: it is told of while it goes on, and counted once.
func TestGatewayTickGoesOn(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{Workers: 1})
	w := open(t, bpf.Options{Target: findProfiled(t, rig), Workers: true})
	const length = 2500 * time.Millisecond
	stall(t, rig, length)
	class := trace.TickClass(length)
	eventually(t, "the tick is over", func() bool {
		return len(w.toldOf(func(x *trace.Worker) bool { return x.Ticks[class] > 0 })) > 0
	})
	w.end()
	sum := sumWorkers(t, w.told)
	if sum.Ticks[class] != 1 || sum.Longest < length || sum.Busy < length {
		t.Errorf("%d ticks of it, the longest %s, busy for %s", sum.Ticks[class], sum.Longest, sum.Busy)
	}
	var before []time.Duration
	for _, x := range w.told {
		if x.Ticks[class] > 0 {
			break
		}
		if x.Longest > 500*time.Millisecond {
			before = append(before, x.Longest)
		}
	}
	if len(before) < 1 || !slices.IsSorted(before) {
		t.Errorf("while it went on, it had taken %v", before)
	}
}

// TestGatewayWorkersCPU compares the CPU time that is told with what /proc has.
func TestGatewayWorkersCPU(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	target := findProfiled(t, rig)
	before := map[int]time.Duration{}
	for _, pid := range target.Workers() {
		before[pid] = jiffies(t, pid)
	}
	w := open(t, bpf.Options{Target: target, Workers: true})
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	load(t, ctx, rig, 4, "/all")
	eventually(t, "the load is over", func() bool {
		return len(w.toldOf(func(x *trace.Worker) bool { return ctx.Err() != nil && x.CPU < x.Span/20 })) >= len(before)
	})
	w.end()
	for pid, before := range before {
		told := sumWorkers(t, w.toldOf(ofPID(pid))).CPU
		used := jiffies(t, pid) - before
		t.Logf("worker %d: %s, /proc has %s", pid, told, used)
		if d := (told - used).Abs(); d > 2*jiffy || told == 0 {
			t.Errorf("worker %d: %s of CPU time, /proc has %s", pid, told, used)
		}
	}
}

const jiffy = 10 * time.Millisecond // USER_HZ

// jiffies returns utime and stime of /proc/PID/stat.
func jiffies(t *testing.T, pid int) time.Duration {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	var n time.Duration
	for _, field := range f[14-3 : 16-3] {
		j, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		n += time.Duration(j) * jiffy
	}
	return n
}

// TestGatewayWorkersReload reloads the gateway while a client of each worker has sent half a
// request: the old workers are told of as ending until they have ended, and the new ones, too.
func TestGatewayWorkersReload(t *testing.T) {
	testrig.NeedBPF(t)
	threeWays(t, func(t *testing.T, o bpf.Options) {
		rig := testrig.StartT(t, testrig.Options{})
		o.Target = find(t, rig)
		w := open(t, o)
		old := o.Target.Workers()
		eventually(t, "the old workers are told of", func() bool { return told(w, false, old) })
		half := make([]*client, 16) // of which each worker gets some
		for i := range half {
			half[i] = dial(t, rig.Addr())
			half[i].send("GET / HTTP/1.1\r\nHost: " + testrig.MainHost + "\r\n")
		}
		time.Sleep(100 * time.Millisecond)
		if err := rig.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		now, err := rig.Workers()
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the new workers are told of", func() bool { return told(w, false, now) })
		ending := len(w.toldOf(func(x *trace.Worker) bool { return x.Ending && x.Conns >= 0 }))
		for _, c := range half {
			c.Close()
		}
		eventually(t, "the old workers end", func() bool {
			return !slices.ContainsFunc(old, exists)
		})
		time.Sleep(1200 * time.Millisecond) // in which they are told of for the last time
		before := len(w.toldOf(func(x *trace.Worker) bool { return slices.Contains(old, x.PID) }))
		w.end()
		if ending == 0 {
			t.Error("no old worker was told of as ending")
		}
		if after := len(w.toldOf(func(x *trace.Worker) bool { return slices.Contains(old, x.PID) })); after != before {
			t.Errorf("old workers were told of %d times after their end", after-before)
		}
		of := map[int]bool{}
		for _, x := range w.told {
			of[x.PID] = true
			if x.Ending && slices.Contains(now, x.PID) {
				t.Errorf("worker %d is told to be ending", x.PID)
			}
		}
		if got := slices.Sorted(maps.Keys(of)); len(got) != len(old)+len(now) {
			t.Errorf("workers %v are told of, want %v and %v", got, old, now)
		}
		sumWorkers(t, w.told)
	})
}

// told reports whether all of pids were told of, as ending or not.
func told(w *window, ending bool, pids []int) bool {
	return !slices.ContainsFunc(pids, func(pid int) bool {
		return len(w.toldOf(func(x *trace.Worker) bool { return x.PID == pid && x.Ending == ending })) == 0
	})
}

func exists(pid int) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	return err == nil
}

// TestGatewayWorkersSockets opens connections and finds them, and tells of workers only
// where that is asked for.
func TestGatewayWorkersSockets(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartT(t, testrig.Options{Workers: 1})
	target := find(t, rig)
	count := func() int {
		w := open(t, bpf.Options{Target: target, Workers: true})
		w.end()
		if len(w.told) != 1 || w.told[0].PID != target.Workers()[0] || w.told[0].Ending || w.told[0].CPU < 0 {
			t.Fatalf("%+v", w.told)
		}
		return w.told[0].Conns
	}
	before := count()
	const more = 25
	for range more {
		c := dial(t, rig.Addr())
		c.send(get())
		if status := c.status(http.MethodGet); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
	}
	if after := count(); before < 1 || after < before+more || after > before+more+8 { // of it and of nodes
		t.Errorf("%d sockets, and with %d more %d", before, more, after)
	}
	w := open(t, bpf.Options{Target: target})
	ask(t, rig, 1)
	w.wait(1)
	w.end()
	if len(w.told) > 0 {
		t.Errorf("nobody asked for %+v", w.told)
	}
}
