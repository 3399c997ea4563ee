package pages

import (
	"fmt"
	"strconv"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/tui"
)

// recently is how far back a rate goes while the window is open.
const recently = 10 // seconds

// period is what rates and sparklines are of.
type period struct {
	from, to time.Time
	whole    bool // the window is over: rates are those of all of it
}

// periodOf returns the part of the window that has passed. Of one that is over, the time in
// which nothing was counted any more is none of it.
func periodOf(s *tui.State, m *metrics.Requests) period {
	p := period{from: s.Window.Began, to: s.Now, whole: s.Window.Over || !s.Window.Live}
	slots := m.Timeline()
	if len(slots) == 0 {
		return p
	}
	if p.from.IsZero() {
		p.from = slots[0].Start
	}
	last := slots[len(slots)-1]
	if end := last.Start.Add(last.Length); p.whole && (end.Before(p.to) || p.to.IsZero()) {
		p.to = end
	}
	return p
}

// rate returns how much there was a second, of the last seconds or of the whole window.
func (p period) rate(all uint64, r *metrics.Recent) float64 {
	seconds := p.to.Sub(p.from).Seconds()
	if p.whole {
		return float64(all) / max(seconds, 1)
	}
	counts, _ := r.Counts(p.to, recently)
	var sum uint64
	for _, n := range counts {
		sum += uint64(n)
	}
	return float64(sum) / max(min(seconds, recently), 1)
}

// minute returns what happened in each second of the last minute, and how much of it failed.
func (p period) minute(r *metrics.Recent) (counts, failed []uint32) {
	to := p.to
	if p.whole {
		to = to.Add(time.Second) // the last one may not be a whole one
	}
	return r.Counts(to, 60)
}

// ago says how long before the period's end something was.
func (p period) ago(at time.Time) time.Duration { return max(p.to.Sub(at), 0) }

// perSecond writes a rate in six columns.
func perSecond(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return amount(uint64(v + 0.5))
}

// amount writes a number in six columns: 12345, 123k, 12.3M.
func amount(n uint64) string {
	v := float64(n)
	switch {
	case n < 100_000:
		return strconv.FormatUint(n, 10)
	case v < 999.5e3:
		return fmt.Sprintf("%.0fk", v/1e3)
	case v < 99.95e6:
		return fmt.Sprintf("%.1fM", v/1e6)
	case v < 999.5e6:
		return fmt.Sprintf("%.0fM", v/1e6)
	}
	return fmt.Sprintf("%.1fG", v/1e9)
}

// share writes part of all in five columns; "-" of nothing.
func share(part, all uint64) string {
	if all == 0 {
		return "-"
	}
	return percent(float64(part) / float64(all))
}

// percent writes a share with three digits or so.
func percent(share float64) string {
	switch p := share * 100; {
	case p == 0:
		return "0%"
	case p < 0.05:
		return "<0.1%"
	case p < 99.95:
		return strconv.FormatFloat(p, 'f', 1, 64) + "%"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + "%"
	}
}
