package bench

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns the CPU time of all threads of pid, in the scheduler's nanoseconds.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	// As clock_getcpuclockid(3) makes it: CPUCLOCK_SCHED of a whole process.
	const sched = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &ts); err != nil {
		t.Fatalf("read CPU time of process %d: %v", pid, err)
	}
	return time.Duration(ts.Nano())
}

// memory returns a field of /proc/PID/status: VmRSS, or VmHWM for its peak. The peak that
// wait(2) reports is no use: it includes the parent's, from between fork and exec.
func memory(t *testing.T, pid int, field string) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == field+":" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no %s in the status of process %d", field, pid)
	return 0
}

// idleTime returns how long cpu has been idle since the machine started.
func idleTime(t *testing.T, cpu int) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 6 || f[0] != "cpu"+strconv.Itoa(cpu) {
			continue
		}
		idle, err := strconv.ParseInt(f[4], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(idle) * (time.Second / 100) // USER_HZ
	}
	t.Fatalf("no CPU %d in /proc/stat", cpu)
	return 0
}

// pin binds every thread of pid to one CPU; children inherit that.
func pin(t *testing.T, pid, cpu int) {
	t.Helper()
	var set unix.CPUSet
	set.Set(cpu)
	if err := bind(pid, &set); err != nil {
		t.Fatal(err)
	}
}

// pinSelf pins this process, and all that it starts from now on, until the test ends.
func pinSelf(t *testing.T, cpu int) {
	t.Helper()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	pin(t, os.Getpid(), cpu)
	t.Cleanup(func() {
		if err := bind(os.Getpid(), &before); err != nil {
			t.Error(err)
		}
	})
}

func bind(pid int, set *unix.CPUSet) error {
	// A thread that is not bound yet may have started another one meanwhile.
	for range 2 {
		tasks, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
		if err != nil {
			return err
		}
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(tid, set); err != nil && err != unix.ESRCH {
				return fmt.Errorf("bind thread %d of process %d: %w", tid, pid, err)
			}
		}
	}
	return nil
}

// median returns the middle of values, or the mean of the middle two.
func median[T ~int64 | ~float64](values []T) T {
	s := slices.SortedFunc(slices.Values(values), cmp.Compare[T])
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// spread is a median and what lies around it.
func spread[T ~int64 | ~float64](values []T, format func(T) string) string {
	return fmt.Sprintf("%s (%s to %s)", format(median(values)), format(slices.Min(values)), format(slices.Max(values)))
}

func ratio(r float64) string        { return strconv.FormatFloat(r, 'f', 3, 64) }
func micros(d time.Duration) string { return strconv.FormatFloat(d.Seconds()*1e6, 'f', 2, 64) + " µs" }
func millis(d time.Duration) string { return strconv.FormatFloat(d.Seconds()*1e3, 'f', 0, 64) + " ms" }
func mebibytes(n int64) string      { return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB" }
