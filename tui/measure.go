package tui

import (
	"fmt"
	"slices"
	"time"
)

// Measure counts how the screen keeps up. It is to be read when the program has ended.
type Measure struct {
	Draws int
	Keys  int
	first time.Time // the first draw
	last  time.Time
	since time.Time       // a key waits for its draw since then; zero for none
	waits []time.Duration // of the last keys
}

// pressed notes a key. Of several before one draw, the first has waited longest.
func (m *Measure) pressed(now time.Time) {
	m.Keys++
	if m.since.IsZero() {
		m.since = now
	}
}

func (m *Measure) drew(now time.Time) {
	if m.Draws++; m.Draws == 1 {
		m.first = now
	}
	m.last = now
	if m.since.IsZero() {
		return
	}
	const most = 10_000
	if len(m.waits) == most {
		m.waits = m.waits[1:]
	}
	m.waits = append(m.waits, now.Sub(m.since))
	m.since = time.Time{}
}

// String says it in a line.
func (m *Measure) String() string {
	s := fmt.Sprintf("screen drawn %d times in %.1f s", m.Draws, m.last.Sub(m.first).Seconds())
	if len(m.waits) == 0 {
		return s
	}
	waits := slices.Sorted(slices.Values(m.waits))
	ms := func(q float64) float64 {
		return float64(waits[int(q*float64(len(waits)-1))].Microseconds()) / 1000
	}
	return s + fmt.Sprintf("; %d keys drawn after %.1f ms in the middle, %.1f ms at 99%%, %.1f ms at most", m.Keys, ms(0.5), ms(0.99), ms(1))
}
