package render

import (
	"fmt"
	"strconv"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// heat is a worker's ticks over time: a column for a few seconds, a row for a length.
type heat struct {
	PID     int
	Title   string
	Columns int
	Rows    int
	Labels  []gridLine
	Cells   []heatCell
	From    string
	To      string
}

// heatCell says how many ticks there were of a length. Class is one of heatShades.
type heatCell struct {
	X, Y  int
	Class string
	Title string
}

const (
	heatColumns = 60
	heatWorkers = 16
	heatShades  = 5
)

// heatLengths are the lengths of ticks that have a row of their own; each reaches to the next.
var heatLengths = []time.Duration{0, 100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond}

// workerTable has the workers, by process id.
func (p *reportPage) workerTable() reportTable {
	t := reportTable{ID: "workers", Title: "Workers", Columns: []reportColumn{
		{Title: "Worker", Number: true}, {Title: "Requests", Number: true}, {Title: "CPU", Number: true, Hint: "share of one core"}, {Title: "Sockets", Number: true, Hint: "open at last, listening ones included"},
		{Title: "Loop busy", Number: true, Hint: "share of the time in which the event loop worked"}, {Title: "Ticks over 10 ms", Number: true, Hint: "in which the event loop was blocked for so long"}, {Title: "Longest tick", Number: true}, {Title: "At"}, {Title: "State"},
	}}
	all := p.digest.requests.Workers()
	for i := range all {
		w := &all[i]
		last := w.Last()
		cpu := reportCell{Text: "-", Sort: "-1"}
		if w.CPU >= 0 {
			cpu = reportCell{Text: percent(w.CPU), Sort: strconv.FormatFloat(w.CPU, 'g', -1, 64)}
		}
		sockets := reportCell{Text: "-", Sort: "-1"}
		if last.Conns >= 0 {
			sockets = countCell(uint64(last.Conns))
		}
		state := "serves"
		switch {
		case len(w.Recent) == 0:
			state = "not watched"
		case last.Ending:
			state = "was ending"
		}
		row := []reportCell{{Text: strconv.Itoa(w.PID)}, countCell(w.Requests), cpu, sockets}
		if watched(w) {
			row = append(row, busyCell(w), countCell(longTicks(w)), tookCell(w.Longest), p.timeCell(w.LongestAt))
		} else {
			unknown := reportCell{Text: "-", Sort: "-1"}
			row = append(row, unknown, unknown, unknown, unknown)
		}
		t.Rows = append(t.Rows, reportRow{Cells: append(row, textCell(state))})
	}
	return t
}

// watched reports whether a worker's ticks are known.
func watched(w *metrics.WorkerSeen) bool {
	for i := range w.Recent {
		if !w.Recent[i].Unwatched {
			return true
		}
	}
	return false
}

func busyCell(w *metrics.WorkerSeen) reportCell {
	var busy, of time.Duration
	for i := range w.Recent {
		if r := &w.Recent[i]; !r.Unwatched {
			busy, of = busy+r.Busy, of+r.Span
		}
	}
	if of <= 0 {
		return reportCell{Text: "-", Sort: "-1"}
	}
	share := float64(busy) / float64(of)
	return reportCell{Text: percent(share), Sort: strconv.FormatFloat(share, 'g', -1, 64)}
}

// longTicks counts those that blocked all other requests. A class of ticks begins at 8.2 ms:
// what counts is surely longer than 10 ms.
func longTicks(w *metrics.WorkerSeen) (n uint64) {
	for class := trace.TickClass(10*time.Millisecond) + 1; class < trace.TickClasses; class++ {
		n += w.Ticks[class]
	}
	return n
}

// heat draws the workers whose ticks are known, and a legend.
func (p *reportPage) heat() (all []heat, scale []heatCell) {
	workers := p.digest.requests.Workers()
	for i := range workers {
		if w := &workers[i]; watched(w) && len(all) < heatWorkers {
			all = append(all, p.heatOf(w))
		}
	}
	if len(all) > 0 {
		for shade, label := range [heatShades]string{"1", "10", "100", "1,000", "10,000 or more"} {
			scale = append(scale, heatCell{X: shade, Class: "heat" + strconv.Itoa(shade), Title: label})
		}
	}
	return all, scale
}

func (p *reportPage) heatOf(w *metrics.WorkerSeen) heat {
	first, last := w.Recent[0].Time, w.Last().Time
	per := max((last.Sub(first)+heatColumns*time.Second)/(heatColumns*time.Second)*time.Second, time.Second)
	h := heat{PID: w.PID, Rows: len(heatLengths), Columns: int((last.Sub(first)+per/2)/per) + 1, From: p.clock(first.Add(-w.Recent[0].Span)), To: p.clock(last)}
	h.Title = fmt.Sprintf("Ticks of the event loop of worker %d by length, from %s to %s; the longest took %s", w.PID, h.From, h.To, text.Duration(w.Longest))
	counts := make([][]uint64, h.Columns)
	for i := range w.Recent {
		// They come once a second, but not on the dot.
		at := min(max(int((w.Recent[i].Time.Sub(first)+per/2)/per), 0), h.Columns-1)
		if counts[at] == nil {
			counts[at] = make([]uint64, h.Rows)
		}
		for class, n := range w.Recent[i].Ticks {
			counts[at][heatRow(class)] += n
		}
	}
	for i := range h.Rows {
		label := "under " + text.Duration(heatLengths[1])
		if i > 0 {
			label = "from " + text.Duration(heatLengths[i])
		}
		h.Labels = append(h.Labels, gridLine{Y: percentOf((float64(h.Rows-1-i) + 0.5) / float64(h.Rows)), Label: label})
	}
	for x, of := range counts {
		for row, n := range of {
			if n > 0 {
				h.Cells = append(h.Cells, heatCell{x, h.Rows - 1 - row, "heat" + strconv.Itoa(shadeOf(n)),
					p.clock(first.Add(time.Duration(x)*per)) + ": " + count(n) + " ticks " + h.Labels[row].Label})
			}
		}
	}
	return h
}

// heatRow is the row of a class of ticks, by its middle.
func heatRow(class int) int {
	middle := time.Duration(3) << class * time.Microsecond / 2
	row := 0
	for row+1 < len(heatLengths) && middle >= heatLengths[row+1] {
		row++
	}
	return row
}

// shadeOf is one for each power of ten.
func shadeOf(n uint64) int {
	shade := 0
	for ; n >= 10 && shade < heatShades-1; n /= 10 {
		shade++
	}
	return shade
}

// blocked tells of event loops that were blocked.
func (p *reportPage) blocked() []string {
	const long = 10 * time.Millisecond
	var out []string
	var at *metrics.WorkerSeen
	var times uint64
	workers := p.digest.requests.Workers()
	for i := range workers {
		w := &workers[i]
		times += longTicks(w)
		if w.Longest > long && (at == nil || w.Longest > at.Longest) {
			at = w
		}
	}
	if at != nil {
		s := fmt.Sprintf("The event loop of worker %d was blocked for %s by %s, and with it every other request of that worker", at.PID, text.Duration(at.Longest), p.clock(at.LongestAt))
		if times > 1 {
			s += fmt.Sprintf("; all in all the loops had %s ticks of more than 10 ms", count(times))
		}
		out = append(out, s+".")
	}
	const most = 3
	for i := range p.Samples.Stalls[:min(len(p.Samples.Stalls), most)] {
		b := p.Samples.Stalls[i]
		b.Tick.Start = p.local(b.Tick.Start)
		out = append(out, sentence(b.String()))
	}
	return out
}

// failingNode names the node that most of the failed attempts were at, if that is not where
// most of the attempts were anyway.
func (p *reportPage) failingNode() string {
	nodes, _ := p.digest.requests.Upstreams()
	var failures, attempts uint64
	var most *metrics.UpstreamSeen
	for i := range nodes {
		n := &nodes[i]
		failures, attempts = failures+n.Failures, attempts+n.Attempts
		if most == nil || n.Failures > most.Failures {
			most = n
		}
	}
	const few = 5
	if failures < few || len(nodes) < 2 || 10*most.Failures < 8*failures || 10*most.Attempts > 7*attempts {
		return ""
	}
	if most.Failures == failures {
		return fmt.Sprintf("All %s failed attempts were at node %s, which got %s of all attempts.", count(failures), most.Address, portion(most.Attempts, attempts))
	}
	return fmt.Sprintf("%s of the %s failed attempts were at node %s, which got %s of all attempts.",
		count(most.Failures), count(failures), most.Address, portion(most.Attempts, attempts))
}

// busiest names a worker that got far more than its share.
func (p *reportPage) busiest() string {
	workers := p.digest.requests.Workers()
	var all uint64
	var most *metrics.WorkerSeen
	for i := range workers {
		all += workers[i].Requests
		if most == nil || workers[i].Requests > most.Requests {
			most = &workers[i]
		}
	}
	const few = 100
	if len(workers) < 2 || all < few || most.Requests*uint64(len(workers)) < 2*all && 10*most.Requests < 8*all {
		return ""
	}
	return fmt.Sprintf("Worker %d answered %s of the requests; there are %d workers.", most.PID, portion(most.Requests, all), len(workers))
}
