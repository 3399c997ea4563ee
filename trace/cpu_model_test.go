package trace_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apisixscope/apisixscope/trace"
)

// TestCPUTimesOfManyRequests has workers do as nginx does: one thing at a time, requests
// that take turns, few addresses, and a clock that stands still within a tick. Now and then
// a worker gets no CPU for long. The two sources are as far behind as they like.
func TestCPUTimesOfManyRequests(t *testing.T) {
	for seed := range uint64(50) {
		c := newCPUTale()
		m := &cpuModel{c: c, r: rand.New(rand.NewPCG(seed, 1)), want: map[string]int{}}
		for pid := 1; pid <= 3; pid++ {
			m.work(pid)
		}
		m.tell()
		c.run(t, nil)
		if len(c.shown) != len(m.want) || len(c.shown) < 100 {
			t.Fatalf("seed %d: %d requests are shown, of %d", seed, len(c.shown), len(m.want))
		}
		for i := range c.shown {
			if x := &c.shown[i]; x.CPU.Samples != m.want[x.Path] {
				t.Errorf("seed %d: %s has %d samples, want %d", seed, x.Path, x.CPU.Samples, m.want[x.Path])
			}
		}
	}
}

// cpuModel is what workers have done.
type cpuModel struct {
	c               *cpuTale
	r               *rand.Rand
	kernel, sampler []telling
	sleeps          []sleep
	want            map[string]int // samples, by path
}

// telling is something that a source tells of that time.
type telling struct {
	at   int
	tell func()
}

type sleep struct{ pid, from, to int }

const workFor = 2_000_000 // µs

// work does what a worker does for a while.
func (m *cpuModel) work(pid int) {
	type request struct {
		path   string
		object trace.Object
	}
	var open []request
	free := []uint64{0x1000, 0x2000, 0x3000}
	now, tick, n := 0, 0, 0
	run := func(q request, log bool) {
		for range m.r.IntN(3) {
			now += 100 + m.r.IntN(2000)
			if m.r.IntN(50) == 0 {
				now += m.r.IntN(600_000) // others have the CPU
			}
			at, o := now, q.object
			m.sampler = append(m.sampler, telling{at, func() { m.c.samples(pid, o, log, at) }})
			m.want[q.path]++
		}
		now += 1 + m.r.IntN(50)
	}
	for now < workFor || len(open) > 0 {
		if m.r.IntN(3) == 0 {
			from := now
			now += 1 + m.r.IntN(3000)
			m.sleeps = append(m.sleeps, sleep{pid, from, now})
			tick = now
		}
		if len(open) < 3 && now < workFor && m.r.IntN(2) == 0 {
			i := m.r.IntN(len(free))
			n++
			q := request{fmt.Sprintf("/%d/%d", pid, n), m.c.object(free[i], tick)}
			free, open = slices.Delete(free, i, i+1), append(open, q)
			m.want[q.path] += 0
		}
		if len(open) == 0 {
			continue
		}
		i := m.r.IntN(len(open))
		run(open[i], false)
		if m.r.IntN(2) == 0 {
			q, at := open[i], now
			m.kernel = append(m.kernel, telling{at, func() { m.c.ends(q.path, pid, q.object, at) }})
			now++
			run(q, true)
			free, open = append(free, q.object.Address), slices.Delete(open, i, i+1)
		}
	}
}

// tell has both sources tell all of it in order, in parts.
func (m *cpuModel) tell() {
	byTime := func(a, b telling) int { return a.at - b.at }
	slices.SortStableFunc(m.kernel, byTime)
	slices.SortStableFunc(m.sampler, byTime)
	part := func(of *[]telling, until int) {
		for len(*of) > 0 && (*of)[0].at < until {
			(*of)[0].tell()
			*of = (*of)[1:]
		}
	}
	k, s, slept := 0, 0, []int(nil)
	for k < 3*workFor || s < 3*workFor {
		if m.r.IntN(2) == 0 {
			k += m.r.IntN(200_000)
			part(&m.kernel, k)
			m.c.swept(k)
		} else {
			s += 1 + m.r.IntN(200_000)
			part(&m.sampler, s)
			m.c.told(s, slept...)
			slept = m.asleep(s)
		}
	}
}

// asleep returns who sleeps at that time.
func (m *cpuModel) asleep(at int) (pids []int) {
	for _, s := range m.sleeps {
		if s.from <= at && at < s.to {
			pids = append(pids, s.pid)
		}
	}
	return pids
}
