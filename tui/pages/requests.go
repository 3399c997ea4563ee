package pages

import (
	"cmp"
	"slices"
	"strconv"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// Requests is a table of the last requests, the newest first unless they are sorted.
type Requests struct {
	list   parts.List
	rows   []*trace.Exchange
	at     *trace.Exchange // under the cursor, once the user has moved it
	order  int             // of orders
	turned bool            // the other way round
}

// NewRequests returns the page.
func NewRequests() *Requests { return &Requests{} }

// Name is for tui.Page.
func (p *Requests) Name() string { return "requests" }

var (
	keyOpen = tui.Key{Names: []string{"enter"}, Shown: "Enter", Does: "open the request under the cursor", Hint: true, Word: "open"}
	keySort = tui.Key{Names: []string{"s"}, Does: "sort by the next column: time, total, code, upstream, tries", Hint: true, Word: "sort"}
	keyTurn = tui.Key{Names: []string{"S", "shift+s"}, Shown: "S", Does: "sort the other way round"}
	keyCurl = tui.Key{Names: []string{"y"}, Does: "copy the request as curl", Hint: true, Word: "curl"}
	keyJSON = tui.Key{Names: []string{"Y", "shift+y"}, Shown: "Y", Does: "copy the request as JSON"}
)

// Keys is for tui.Page.
func (p *Requests) Keys() []tui.Key { return []tui.Key{keyOpen, keySort, keyTurn, keyCurl, keyJSON} }

// orders are what requests are sorted by: the name of a column, and what compares two.
var orders = []struct {
	title string
	by    func(a, b *trace.Exchange) int
}{
	{"TIME", nil}, // as they come
	{"TOTAL", func(a, b *trace.Exchange) int { return cmp.Compare(a.Duration, b.Duration) }},
	{"CODE", func(a, b *trace.Exchange) int { return cmp.Compare(codeOf(a), codeOf(b)) }},
	{"UPSTREAM", func(a, b *trace.Exchange) int { return cmp.Compare(a.UpstreamTime(), b.UpstreamTime()) }},
	{"TRY", func(a, b *trace.Exchange) int { return cmp.Compare(len(a.Attempts), len(b.Attempts)) }},
}

// codeOf is the status; no response at all is worse than any.
func codeOf(x *trace.Exchange) int {
	if x.Status == 0 {
		return 1000
	}
	return x.Status
}

// Update is for tui.Page.
func (p *Requests) Update(s *tui.State, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case parts.KeyPress:
		p.key(s, msg)
	case parts.Wheel:
		p.list.Wheel(msg)
		p.hold()
	case parts.Click:
		hit, again := p.list.Click(msg.Y - 1) // below the titles
		p.hold()
		if hit && again {
			p.open(s)
		}
	}
	return nil
}

func (p *Requests) key(s *tui.State, k parts.KeyPress) {
	switch {
	case p.list.Key(k.String()):
		p.hold()
	case keyOpen.Is(k):
		p.open(s)
	case keySort.Is(k):
		p.order, p.turned = (p.order+1)%len(orders), false
		p.restart(s)
	case keyTurn.Is(k):
		p.turned = !p.turned
		p.restart(s)
	case keyCurl.Is(k), keyJSON.Is(k):
		if x := p.chosen(); x != nil {
			copyRequest(s, x, keyJSON.Is(k))
		}
	}
}

// restart shows the rows in their new order from the first one.
func (p *Requests) restart(s *tui.State) {
	p.at = nil
	p.list.Move(-len(p.rows))
	p.sort(s) // the next key may be for the first row already
}

// hold has the cursor stay on its request while others come; at the top it stays at the top.
func (p *Requests) hold() {
	p.at = nil
	if p.list.Cursor > 0 {
		p.at = p.chosen()
	}
}

func (p *Requests) chosen() *trace.Exchange {
	if p.list.Cursor >= len(p.rows) {
		return nil
	}
	return p.rows[p.list.Cursor]
}

func (p *Requests) open(s *tui.State) {
	if x := p.chosen(); x != nil {
		s.Ask(tui.OpenRequest{Exchange: x})
	}
}

// sort orders what is to be shown.
func (p *Requests) sort(s *tui.State) {
	p.rows = append(p.rows[:0], s.Matching...)
	if by := orders[p.order].by; by != nil {
		slices.SortStableFunc(p.rows, by)
	}
	if !p.turned {
		slices.Reverse(p.rows)
	}
	if p.at == nil {
		return
	}
	offset := p.list.Cursor - p.list.Offset
	if i := slices.Index(p.rows, p.at); i >= 0 {
		p.list.Cursor, p.list.Offset = i, i-offset // it stays at its line of the screen
	}
}

// View is for tui.Page.
func (p *Requests) View(s *tui.State, z tui.Size) []string {
	p.sort(s)
	p.list.Fit(len(p.rows), z.Height-1)
	columns := parts.Fit(requestColumns(), z.Width)
	lines := []string{parts.Titles(columns, z.Width, orders[p.order].title, !p.turned)}
	from, to := p.list.Visible()
	for i := from; i < to; i++ {
		lines = append(lines, parts.Row(columns, z.Width, p.rows[i], i == p.list.Cursor))
	}
	if len(p.rows) == 0 {
		lines = append(append(lines, ""), nothing(s, z.Width)...)
	}
	return lines
}

// nothing says why there are no requests.
func nothing(s *tui.State, width int) []string {
	why := "no request has finished yet"
	switch {
	case s.Where != "" && len(s.Requests) > 0:
		why = "none of the last " + strconv.Itoa(len(s.Requests)) + " requests meets the filter: / changes it, Esc clears it"
	case s.Seen > s.Shown:
		why = "the filters of the command line removed all requests so far"
	case s.Window.Over:
		why = "no request finished in the window"
	}
	return wrap(why, parts.Dim, width)
}

func requestColumns() []parts.Column[*trace.Exchange] {
	type row = *trace.Exchange
	look := func(l parts.Look) func(row) parts.Look { return func(row) parts.Look { return l } }
	return []parts.Column[row]{
		{Title: "TIME", Width: 8, From: 60, Look: look(parts.Dim), Cell: func(x row, _ int) string { return x.Start.Format("15:04:05") }},
		{Title: "METHOD", Width: 6, Cell: func(x row, _ int) string { return text.Clean(x.Method) }},
		{Title: "HOST/PATH", Cell: func(x row, w int) string { return address(x, w) }},
		{Title: "ROUTE", Width: 18, From: 120, Cell: func(x row, _ int) string { return routeOf(x) }},
		{Title: "CODE", Width: 5, Look: func(x row) parts.Look { return statusLook(x.Status) }, Cell: func(x row, _ int) string { return status(x) }},
		{Title: "SOURCE", Width: 8, From: 70, Cell: func(x row, _ int) string { return string(x.Source) }},
		{Title: "TOTAL", Width: 7, Right: true, Look: look(parts.Bold), Cell: func(x row, _ int) string { return text.Duration(x.Duration) }},
		{Title: "UPSTREAM", Width: 9, From: 76, Right: true, Cell: func(x row, _ int) string { return orDash(x.UpstreamTime()) }},
		{Title: "TRY", Width: 4, From: 76, Right: true, Cell: func(x row, _ int) string { return strconv.Itoa(len(x.Attempts)) }},
		{Title: "LARGEST", Width: 24, From: 130, Cell: func(x row, _ int) string { return largest(x) }},
		{Title: "UPSTREAM NODE", Width: 21, From: 150, Cell: func(x row, _ int) string { return node(x) }},
		{Title: "CLIENT", Width: 21, From: 180, Cell: func(x row, _ int) string { return client(x) }},
	}
}
