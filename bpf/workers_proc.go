package bpf

import (
	"os"
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

// countShare bounds what counting sockets costs: a process with many of them is counted no
// more often than so many times what it takes. Till then its last number stands.
const countShare = 100

// sockets counts the open sockets of a process.
type sockets struct {
	last int
	next time.Time
}

// count returns how many there are; -1 if that cannot be read.
func (s *sockets) count(pid int) int {
	began := time.Now()
	if began.Before(s.next) {
		return s.last
	}
	s.last = countSockets(pid)
	s.next = began.Add(countShare * time.Since(began))
	return s.last
}

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
