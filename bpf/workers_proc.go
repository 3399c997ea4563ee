package bpf

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns the CPU time of a process, all its threads', since it began; -1 if it has
// exited.
func cpuTime(pid int) time.Duration {
	const scheduled = 2 // CPUCLOCK_SCHED of include/linux/posix-timers.h: the scheduler's own ns
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|scheduled, &ts); err != nil {
		return -1
	}
	return time.Duration(ts.Nano())
}

// Counting sockets takes a microsecond or more for each, in which nobody reads the ring: hence
// these bounds. Till it is counted anew, a process's last number stands.
const (
	countBudget = 5 * time.Millisecond     // a sweep begins no count after so long
	countEvery  = tellEvery - 2*sweepEvery // a process is counted no more often than this,
	countShare  = 100                      // nor than so many times what it takes
)

// sockets is the number of sockets that a process has open; -1 if it is not known.
type sockets struct {
	n    int
	next time.Time // when to count them anew
}

// count counts sockets, of those processes first that are due for the longest time.
func (w *workers) count() {
	if w == nil {
		return
	}
	began := time.Now()
	for _, one := range slices.SortedFunc(maps.Values(w.of), func(a, b *worker) int { return a.sockets.next.Compare(b.sockets.next) }) {
		now := time.Now()
		if now.Before(one.sockets.next) || now.Sub(began) > countBudget {
			return
		}
		one.sockets.n = countSockets(one.pid)
		one.sockets.next = now.Add(max(countEvery, countShare*time.Since(now)))
	}
}

// countSockets returns how many sockets a process has open; -1 if that cannot be read.
func countSockets(pid int) int {
	dir, err := os.Open("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		return -1
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return -1
	}
	n := 0
	var link [32]byte
	for _, name := range names {
		if size, err := unix.Readlinkat(int(dir.Fd()), name, link[:]); err == nil && strings.HasPrefix(string(link[:size]), "socket:") {
			n++
		}
	}
	return n
}
