package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// maxRows is what a person reads; the groups beyond share the last row.
const maxRows = 50

// groupTable shows groups to people.
type groupTable struct {
	w io.Writer
	o Options
}

// groupColumn is one column; its words stand to the left, its numbers to the right.
type groupColumn struct {
	title string
	from  int // the least width of the terminal at which there is room for it
	words bool
	cell  func(*group) string // nil for the target, which gets the room that is left
}

func groupColumns(cpu bool) []groupColumn {
	at := func(q float64) func(*group) string {
		return func(g *group) string { return groupTime(g.total.Quantile(q)) }
	}
	all := []groupColumn{
		{title: "METHOD", words: true, cell: groupMethod},
		{title: "HOST/PATH", words: true},
		{title: "ROUTE", words: true, from: 100, cell: groupRoute},
		{title: "REQS", cell: func(g *group) string { return count(g.requests) }},
		{title: "ERR", cell: func(g *group) string { return count(g.errors) }},
		{title: "RETRIES", from: 120, cell: func(g *group) string { return count(g.retries) }},
		{title: "P50", cell: at(0.5)},
		{title: "P90", from: 90, cell: at(0.9)},
		{title: "P99", cell: at(0.99)},
		{title: "MAX", from: 50, cell: func(g *group) string { return groupTime(g.total.Max()) }},
		{title: "GATEWAY", from: 110, cell: func(g *group) string { return groupTime(g.gateway.Quantile(0.5)) }},
		{title: "UPSTREAM", from: 110, cell: func(g *group) string { return groupTime(g.upstream.Quantile(0.5)) }},
		{title: "CPU", cell: func(g *group) string { return cpuTime(&g.cpu, g.sampled) }},
		{title: "MOSTLY", from: 70, words: true, cell: groupMostly},
	}
	if cpu {
		return all
	}
	return slices.DeleteFunc(all, func(c groupColumn) bool { return c.title == "CPU" })
}

// show writes the table; it is called once.
func (t *groupTable) show(all []*group) error {
	if len(all) == 0 {
		return nil
	}
	rows, notes := foldGroups(all)
	var columns []groupColumn
	for _, c := range groupColumns(t.o.CPU) {
		if t.o.width() >= c.from {
			columns = append(columns, c)
		}
	}
	var b strings.Builder
	table := t.table(&b, columns)
	for i, row := range t.cells(columns, rows) {
		if i == 0 {
			table.Header(row)
		} else if err := table.Append(row); err != nil {
			return fmt.Errorf("draw table: %w", err)
		}
	}
	if err := table.Render(); err != nil {
		return fmt.Errorf("draw table: %w", err)
	}
	p := &page{width: t.o.width(), color: t.o.Color}
	look := dim // of the titles
	for line := range strings.Lines(b.String()) {
		p.put(look, strings.TrimSpace(line))
		p.end()
		look = plain
	}
	for _, note := range notes {
		p.put(dim, note)
		p.end()
	}
	if _, err := t.w.Write(p.buf); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// table stands words to the left and numbers to the right.
func (t *groupTable) table(w io.Writer, columns []groupColumn) *tablewriter.Table {
	var align []tw.Align
	for _, c := range columns {
		if c.words {
			align = append(align, tw.AlignLeft)
		} else {
			align = append(align, tw.AlignRight)
		}
	}
	return plainTable(w, align)
}

// cells returns the titles and all rows. The target gets what the other columns leave.
func (t *groupTable) cells(columns []groupColumn, groups []*group) [][]string {
	rows := make([][]string, len(groups)+1)
	left, target := t.o.width(), 0
	for i, c := range columns {
		rows[0] = append(rows[0], c.title)
		widest := text.Width(c.title)
		for n, g := range groups {
			cell := ""
			if c.cell != nil {
				cell = c.cell(g)
			}
			rows[n+1] = append(rows[n+1], cell)
			widest = max(widest, text.Width(cell))
		}
		if c.cell == nil {
			target = i
			widest = 0
		}
		left -= widest + 1
	}
	for n, g := range groups {
		rows[n+1][target] = groupTarget(g, left)
	}
	return rows
}

// foldGroups puts all beyond maxRows into one, and says so.
func foldGroups(all []*group) (rows []*group, notes []string) {
	if len(all) == maxGroups+1 {
		notes = append(notes, fmt.Sprintf("(other): all that came when there were %s groups is counted together", count(maxGroups)))
	}
	if len(all) <= maxRows {
		return all, notes
	}
	other := &group{other: true}
	for _, g := range all[maxRows-1:] {
		other.merge(g)
	}
	notes = append(notes, fmt.Sprintf("(other): %s groups in which less time was spent; -o json shows them", count(uint64(len(all)-maxRows+1))))
	return append(all[:maxRows-1:maxRows-1], other), notes
}

// Summary has nothing to add to a table: the talk on stderr has it.
func (t *groupTable) Summary(trace.Summary) error { return nil }

// Show is not called: an aggregate shows no single exchange.
func (t *groupTable) Show(*trace.Exchange) error { return nil }

// Close has nothing to write; the writer stays open.
func (t *groupTable) Close() error { return nil }

func groupMethod(g *group) string {
	if g.method == "" {
		return "-"
	}
	return text.Truncate(text.Clean(g.method), 7)
}

func groupTarget(g *group, width int) string {
	if g.other {
		return "(other)"
	}
	return text.Truncate(target(&trace.Exchange{Host: g.host, Path: g.path}, width), width)
}

// groupRoute names the route that all of a group have.
func groupRoute(g *group) string {
	switch {
	case !g.routed || g.other:
		return "-"
	case g.routes:
		return "(several)"
	}
	n := trace.Names{From: trace.NamesExact, RouteID: g.routeID, RouteName: g.routeName}
	if g.computed {
		n.From = trace.NamesComputed
	}
	return text.Truncate(routeCell(&trace.Exchange{Names: n}, 0), 20)
}

func groupTime(d time.Duration) string {
	if d < 0 {
		return "-"
	}
	return text.Duration(d)
}

// groupMostly names the part that was the largest of most requests, and their share.
func groupMostly(g *group) string {
	name, times := g.mostLargest()
	if times == 0 {
		return "-"
	}
	return partTitle(name) + " " + strconv.FormatUint(100*times/g.requests, 10) + "%"
}
