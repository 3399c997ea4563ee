package pages

import (
	"cmp"
	"maps"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// Routes is a table of the routes: how much each is asked for, what fails of it and by whom,
// and how long it takes. All requests count, also those that are no longer kept.
type Routes struct {
	table table[*routeRow]
	total *routeRow
}

// routeRow is what was counted of a route, at one moment.
type routeRow struct {
	metrics.RouteSeen // but for Recent, which goes on
	counts, failed    []uint32
	rate              float64
}

// NewRoutes returns the page.
func NewRoutes() *Routes {
	by := func(value func(*routeRow) float64) func(a, b *routeRow) int {
		return func(a, b *routeRow) int { // by name where it is the same
			return cmp.Or(cmp.Compare(value(a), value(b)), strings.Compare(b.called(), a.called()))
		}
	}
	return &Routes{table: table[*routeRow]{name: (*routeRow).key, orders: []order[*routeRow]{
		{"REQ/S", by(func(r *routeRow) float64 { return r.rate })},
		{"ERR", by(func(r *routeRow) float64 { return float64(r.Errors) })},
		{"ERR%", by(func(r *routeRow) float64 { return float64(r.Errors) / float64(max(r.Requests, 1)) })},
		{"P50", by(func(r *routeRow) float64 { return float64(r.P50) })},
		{"P99", by(func(r *routeRow) float64 { return float64(r.P99) })},
		{"REQUESTS", by(func(r *routeRow) float64 { return float64(r.Requests) })},
	}}}
}

// Name is for tui.Page.
func (p *Routes) Name() string { return "routes" }

// Keys is for tui.Page.
func (p *Routes) Keys() []tui.Key { return append([]tui.Key{keyOfRow}, sortKeys()...) }

var keyOfRow = tui.Key{Names: []string{"enter"}, Shown: "Enter", Does: "its requests", Hint: true}

// Update is for tui.Page.
func (p *Routes) Update(s *tui.State, msg tea.Msg) tea.Cmd {
	if !p.table.update(msg) {
		return nil
	}
	switch row, ok := p.table.chosen(); {
	case !ok:
	case row.Other:
		s.Ask(tui.Say{Text: "these are the routes beyond the first 512: / filters by a route's id", Bad: true})
	default:
		s.Ask(tui.SetFilter{Where: "route == " + strconv.Quote(row.ID)})
	}
	return nil
}

// take copies what was counted, unless the screen is to stand still.
func (p *Routes) take(s *tui.State) {
	if s.Paused && p.total != nil {
		return
	}
	s.Count(func(m *metrics.Requests) {
		period := periodOf(s, m)
		row := func(r *metrics.RouteSeen) *routeRow {
			made := &routeRow{RouteSeen: *r, rate: period.rate(r.Requests, r.Recent)}
			made.counts, made.failed = period.minute(r.Recent)
			made.Recent, made.Sources, made.Types = nil, maps.Clone(r.Sources), maps.Clone(r.Types)
			return made
		}
		total := m.Total()
		p.total = row(&total)
		routes := m.Routes()
		rows := make([]*routeRow, len(routes))
		for i := range routes {
			rows[i] = row(&routes[i])
		}
		p.table.set(rows)
	})
}

// key is what tells a row from others.
func (r *routeRow) key() string {
	switch {
	case r.Other:
		return "other"
	case r.Unread:
		return "unread"
	}
	return "=" + r.ID
}

// called is what people call the route. Parentheses tell that it is no name.
func (r *routeRow) called() string {
	switch {
	case r.Other:
		return "(further routes)"
	case r.Unread:
		return "(not known)"
	case r.ID == "" && r.Name == "":
		return "(no route)"
	}
	return text.Clean(cmp.Or(r.Name, r.ID))
}

// makers are who made the errors.
func (r *routeRow) makers() map[string]uint64 {
	all := map[string]uint64{}
	for source, n := range r.Sources {
		all[string(source)] = n
	}
	return all
}

// View is for tui.Page.
func (p *Routes) View(s *tui.State, z tui.Size) []string {
	p.take(s)
	if len(p.table.rows) == 0 {
		lines := append(p.table.lines(routeColumns(z.Width), z.Width, 1), "")
		return firstLines(append(lines, nothing(s, z.Width)...), z.Height)
	}
	about := p.about(z.Width)
	if z.Height < len(about)+6 {
		about = nil
	}
	lines := p.table.lines(routeColumns(z.Width), z.Width, z.Height-len(about))
	return below(lines, about, z.Height)
}

func routeColumns(width int) []parts.Column[*routeRow] {
	type row = *routeRow
	spark := 12
	if width >= 120 {
		spark = 30
	}
	bad := func(r row) parts.Look {
		if r.Errors > 0 {
			return parts.Alarm
		}
		return parts.Dim
	}
	return []parts.Column[row]{
		{Title: "ROUTE", Cell: func(r row, _ int) string { return r.called() }},
		{Title: "ID", Width: 18, From: 140, Cell: func(r row, _ int) string { return orNone(r.ID) }},
		{Title: "SERVICE", Width: 14, From: 110, Cell: func(r row, _ int) string { return orNone(r.Service) }},
		{Title: "REQUESTS", Width: 9, From: 90, Right: true, Cell: func(r row, _ int) string { return amount(r.Requests) }},
		{Title: "REQ/S", Width: 6, Right: true, Look: func(row) parts.Look { return parts.Bold }, Cell: func(r row, _ int) string { return perSecond(r.rate) }},
		{Title: "4XX", Width: 6, From: 70, Right: true, Cell: func(r row, _ int) string { return amount(r.Classes[4]) }},
		{Title: "ERR", Width: 6, Right: true, Look: bad, Cell: func(r row, _ int) string { return amount(r.Errors) }},
		{Title: "ERR%", Width: 5, From: 60, Right: true, Look: bad, Cell: func(r row, _ int) string { return share(r.Errors, r.Requests) }},
		{Title: "ERRORS BY", Width: 24, From: 150, Cell: func(r row, _ int) string { return counted(r.makers()) }},
		{Title: "P50", Width: 7, Right: true, Cell: func(r row, _ int) string { return orDash(r.P50) }},
		{Title: "P90", Width: 7, From: 130, Right: true, Cell: func(r row, _ int) string { return orDash(r.P90) }},
		{Title: "P99", Width: 7, Right: true, Cell: func(r row, _ int) string { return orDash(r.P99) }},
		{Title: "MAX", Width: 7, From: 130, Right: true, Cell: func(r row, _ int) string { return orDash(r.Max) }},
		{Title: "GATEWAY99", Width: 9, From: 170, Right: true, Cell: func(r row, _ int) string { return orDash(r.GatewayP99) }},
		{Title: "LAST MINUTE", Width: spark, From: 50, Put: func(l *parts.Line, r row, w int) { l.Spark(r.counts, r.failed, w) }},
	}
}

// about tells of the route under the cursor what the table has no room for.
func (p *Routes) about(width int) []string {
	r, ok := p.table.chosen()
	if !ok {
		return nil
	}
	head := r.called()
	if r.ID != "" && r.Name != "" && r.ID != r.Name {
		head += " (" + text.Clean(r.ID) + ")"
	}
	if r.Service != "" {
		head += " · service " + text.Clean(r.Service)
	}
	answers := ""
	for i, n := range r.Classes {
		if name := [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}[i]; n > 0 {
			answers += name + " " + amount(n) + "   "
		}
	}
	errors := "none"
	if r.Errors > 0 {
		errors = "made by " + counted(r.makers()) + "   " + counted(r.Types)
	}
	took := "p50 " + orDash(r.P50) + "   p90 " + orDash(r.P90) + "   p99 " + orDash(r.P99) + "   max " + orDash(r.Max)
	gateway := "p50 " + orDash(r.GatewayP50) + "   p99 " + orDash(r.GatewayP99) + "   of a request's time"
	return []string{
		rule(head, width), told("answers", answers, width), told("errors", errors, width), told("time", took, width),
		told("gateway", gateway, width), told("retries", amount(r.Retries), width),
	}
}
