package pages

import (
	"fmt"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// step is for how many seconds a column of a map stands.
type step int

// step returns that of a map of so many columns, on which the whole window is to be seen, or its
// last minutes.
func (p period) step(columns int) step {
	span := min(p.to.Sub(p.from), kept*time.Second)
	for _, s := range []step{1, 2, 5, 10, 15, 30} {
		if time.Duration(columns)*s.length() >= span {
			return s
		}
	}
	return 60
}

// kept is for how many seconds it is told what workers did.
const kept = 300

func (s step) length() time.Duration { return time.Duration(s) * time.Second }

func (s step) name() string {
	if s == 1 {
		return "SECOND"
	}
	return fmt.Sprintf("%d s", s)
}

// column is where something of a time stands among columns, the last of which ends now; less
// than 0 if it is too long ago.
func (s step) column(p period, at time.Time, columns int) int {
	return columns - 1 - int(p.ago(at)/s.length())
}

// strip shows how long the longest tick was, as time goes by.
func (p *Workers) strip(l *parts.Line, r *workerRow, columns int, step step) {
	cells := make([]parts.Heat, max(min(columns, l.Left()), 0))
	for i := range cells {
		cells[i] = parts.HeatNone
	}
	for i := range r.Recent {
		w := &r.Recent[i]
		at := step.column(p.period, w.Time, len(cells))
		switch {
		case at < 0:
		case w.Unwatched:
			cells[at] = max(cells[at], parts.HeatUnknown)
		default:
			cells[at] = max(cells[at], parts.DurationHeat(w.Longest))
		}
	}
	l.Heat(cells...)
}

// tickLook tells what is long for an event loop: of 10 ms, requests take notice.
func tickLook(d time.Duration) parts.Look {
	switch {
	case d >= 100*time.Millisecond:
		return parts.Alarm
	case d >= 10*time.Millisecond:
		return parts.Red
	case d >= time.Millisecond:
		return parts.Yellow
	}
	return parts.Green
}

// ticks is a map of the ticks of the worker under the cursor: how many there were of which
// length, as time goes by.
func (p *Workers) ticks(width, height int) []string {
	r, ok := p.table.chosen()
	if !ok || !r.watched {
		return nil
	}
	columns := max(width-tickLabel-tickTotal, 0)
	step := p.period.step(columns)
	from, to := classes(&r.Ticks)
	fold := (to - from + height - 2) / (height - 1) // classes a line
	head := fmt.Sprintf("ticks of worker %d, each column %d s", r.PID, step)
	l := parts.NewLine(width).Put(parts.Dim, "── ").Put(parts.Bold, head).Put(parts.Dim, ": ")
	for n, words := uint64(1), ""; n <= 4096; n *= 8 {
		words = fmt.Sprintf(" %d  ", n)
		l.Shade(parts.Plain, n).Put(parts.Dim, words)
	}
	lines := []string{l.Put(parts.Dim, strings.Repeat("─", l.Left())).String()}
	for low := from + (to-from-1)/fold*fold; low >= from; low -= fold {
		lines = append(lines, p.tickLine(r, low, min(low+fold, to), step, width))
	}
	return firstLines(lines, height)
}

// Columns beside the map.
const (
	tickLabel = 10
	tickTotal = 8
)

// tickLine is the line of the classes from low to the one before high.
func (p *Workers) tickLine(r *workerRow, low, high int, step step, width int) string {
	cells := make([]uint64, max(width-tickLabel-tickTotal, 0))
	for i := range r.Recent {
		w := &r.Recent[i]
		if at := step.column(p.period, w.Time, len(cells)); at >= 0 {
			cells[at] += sum(w.Ticks[low:high])
		}
	}
	length := time.Microsecond << low
	label := "≥ " + text.Duration(length)
	if low == 0 {
		label, length = "< "+text.Duration(time.Microsecond<<high), 0
	}
	l := parts.NewLine(width).Put(parts.Dim, text.PadLeft(label, tickLabel-1)+" ")
	for _, n := range cells {
		l.Shade(tickLook(length), n)
	}
	return l.Right(parts.Dim, amount(sum(r.Ticks[low:high]))).String()
}

func sum(counts []uint64) (all uint64) {
	for _, n := range counts {
		all += n
	}
	return all
}

// classes returns the shortest and the one behind the longest class that there were ticks of.
func classes(ticks *[trace.TickClasses]uint64) (from, to int) {
	for i, n := range ticks {
		if n > 0 {
			if to == 0 {
				from = i
			}
			to = i + 1
		}
	}
	return from, max(to, from+1)
}
