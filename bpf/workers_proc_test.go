package bpf

import (
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestProcessFacts counts this very process's sockets and CPU time.
func TestProcessFacts(t *testing.T) {
	w := &workers{of: map[int]*worker{os.Getpid(): {pid: os.Getpid(), sockets: sockets{n: -1}}}}
	one := w.of[os.Getpid()]
	w.count()
	before := one.sockets.n
	const more = 10
	for range more {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	if w.count(); one.sockets.n != before || before < 0 {
		t.Errorf("counted twice at once: %d and then %d", before, one.sockets.n)
	}
	one.sockets.next = time.Time{}
	if w.count(); one.sockets.n != before+more {
		t.Errorf("%d sockets, and with %d more %d", before, more, one.sockets.n)
	}
	used := cpuTime(os.Getpid())
	for range 100_000_000 { // work
		if cpuTime(os.Getpid()) > used+20*time.Millisecond {
			break
		}
	}
	if now := cpuTime(os.Getpid()); used <= 0 || now <= used {
		t.Errorf("%s of CPU time, and after work %s", used, now)
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	if pid := gone.Process.Pid; cpuTime(pid) != -1 || countSockets(pid) != -1 {
		t.Errorf("process %d is gone: %s, %d sockets", pid, cpuTime(pid), countSockets(pid))
	}
}

// TestCountBudget has more processes than a sweep has time for: none is forgotten.
func TestCountBudget(t *testing.T) {
	w := &workers{of: map[int]*worker{}}
	for i := range 5 {
		w.of[i] = &worker{pid: os.Getpid(), sockets: sockets{n: -1, next: time.Now().Add(-time.Duration(i) * time.Second)}}
	}
	known := func() (n int) {
		for _, one := range w.of {
			if one.sockets.n >= 0 {
				n++
			}
		}
		return n
	}
	for sweeps := 0; known() < len(w.of) && sweeps < len(w.of); sweeps++ { // one at the least
		w.count()
	}
	if known() != len(w.of) {
		t.Errorf("%d of %d were counted", known(), len(w.of))
	}
}
