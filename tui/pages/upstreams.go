package pages

import (
	"cmp"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// Upstreams is a table of the upstream nodes: how much each is tried, what fails and when it
// last did, and how long it takes. All attempts count, also those of requests that are no longer
// kept.
type Upstreams struct {
	table  table[*nodeRow]
	untold uint64 // attempts at nodes that have no row
	taken  bool
}

// nodeRow is what was counted of a node, at one moment.
type nodeRow struct {
	metrics.UpstreamSeen // but for Recent, which goes on
	counts, failed       []uint32
	rate                 float64
	ago                  time.Duration // since it failed; -1 for never
}

// NewUpstreams returns the page.
func NewUpstreams() *Upstreams {
	by := func(value func(*nodeRow) float64) func(a, b *nodeRow) int {
		return func(a, b *nodeRow) int { // by address where it is the same
			return cmp.Or(cmp.Compare(value(a), value(b)), b.Address.Compare(a.Address))
		}
	}
	return &Upstreams{table: table[*nodeRow]{name: (*nodeRow).key, orders: []order[*nodeRow]{
		{"TRY/S", by(func(r *nodeRow) float64 { return r.rate })},
		{"FAIL", by(func(r *nodeRow) float64 { return float64(r.Failures) })},
		{"FAIL%", by(func(r *nodeRow) float64 { return float64(r.Failures) / float64(max(r.Attempts, 1)) })},
		{"WAIT50", by(func(r *nodeRow) float64 { return float64(r.WaitP50) })},
		{"WAIT99", by(func(r *nodeRow) float64 { return float64(r.WaitP99) })},
		{"CONN99", by(func(r *nodeRow) float64 { return float64(r.ConnectP99) })},
	}}}
}

func (r *nodeRow) key() string { return r.Address.String() }

// Name is for tui.Page.
func (p *Upstreams) Name() string { return "upstreams" }

// Keys is for tui.Page.
func (p *Upstreams) Keys() []tui.Key { return append([]tui.Key{keyOfRow}, sortKeys()...) }

// Update is for tui.Page.
func (p *Upstreams) Update(s *tui.State, msg tea.Msg) tea.Cmd {
	if !p.table.update(msg) {
		return nil
	}
	if row, ok := p.table.chosen(); ok { // also those for which it was not the last node
		s.Ask(tui.SetFilter{Where: `", " + upstreams + "," contains ", ` + row.Address.String() + `,"`})
	}
	return nil
}

// take copies what was counted, unless the screen is to stand still.
func (p *Upstreams) take(s *tui.State) {
	if s.Paused && p.taken {
		return
	}
	p.taken = true
	s.Count(func(m *metrics.Requests) {
		period := periodOf(s, m)
		nodes, untold := m.Upstreams()
		rows := make([]*nodeRow, len(nodes))
		for i := range nodes {
			n := &nodes[i]
			rows[i] = &nodeRow{UpstreamSeen: *n, rate: period.rate(n.Attempts, n.Recent), ago: -1}
			rows[i].counts, rows[i].failed = period.minute(n.Recent)
			rows[i].Recent = nil
			if n.Failures > 0 {
				rows[i].ago = period.ago(n.LastFailed)
			}
		}
		p.untold = untold
		p.table.set(rows)
	})
}

// View is for tui.Page.
func (p *Upstreams) View(s *tui.State, z tui.Size) []string {
	p.take(s)
	if len(p.table.rows) == 0 {
		why := nothing(s, z.Width)
		if s.Shown > 0 {
			why = wrap("no request was sent to an upstream node so far", parts.Dim, z.Width)
		}
		lines := append(p.table.lines(nodeColumns(z.Width), z.Width, 1), "")
		return firstLines(append(lines, why...), z.Height)
	}
	about := p.about(z.Width)
	if z.Height < len(about)+6 {
		about = nil
	}
	return below(p.table.lines(nodeColumns(z.Width), z.Width, z.Height-len(about)), about, z.Height)
}

// health is how a node seems to be by when it failed last.
func (r *nodeRow) health() (string, parts.Look) {
	switch {
	case r.ago < 0:
		return "ok", parts.Green
	case r.ago < recently*time.Second && r.Failures == r.Attempts:
		return "down", parts.Alarm
	case r.ago < recently*time.Second:
		return "failing", parts.Red
	}
	return "ok again", parts.Yellow
}

// reuse is the share of attempts on connections that had served others, of those of which it
// is known.
func (r *nodeRow) reuse() string { return share(r.Reused, r.Reused+r.Fresh) }

func nodeColumns(width int) []parts.Column[*nodeRow] {
	type row = *nodeRow
	spark := 12
	if width >= 130 {
		spark = 30
	}
	took := func(of func(row) time.Duration) func(row, int) string {
		return func(r row, _ int) string { return orDash(of(r)) }
	}
	bad := func(r row) parts.Look {
		if r.Failures > 0 {
			return parts.Alarm
		}
		return parts.Dim
	}
	return []parts.Column[row]{
		{Title: "NODE", Cell: func(r row, _ int) string { return r.Address.String() }},
		{Title: "UPSTREAM", Width: 20, From: 190, Cell: func(r row, _ int) string { return orNone(r.Upstream) }},
		{Title: "HEALTH", Width: 8, Look: func(r row) parts.Look { _, look := r.health(); return look }, Cell: func(r row, _ int) string { words, _ := r.health(); return words }},
		{Title: "LAST FAILURE", Width: 12, From: 150, Right: true, Cell: func(r row, _ int) string { return r.last() }},
		{Title: "TRIES", Width: 6, From: 100, Right: true, Cell: func(r row, _ int) string { return amount(r.Attempts) }},
		{Title: "TRY/S", Width: 6, From: 60, Right: true, Look: func(row) parts.Look { return parts.Bold }, Cell: func(r row, _ int) string { return perSecond(r.rate) }},
		{Title: "FAIL", Width: 5, Right: true, Look: bad, Cell: func(r row, _ int) string { return amount(r.Failures) }},
		{Title: "FAIL%", Width: 6, From: 90, Right: true, Look: bad, Cell: func(r row, _ int) string { return share(r.Failures, r.Attempts) }},
		{Title: "RETRY", Width: 5, From: 120, Right: true, Cell: func(r row, _ int) string { return amount(r.Retries) }},
		{Title: "RESET", Width: 5, From: 120, Right: true, Cell: func(r row, _ int) string { return amount(r.Resets) }},
		{Title: "REUSE", Width: 5, From: 76, Right: true, Cell: func(r row, _ int) string { return r.reuse() }},
		{Title: "CONN50", Width: 7, From: 110, Right: true, Cell: took(func(r row) time.Duration { return r.ConnectP50 })},
		{Title: "CONN99", Width: 7, From: 84, Right: true, Cell: took(func(r row) time.Duration { return r.ConnectP99 })},
		{Title: "WAIT50", Width: 7, Right: true, Cell: took(func(r row) time.Duration { return r.WaitP50 })},
		{Title: "WAIT99", Width: 7, Right: true, Cell: took(func(r row) time.Duration { return r.WaitP99 })},
		{Title: "LAST MINUTE", Width: spark, From: 70, Put: func(l *parts.Line, r row, w int) { l.Spark(r.counts, r.failed, w) }},
	}
}

// last says when the node failed last.
func (r *nodeRow) last() string {
	if r.ago < 0 {
		return "never"
	}
	return text.Duration(r.ago.Round(time.Millisecond)) + " ago"
}

// about tells of the node under the cursor what the table has no room for.
func (p *Upstreams) about(width int) []string {
	r, ok := p.table.chosen()
	if !ok {
		return nil
	}
	head := r.Address.String()
	if r.Upstream != "" {
		head += " · upstream " + text.Clean(r.Upstream)
	}
	failures, last := "none", "never"
	if r.Failures > 0 {
		failures = counted(r.Errors) + "   " + share(r.Failures, r.Attempts) + " of " + amount(r.Attempts) + " tries"
		last = strings.TrimSuffix(r.LastFailed.Format("15:04:05")+", "+r.last()+": "+text.Clean(r.LastReason), ": ")
	}
	conns := "reused " + amount(r.Reused) + "   new " + amount(r.Fresh)
	if rest := r.Attempts - min(r.Attempts, r.Reused+r.Fresh); rest > 0 {
		conns += "   failed, or not known " + amount(rest)
	}
	conns += "   reset by the node " + amount(r.Resets)
	took := "connect p50 " + orDash(r.ConnectP50) + "   p99 " + orDash(r.ConnectP99) + "   wait p50 " + orDash(r.WaitP50) + "   p99 " + orDash(r.WaitP99)
	lines := []string{
		rule(head, width), told("failures", failures, width), told("last failure", last, width), told("connections", conns, width), told("time", took, width),
		told("retries", amount(r.Retries)+" tries came after another one of the same request had failed", width),
	}
	if p.untold > 0 {
		lines = append(lines, told("not shown", amount(p.untold)+" tries at nodes beyond the first 512", width))
	}
	return lines
}
