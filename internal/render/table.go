package render

import (
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// traceTable writes a line an exchange, as they come, so its columns cannot depend on
// what comes later: they follow from the width alone.
type traceTable struct {
	feed
	o       Options
	columns []column[trace.Exchange]
	titled  bool
}

// column is one column of a table that shows a T a line.
type column[T any] struct {
	title string
	width int
	from  int  // the least width of the terminal at which there is room for it
	right bool // numbers
	look  func(*T) style
	cell  func(x *T, width int) string
}

func newTraceTable(w io.Writer, o Options) trace.Sink {
	return &traceTable{feed: newFeed(w), o: o, columns: fit(traceColumns(o.CPU), o.width())}
}

// fit drops the columns there is no room for, and gives what is left to those without a
// width of their own.
func fit[T any](all []column[T], width int) []column[T] {
	var kept []column[T]
	left := width
	for _, c := range all {
		if width >= c.from {
			kept = append(kept, c)
			left -= c.width + 1
		}
	}
	for i := range kept {
		if kept[i].width == 0 {
			kept[i].width = max(left+1, 1)
		}
	}
	return kept
}

func traceColumns(cpu bool) []column[trace.Exchange] {
	all := []column[trace.Exchange]{
		{title: "TIME", width: 8, look: fixed[trace.Exchange](dim), cell: func(x *trace.Exchange, _ int) string { return x.Start.Format("15:04:05") }},
		{title: "METHOD", width: 6, cell: func(x *trace.Exchange, _ int) string { return method(x) }},
		{title: "HOST/PATH", cell: target},
		{title: "ROUTE", width: 16, from: 110, cell: routeCell},
		{title: "CODE", width: 4, look: func(x *trace.Exchange) style { return statusStyle(x.Status) }, cell: code},
		{title: "SOURCE", width: 8, cell: func(x *trace.Exchange, _ int) string { return string(x.Source) }},
		{title: "TOTAL", width: 7, right: true, look: fixed[trace.Exchange](bold), cell: took(func(x *trace.Exchange) time.Duration { return x.Duration })},
		{title: "GATEWAY", width: 7, from: 60, right: true, cell: took(func(x *trace.Exchange) time.Duration { return x.Timing.Gateway })},
		{title: "UPSTREAM", width: 8, from: 60, right: true, cell: took((*trace.Exchange).UpstreamTime)},
		{title: "TRY", width: 3, from: 76, right: true, cell: func(x *trace.Exchange, _ int) string { return strconv.Itoa(len(x.Attempts)) }},
		{title: "CPU", width: 8, right: true, cell: func(x *trace.Exchange, _ int) string { return cpuTime(&x.CPU, 1) }},
		{title: "LARGEST", width: 24, from: 130, cell: func(x *trace.Exchange, _ int) string { return largest(x) }},
		{title: "UPSTREAM ADDRESS", width: 21, from: 150, cell: func(x *trace.Exchange, _ int) string { return node(x) }},
	}
	if cpu {
		return all
	}
	return slices.DeleteFunc(all, func(c column[trace.Exchange]) bool { return c.title == "CPU" })
}

// Show writes one line, the first time below the titles.
func (t *traceTable) Show(x *trace.Exchange) error {
	p := &page{buf: t.buf, width: t.o.width(), color: t.o.Color}
	if !t.titled {
		t.titled = true
		titles(p, t.columns)
	}
	row(p, t.columns, x)
	return t.commit(p.buf)
}

// titles puts the line above all rows.
func titles[T any](p *page, columns []column[T]) {
	cells(p, columns, func(c *column[T]) (style, string) { return dim, c.title })
}

// row puts the line of x.
func row[T any](p *page, columns []column[T], x *T) {
	cells(p, columns, func(c *column[T]) (style, string) {
		look := plain
		if c.look != nil {
			look = c.look(x)
		}
		return look, c.cell(x, c.width)
	})
}

func cells[T any](p *page, columns []column[T], cell func(*column[T]) (style, string)) {
	end := 0
	for i := range columns {
		c := &columns[i]
		look, s := cell(c)
		s = text.Truncate(s, c.width)
		if c.right {
			s = text.PadLeft(s, c.width)
		}
		p.put(look, s)
		end += c.width + 1
		p.to(end)
	}
	p.end()
}

// Summary has nothing to add to a table: the talk on stderr has it.
func (t *traceTable) Summary(trace.Summary) error { return t.Flush() }

func fixed[T any](s style) func(*T) style { return func(*T) style { return s } }

func took(of func(*trace.Exchange) time.Duration) func(*trace.Exchange, int) string {
	return func(x *trace.Exchange, _ int) string { return elapsed(x, of(x)) }
}

func code(x *trace.Exchange, _ int) string {
	if x.Status == 0 {
		return "none"
	}
	return strconv.Itoa(x.Status)
}

// node names the upstream node that was tried last.
func node(x *trace.Exchange) string {
	if len(x.Attempts) == 0 {
		return "-"
	}
	a := &x.Attempts[len(x.Attempts)-1]
	if a.Peer.IsValid() {
		return address(a.Peer)
	}
	return text.Clean(a.PeerName)
}

func largest(x *trace.Exchange) string {
	most := x.Largest()
	if most.Duration <= 0 {
		return "-"
	}
	return partTitle(most.Name) + share(most.Duration, x)
}
