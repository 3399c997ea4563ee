package pages

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// Workers is a table of nginx's workers: what they use of a CPU, how busy their event loops are,
// and for how long a tick of them made all other requests wait; and a map of the ticks of the
// one under the cursor.
type Workers struct {
	table  table[*workerRow]
	period period
	taken  bool
}

// workerRow is what was counted of a worker, at one moment.
type workerRow struct {
	metrics.WorkerSeen
	state     string
	cpu, busy float64 // shares of one CPU and of the time, of late; -1 for not known
	conns     int     // -1 for not known
	watched   bool    // its ticks were, at some time
}

// NewWorkers returns the page.
func NewWorkers() *Workers {
	by := func(value func(*workerRow) float64) func(a, b *workerRow) int {
		return func(a, b *workerRow) int { // by PID where it is the same
			return cmp.Or(cmp.Compare(value(a), value(b)), cmp.Compare(b.PID, a.PID))
		}
	}
	return &Workers{table: table[*workerRow]{name: (*workerRow).key, turned: true, orders: []order[*workerRow]{
		{"PID", func(a, b *workerRow) int { return cmp.Compare(a.PID, b.PID) }},
		{"CPU", by(func(r *workerRow) float64 { return r.cpu })},
		{"BUSY", by(func(r *workerRow) float64 { return r.busy })},
		{"LONGEST", by(func(r *workerRow) float64 { return float64(r.Longest) })},
		{"REQUESTS", by(func(r *workerRow) float64 { return float64(r.Requests) })},
		{"CONNS", by(func(r *workerRow) float64 { return float64(r.conns) })},
	}}}
}

func (r *workerRow) key() string { return strconv.Itoa(r.PID) }

// Name is for tui.Page.
func (p *Workers) Name() string { return "workers" }

// Keys is for tui.Page.
func (p *Workers) Keys() []tui.Key { return append([]tui.Key{keyOfRow}, sortKeys()...) }

// Update is for tui.Page.
func (p *Workers) Update(s *tui.State, msg tea.Msg) tea.Cmd {
	if !p.table.update(msg) {
		return nil
	}
	if row, ok := p.table.chosen(); ok {
		s.Ask(tui.SetFilter{Where: "worker == " + strconv.Itoa(row.PID)})
	}
	return nil
}

// take copies what was counted, unless the screen is to stand still.
func (p *Workers) take(s *tui.State) {
	if s.Paused && p.taken {
		return
	}
	p.taken = true
	before := map[int]*workerRow{}
	for _, r := range p.table.rows {
		before[r.PID] = r
	}
	s.Count(func(m *metrics.Requests) {
		p.period = periodOf(s, m)
		workers := m.Workers()
		rows := make([]*workerRow, len(workers))
		for i := range workers {
			rows[i] = &workerRow{WorkerSeen: workers[i]}
			rows[i].keep(before[workers[i].PID])
			if last := rows[i].Last().Time; p.period.whole && last.After(p.period.to) {
				p.period.to = last
			}
		}
		for _, r := range rows {
			r.sum(p.period)
		}
		p.table.set(rows)
	})
}

// keep copies the last minutes, of which there is a new one each second at most.
func (r *workerRow) keep(before *workerRow) {
	if before != nil && len(before.Recent) == len(r.Recent) && before.Last().Time.Equal(r.Last().Time) {
		r.Recent = before.Recent
		return
	}
	r.Recent = slices.Clone(r.Recent)
}

// sum tells what the worker did of late.
func (r *workerRow) sum(p period) {
	last := r.Last()
	r.state, r.cpu, r.busy, r.conns = "serving", -1, -1, last.Conns
	switch {
	case len(r.Recent) == 0:
		r.state = "-"
	case p.ago(last.Time) > 3*time.Second:
		r.state, r.conns = "gone", -1
	case last.Ending:
		r.state = "ending"
	}
	var cpu, ofCPU, busy, ofBusy time.Duration
	for i := range r.Recent {
		w := &r.Recent[i]
		r.watched = r.watched || !w.Unwatched
		if w.Span <= 0 || !p.whole && p.ago(w.Time) > recently*time.Second {
			continue
		}
		if w.CPU >= 0 {
			cpu, ofCPU = cpu+w.CPU, ofCPU+w.Span
		}
		if !w.Unwatched {
			busy, ofBusy = busy+w.Busy, ofBusy+w.Span
		}
	}
	if ofCPU > 0 {
		r.cpu = float64(cpu) / float64(ofCPU)
	}
	if ofBusy > 0 {
		r.busy = float64(busy) / float64(ofBusy)
	}
}

// View is for tui.Page.
func (p *Workers) View(s *tui.State, z tui.Size) []string {
	p.take(s)
	if len(p.table.rows) == 0 {
		lines := append(p.table.lines(p.columns(z.Width), z.Width, 1), "")
		return firstLines(append(lines, nothing(s, z.Width)...), z.Height)
	}
	height := z.Height
	if least := 12; z.Height >= least { // there is room for a map
		height = min(len(p.table.rows)+1, z.Height/2)
	}
	lines := p.table.lines(p.columns(z.Width), z.Width, height)
	lines = append(lines, p.legend(z.Width)...)
	if left := z.Height - len(lines) - 1; left >= 4 {
		lines = append(lines, "")
		lines = append(lines, p.ticks(z.Width, left)...)
	}
	return firstLines(lines, z.Height)
}

// legend says what the strips mean, and what is not known.
func (p *Workers) legend(width int) []string {
	told, watched := false, false
	for _, r := range p.table.rows {
		told = told || len(r.Recent) > 0
		watched = watched || r.watched
	}
	switch {
	case !told:
		return []string{note("CPU, connections and ticks of the workers are not known in this window", width)}
	case !watched:
		return []string{note("the lengths of ticks are not known in this window", width)}
	}
	return []string{parts.NewLine(width).Put(parts.Dim, " longest tick: ").DurationHeats().String()}
}

func note(words string, width int) string {
	return parts.NewLine(width).Put(parts.Yellow, " "+words).String()
}

func (p *Workers) columns(width int) []parts.Column[*workerRow] {
	type row = *workerRow
	of := func(share func(row) float64) func(row, int) string {
		return func(r row, _ int) string {
			if share(r) < 0 {
				return "-"
			}
			return percent(share(r))
		}
	}
	columns := parts.Fit([]parts.Column[row]{
		{Title: "PID", Width: 8, Cell: func(r row, _ int) string { return strconv.Itoa(r.PID) }},
		{Title: "STATE", Width: 7, From: 50, Look: stateLook, Cell: func(r row, _ int) string { return r.state }},
		{Title: "SINCE", Width: 8, From: 120, Look: func(row) parts.Look { return parts.Dim }, Cell: func(r row, _ int) string { return p.since(r) }},
		{Title: "REQUESTS", Width: 9, From: 60, Right: true, Cell: func(r row, _ int) string { return amount(r.Requests) }},
		{Title: "CPU", Width: 5, Right: true, Look: func(r row) parts.Look { return loadLook(r.cpu) }, Cell: of(func(r row) float64 { return r.cpu })},
		{Title: "BUSY", Width: 5, Right: true, Look: func(r row) parts.Look { return loadLook(r.busy) }, Cell: of(func(r row) float64 { return r.busy })},
		{Title: "CONNS", Width: 6, From: 70, Right: true, Cell: func(r row, _ int) string { return orUnknown(r.conns) }},
		{Title: "LONGEST", Width: 8, Right: true, Look: func(r row) parts.Look { return tickLook(r.Longest) }, Cell: longestCell},
		{Title: "AT", Width: 8, From: 120, Look: func(row) parts.Look { return parts.Dim }, Cell: longestAt},
		{},
	}, width)
	strip := &columns[len(columns)-1]
	step := p.period.step(strip.Width)
	strip.Title = "LONGEST TICK OF EACH " + step.name()
	strip.Put = func(l *parts.Line, r row, w int) { p.strip(l, r, w, step) }
	return columns
}

// since says when a worker was first told of, if that was not from the beginning.
func (p *Workers) since(r *workerRow) string {
	switch {
	case r.First.IsZero():
		return "-"
	case r.First.Sub(p.period.from) < 3*time.Second:
		return "start"
	}
	return r.First.Format("15:04:05")
}

func stateLook(r *workerRow) parts.Look {
	switch r.state {
	case "serving":
		return parts.Green
	case "ending":
		return parts.Yellow
	}
	return parts.Dim
}

func loadLook(share float64) parts.Look {
	switch {
	case share >= 0.9:
		return parts.Alarm
	case share >= 0.7:
		return parts.Yellow
	}
	return parts.Plain
}

func longestCell(r *workerRow, _ int) string {
	if !r.watched {
		return "-"
	}
	return text.Duration(r.Longest)
}

func longestAt(r *workerRow, _ int) string {
	if r.LongestAt.IsZero() {
		return "-"
	}
	return r.LongestAt.Format("15:04:05")
}

func orUnknown(n int) string {
	if n < 0 {
		return "-"
	}
	return amount(uint64(n))
}
