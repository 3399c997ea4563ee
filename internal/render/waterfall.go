package render

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// waterfall draws an exchange's spans, parents above children, on one scale of time.
type waterfall struct {
	x        *trace.Exchange
	rows     []fallRow
	name     int // columns of the name with its branch
	bar      int // columns of the bar
	length   time.Duration
	narrow   bool
	inferred bool // some edge is
}

// fallRow is a span and where it stands in the tree.
type fallRow struct {
	span   *trace.Span
	branch string // "│ └─ ", before the name
	below  string // the same, for a line below the name
}

// The columns beside name and bar: indent and mark, status, offset, duration, gaps.
const (
	fallLeft  = 4
	fallRight = 2 + 3 + 1 + 7 + 1 + 6 + 2
)

func newWaterfall(x *trace.Exchange, width int) *waterfall {
	f := &waterfall{x: x, length: x.Duration, narrow: width < 100}
	f.hang(make([]bool, len(x.Spans)), nil, "")
	for i := range f.rows {
		r := &f.rows[i]
		f.name = max(f.name, columns(r.branch)+columns(f.label(r.span)))
		f.length = max(f.length, r.span.Start.Sub(x.Start)+r.span.Duration)
		f.inferred = f.inferred || r.span.Confident == trace.Inferred
	}
	const shortest, longest = 12, 80
	free := width - fallLeft - fallRight
	f.name = max(min(f.name, free-shortest), 8)
	f.bar = min(free-f.name, longest)
	return f
}

// hang appends the children of parent, and below each its own; nil means those spans
// whose parent is not here.
func (f *waterfall) hang(hung []bool, parent *trace.Span, guide string) {
	kids := f.children(hung, parent)
	for n, i := range kids {
		hung[i] = true
		s := &f.x.Spans[i]
		if parent == nil {
			f.rows = append(f.rows, fallRow{span: s})
			f.hang(hung, s, "")
			continue
		}
		corner, next := "├", "│ "
		if n == len(kids)-1 {
			corner, next = "└", "  "
		}
		edge := "─ "
		if s.Confident == trace.Inferred {
			edge = "~ "
		}
		f.rows = append(f.rows, fallRow{s, guide + corner + edge, guide + next + " "})
		f.hang(hung, s, guide+next)
	}
}

func (f *waterfall) children(hung []bool, parent *trace.Span) []int {
	var kids []int
	spans := f.x.Spans
	for i := range spans {
		if hung[i] {
			continue
		}
		if parent != nil && spans[i].Parent == parent.ID || parent == nil && (i == 0 || !f.has(spans[i].Parent)) {
			kids = append(kids, i)
		}
	}
	slices.SortStableFunc(kids, func(a, b int) int { return spans[a].Start.Compare(spans[b].Start) })
	return kids
}

func (f *waterfall) has(id trace.SpanID) bool {
	return slices.ContainsFunc(f.x.Spans, func(s trace.Span) bool { return s.ID == id })
}

// draw puts a line for each span, and one more for what is to be said of it.
func (f *waterfall) draw(p *page, evidence bool) {
	for i := range f.rows {
		r := &f.rows[i]
		s := r.span
		p.put(plain, "  ")
		p.put(markStyle(s.Mark), string(rune(s.Mark)))
		p.put(plain, " ")
		p.put(dim, r.branch)
		p.put(plain, text.Truncate(f.label(s), fallLeft+f.name-p.used))
		p.to(fallLeft + f.name + 2)
		f.numbers(p, s)
		f.stripe(p, s)
		p.end()
		if why := f.failure(s); why != "" {
			f.note(p, r, red, why)
		}
		if evidence && s.Evidence != "" {
			f.note(p, r, dim, string(s.Confident)+": "+text.Clean(s.Evidence))
		}
	}
}

func (f *waterfall) numbers(p *page, s *trace.Span) {
	switch {
	case s.Status > 0:
		p.put(statusStyle(s.Status), text.Pad(strconv.Itoa(s.Status), 3))
	case s.ErrType != "":
		p.put(red, "err")
	default:
		p.put(plain, "   ")
	}
	p.put(dim, " "+text.PadLeft("+"+elapsed(f.x, max(s.Start.Sub(f.x.Start), 0)), 7))
	p.put(plain, " "+text.PadLeft(elapsed(f.x, s.Duration), 6)+"  ")
}

// failure says why an attempt failed, unless the exchange's own reason has said it.
func (f *waterfall) failure(s *trace.Span) string {
	if s.Attempt < 0 || s.Attempt >= len(f.x.Attempts) {
		return ""
	}
	why := f.x.Attempts[s.Attempt].Reason
	if strings.Contains(f.x.Reason, why) {
		return ""
	}
	return text.Clean(why)
}

func (f *waterfall) note(p *page, r *fallRow, look style, s string) {
	p.to(fallLeft)
	p.put(dim, r.below)
	p.put(look, s)
	p.end()
}

func markStyle(m trace.Mark) style {
	if m == trace.MarkGateway {
		return cyan
	}
	return blue
}

func barStyle(s *trace.Span) style {
	if s.ErrType != "" || s.Status >= 500 {
		return red
	}
	return markStyle(s.Mark)
}

// label names a span. An upstream's process is named by what ps shows of it; where there
// is little room, the bar gets what the words can do without.
func (f *waterfall) label(s *trace.Span) string {
	if s.Role != trace.RoleUpstream || s.Process == "" {
		return spanName(s)
	}
	name := "upstream "
	if !f.narrow {
		name += "process "
	}
	return name + text.Truncate(text.Clean(s.Process), 16) + " pid " + strconv.Itoa(s.PID)
}

// stripe puts a span's bar on the scale of time. It is drawn in eighths of a column; however
// short, it can be seen.
func (f *waterfall) stripe(p *page, s *trace.Span) {
	if f.length <= 0 || s.Duration < 0 || f.bar <= 0 {
		return
	}
	look, after := barStyle(s), s.Start.Sub(f.x.Start)
	scale := float64(8*f.bar) / float64(f.length)
	from := min(max(int(float64(after)*scale), 0), 8*f.bar-1)
	till := min(max(int(float64(after+s.Duration)*scale+0.5), from+1), 8*f.bar)
	p.to(p.used + from/8)

	eighths := []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"}
	cell := from / 8
	if till <= 8*(cell+1) { // it fits into one column
		p.put(look, eighths[till-from])
		return
	}
	first := "█"
	if from%8 >= 4 {
		first = "▐"
	}
	p.put(look, first+strings.Repeat("█", till/8-cell-1)+eighths[till%8])
}
