package render

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// What a page shows of a request, at most.
const (
	fallTextMost   = 300 // columns of a line
	fallFieldsMost = 40  // headers of a section
)

// fall is a request with its waterfall.
type fall struct {
	Title   string
	Asked   string
	Facts   []Fact
	Lines   []fallLine
	Heads   []fallHead
	Missing []string
}

// fallLine is a span. X and Width are in percent of the request's time.
type fallLine struct {
	Mark     string
	Branch   string // before the name: where it is in the tree
	Name     string
	Status   string
	Offset   string
	Took     string
	X, Width string
	Class    string // of the bar
	Bad      string // of the status
	Why      string
	Evidence string
}

// fallHead is a header section.
type fallHead struct {
	Title  string
	Fields []Fact
	More   int
}

// Add adds a fact, unless there is none.
func (f *fall) Add(name, value string) {
	if value != "" {
		f.Facts = append(f.Facts, Fact{name, text.Truncate(text.Clean(value), fallTextMost)})
	}
}

func (p *reportPage) fall(x *trace.Exchange) *fall {
	f := &fall{Title: "Show it", Asked: text.Truncate(asked(x, p.Secrets), fallTextMost)}
	answer := "no response"
	if x.Status > 0 {
		answer = strconv.Itoa(x.Status)
		if x.Source != "" && x.Source != trace.FromUnknown {
			answer += " by " + string(x.Source)
		}
		if x.Source == trace.FromAPISIX && x.Names.Plugin != "" {
			answer += " (" + x.Names.Plugin + ")"
		}
	}
	f.Add("answer", answer+", "+elapsed(x, x.Duration)+", at "+p.local(x.Start).Format("15:04:05.000 ")+p.Zone())
	f.Add("why", x.Reason)
	f.Add("route", joined(routing(&x.Names)))
	f.Add("plugins", joined(running(&x.Names)))
	if most := x.Largest(); most.Duration > 0 {
		f.Add("largest", partTitle(most.Name)+" "+elapsed(x, most.Duration)+share(most.Duration, x))
	}
	f.Add("parts", joined(breakdown(x)))
	if x.CPU.Period > 0 {
		f.Add("cpu", cpuWords(&x.CPU))
	}
	f.Add("client", joined(origin(x)))
	f.lines(x)
	f.heads(x, &logs.View{Headers: logs.Selection{All: true}, Secrets: p.Secrets})
	for _, s := range x.Incomplete {
		f.Missing = append(f.Missing, text.Truncate(text.Clean(s), fallTextMost))
	}
	return f
}

// joined is a paragraph in one line.
func joined(pieces []piece) string {
	var b strings.Builder
	for i, p := range pieces {
		if i > 0 {
			b.WriteString(p.join)
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// asked is what was asked for; credentials are hidden unless they are to be shown.
func asked(x *trace.Exchange, secrets bool) string {
	query := x.Query
	if !secrets {
		query = logs.HideQuery(query)
	}
	if query != "" {
		query = "?" + query
	}
	return method(x) + " " + text.Clean(x.Host+pathOf(x.Path, secrets)+query)
}

func pathOf(path string, secrets bool) string {
	if secrets {
		return path
	}
	return logs.HideURL(path)
}

// lines are the spans, parents above children.
func (f *fall) lines(x *trace.Exchange) {
	const wide = 200 // columns, as if there were so many
	w := newWaterfall(x, wide)
	for i := range w.rows {
		r := &w.rows[i]
		s := r.span
		line := fallLine{
			Mark: string(rune(s.Mark)), Branch: r.branch, Name: text.Truncate(w.label(s), wide/2), Offset: "+" + elapsed(x, max(s.Start.Sub(x.Start), 0)),
			Took: elapsed(x, s.Duration), Class: "mark" + string(rune(s.Mark)), Why: text.Truncate(w.failure(s), fallTextMost),
		}
		if s.Evidence != "" {
			line.Evidence = text.Truncate(text.Clean(cmp.Or(string(s.Confident), string(trace.Exact))+": "+s.Evidence), fallTextMost)
		}
		switch {
		case s.Status > 0:
			line.Status, line.Bad = strconv.Itoa(s.Status), statusClass(s.Status)
		case s.ErrType != "":
			line.Status, line.Bad = "err", "bad"
		}
		if barStyle(s) == red {
			line.Class = "markbad"
		}
		line.X, line.Width = stretch(s.Start.Sub(x.Start), s.Duration, w.length)
		f.Lines = append(f.Lines, line)
	}
}

// stretch is where a bar is, in percent of the whole; however short, it can be seen.
func stretch(after, took, whole time.Duration) (x, width string) {
	const least = 0.3
	if whole <= 0 || took < 0 {
		return "0", "0"
	}
	from := min(max(100*float64(after)/float64(whole), 0), 100-least)
	long := min(max(100*float64(took)/float64(whole), least), 100-from)
	return strconv.FormatFloat(from, 'f', 2, 64), strconv.FormatFloat(long, 'f', 2, 64)
}

// heads are the header sections that were recorded.
func (f *fall) heads(x *trace.Exchange, v *logs.View) {
	if x.Headers == nil {
		return
	}
	for _, s := range []struct {
		title string
		head  *trace.Head
	}{
		{"request", &x.Headers.Request}, {"request to the node", &x.Headers.UpstreamRequest},
		{"response of the node", &x.Headers.UpstreamResponse}, {"response", &x.Headers.Response},
	} {
		h := fallHead{Title: s.title, More: s.head.Cut}
		for name, value := range v.Shown(s.head) {
			if len(h.Fields) == fallFieldsMost {
				h.More++
				continue
			}
			h.Fields = append(h.Fields, Fact{text.Truncate(text.Clean(name), fallTextMost), text.Truncate(text.Clean(value), fallTextMost)})
		}
		if len(h.Fields) > 0 {
			f.Heads = append(f.Heads, h)
		}
	}
}
