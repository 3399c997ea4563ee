package render

import (
	"io"
	"strconv"
	"strings"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// logText writes a line a request; below it, indented, why it ended before its time, and
// the headers and bodies that were asked for.
type logText struct {
	feed
	o       LogOptions
	columns []column[logs.Entry]
	titled  bool
	entry   logs.Entry
}

func newLogText(w io.Writer, o LogOptions) trace.Sink {
	return &logText{feed: newFeed(w), o: o, columns: fit(logColumns(o.width() >= 140), o.width())}
}

// logColumns returns the columns of a line of 120 columns, or of more where it is wide.
func logColumns(wide bool) []column[logs.Entry] {
	clock, clockWidth, nodeWidth, routeWidth := "15:04:05", 8, 18, 8
	if wide {
		clock, clockWidth, nodeWidth, routeWidth = "15:04:05.000", 12, 21, 12
	}
	return []column[logs.Entry]{
		{title: "TIME", width: clockWidth, look: fixed[logs.Entry](dim), cell: func(e *logs.Entry, _ int) string { return e.Time.Format(clock) }},
		{title: "CLIENT", width: 15, from: 90, cell: func(e *logs.Entry, _ int) string { return orDash(e.Client) }},
		{title: "REQUEST", cell: logRequest},
		{title: "STATUS", width: 12, look: logStatusStyle, cell: logStatus},
		{title: "TOTAL", width: 6, right: true, look: fixed[logs.Entry](bold), cell: func(e *logs.Entry, _ int) string { return logTime(e, e.RequestTime) }},
		{title: "GATEWAY", width: 7, from: 60, right: true, cell: func(e *logs.Entry, _ int) string { return logTime(e, e.GatewayTime) }},
		{title: "UPSTREAM", width: 8, from: 60, right: true, cell: func(e *logs.Entry, _ int) string { return logTime(e, e.Upstreamed()) }},
		{title: "NODE", width: nodeWidth, from: 100, cell: logNode},
		{title: "SENT", width: 7, from: 80, right: true, cell: func(e *logs.Entry, _ int) string { return text.Size(int64(e.BytesSent)) }},
		{title: "ROUTE", width: routeWidth, from: 110, cell: func(e *logs.Entry, width int) string { return routeCell(e.Exchange, width) }},
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return text.Clean(s)
}

func logRequest(e *logs.Entry, width int) string {
	name := method(e.Exchange) + " "
	return name + shorten(e.Host, e.Path, e.Query, max(width-columns(name), 1))
}

func logStatusStyle(e *logs.Entry) style {
	if e.Status < 400 && e.GaveUp != "" {
		return yellow
	}
	return statusStyle(e.Status)
}

// logStatus tells who made the response; of one that nobody waited for, who gave up.
func logStatus(e *logs.Entry, _ int) string {
	status := "none"
	if e.Status != 0 {
		status = strconv.Itoa(e.Status)
	}
	if e.GaveUp == logs.ByClient {
		return status + " client"
	}
	if e.Status == 0 {
		return status
	}
	return status + " " + e.Source
}

// logNode names the node that was tried last, and how many tries there were.
func logNode(e *logs.Entry, width int) string {
	node := orDash(e.Upstream)
	if e.Attempts < 2 {
		return node
	}
	tries := " ×" + strconv.Itoa(e.Attempts)
	return text.Truncate(node, width-columns(tries)) + tries
}

// Show writes one request, the first time below the titles.
func (t *logText) Show(x *trace.Exchange) error {
	e := &t.entry
	e.Fill(x, &t.o.View)
	p := &page{buf: t.buf, width: t.o.width(), color: t.o.Color}
	if !t.titled {
		t.titled = true
		titles(p, t.columns)
	}
	row(p, t.columns, e)
	if e.Ended() && e.Reason != "" {
		p.paragraph("why", logStatusStyle(e), words(e.Reason)...)
	}
	p.width = 1 << 16 // what was asked for is not cut
	if t.o.View.Headers.Any() {
		t.headers(p, x)
	}
	logBody(p, "request", &e.RequestBody)
	logBody(p, "response", &e.ResponseBody)
	return t.commit(p.buf)
}

func (t *logText) headers(p *page, x *trace.Exchange) {
	if x.Headers == nil {
		p.paragraph("headers", yellow, words("they were not read")...)
		return
	}
	t.head(p, "request", &x.Headers.Request)
	t.head(p, "to node", &x.Headers.UpstreamRequest)
	t.head(p, "of node", &x.Headers.UpstreamResponse)
	t.head(p, "response", &x.Headers.Response)
}

func (t *logText) head(p *page, label string, h *trace.Head) {
	line := func(put func()) {
		p.put(plain, "  ")
		p.put(dim, label)
		p.to(indent)
		put()
		p.end()
		label = ""
	}
	for i := range h.Fields {
		f := &h.Fields[i]
		if !t.o.View.Headers.Has(f.Name) {
			continue
		}
		line(func() {
			p.put(cyan, text.Clean(f.Name))
			p.put(plain, ": "+text.Clean(t.o.View.Value(f)))
			if f.Set {
				p.put(dim, "  (set by the gateway)")
			}
		})
	}
	if h.Cut > 0 {
		line(func() { p.put(yellow, strconv.Itoa(h.Cut)+" more are missing, or cut, for want of room") })
	}
	if h.Note != "" {
		line(func() { p.put(yellow, text.Clean(h.Note)) })
	}
}

// logBody shows the beginning of a body: as text, or as a dump where it is none.
func logBody(p *page, whose string, b *logs.Body) {
	if !b.Seen {
		return
	}
	p.put(plain, "  ")
	p.put(dim, whose+" body  ")
	p.put(plain, text.Clean(b.Describe()))
	p.end()
	shown, ok := b.Text()
	if !ok {
		shown = dump(b.First)
	}
	for line := range strings.Lines(shown) {
		p.to(indent)
		p.put(plain, text.Clean(strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")))
		p.end()
	}
}

// Summary has nothing to add: the talk on stderr has it.
func (t *logText) Summary(trace.Summary) error { return t.Flush() }
