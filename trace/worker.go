package trace

import "time"

// TickClasses is how many classes of length a worker's ticks have: class n holds those of
// 2^n to 2^(n+1) microseconds, the first one shorter ones too, the last one longer ones.
const TickClasses = 24

// Worker tells what a worker did since it was last told of, a second or so ago.
type Worker struct {
	PID    int
	Time   time.Time     // until when
	Span   time.Duration // since when
	CPU    time.Duration // that it used; -1 when not known
	Conns  int           // sockets it has open, listening ones included; -1 when not known
	Ending bool          // it serves what it has, and takes nothing new
	// Of its event loop: how many ticks ended, by class; the longest, and for how long all of
	// them together kept the loop busy. In the last two, one that goes on counts as far as it
	// has come.
	Ticks   [TickClasses]uint64
	Longest time.Duration
	Busy    time.Duration
	// Unwatched says that the ticks are not known.
	Unwatched bool
}

// TickClass returns the class of a tick's length.
func TickClass(d time.Duration) int {
	class := 0
	for us := d / time.Microsecond; us > 1 && class < TickClasses-1; us >>= 1 {
		class++
	}
	return class
}
