package tui

import "time"

// The screen's pace.
const (
	tick      = 100 * time.Millisecond // what has come is taken so often
	dataGap   = 250 * time.Millisecond // and drawn so long after the last draw, if only it is new
	keyGap    = 100 * time.Millisecond // keys that repeat draw so often
	mostDraws = 10                     // in any second
)

// pace decides when the screen is drawn anew: at once for a key, but no more than mostDraws
// times a second.
type pace struct {
	draws [mostDraws]time.Time // the last ones
	n     int
	keyed time.Time // the last one that a key has caused
	last  time.Time
}

// due returns when the screen may be drawn.
func (p *pace) due(key bool) time.Time {
	at := p.draws[p.n%mostDraws].Add(time.Second) // the tenth last
	if key {
		return later(at, p.keyed.Add(keyGap))
	}
	return later(at, p.last.Add(dataGap))
}

// drawn notes that it was.
func (p *pace) drawn(now time.Time, key bool) {
	p.draws[p.n%mostDraws] = now
	p.n++
	p.last = now
	if key {
		p.keyed = now
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
