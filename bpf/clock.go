package bpf

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock turns the kernel's CLOCK_MONOTONIC into wall time. The offset is taken once, so
// that differences within a window are exact even if the wall clock is set meanwhile.
type clock struct{ offset int64 }

func newClock() clock {
	// The pair of readings that lie closest together tells most.
	best, offset := int64(1<<62), int64(0)
	for range 5 {
		before := kernelNow()
		wall := time.Now().UnixNano()
		after := kernelNow()
		if width := int64(after - before); width < best {
			best, offset = width, wall-int64(before+after)/2
		}
	}
	return clock{offset}
}

// at returns the wall time of a kernel time; zero for 0.
func (c clock) at(ns uint64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(ns)+c.offset)
}

// kernelNow is bpf_ktime_get_ns.
func kernelNow() uint64 {
	var ts unix.Timespec
	// It fails only for clocks that do not exist.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return uint64(ts.Nano())
}
