package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
)

// reportTable is a table whose rows a reader may sort and filter.
type reportTable struct {
	ID      string
	Title   string // for those who do not see the heading above it
	Columns []reportColumn
	Rows    []reportRow
	Note    string // of what is not in it; empty for nothing
	Many    bool   // it is worth a filter
}

// reportColumn is a column, whose cells are numbers or not.
type reportColumn struct {
	Title  string
	Number bool
	Hint   string // what the title means, in words
}

// reportRow is a row, and what can be opened below it.
type reportRow struct {
	Cells []reportCell
	Note  string // in a line of its own; empty for nothing
	More  *fall  // nil for nothing
}

// reportCell is a cell. Sort is the number by which it is sorted, empty for its text.
type reportCell struct {
	Text  string
	Sort  string
	Class string
	Title string
	Spark *sparkline
}

func textCell(s string) reportCell {
	if s == "" {
		s = "-"
	}
	return reportCell{Text: text.Clean(s)}
}

func countCell(n uint64) reportCell {
	return reportCell{Text: count(n), Sort: strconv.FormatUint(n, 10)}
}

func tookCell(d time.Duration) reportCell {
	return reportCell{Text: lasted(d), Sort: strconv.FormatInt(int64(d), 10)}
}

// shareCell is a count, and its share of all.
func shareCell(n, of uint64, bad string) reportCell {
	c := countCell(n)
	if n > 0 {
		c.Text += " (" + portion(n, of) + ")"
		c.Class = bad
	}
	return c
}

// timeCell is a time of day in the gateway's zone; its title is the whole of it.
func (p *reportPage) timeCell(t time.Time) reportCell {
	if t.IsZero() {
		return reportCell{Text: "-", Sort: "0"}
	}
	return reportCell{Text: p.local(t).Format("15:04:05.000"), Sort: strconv.FormatInt(t.UnixNano(), 10), Title: t.UTC().Format("2006-01-02 15:04:05.000 UTC")}
}

func statusCell(status int) reportCell {
	c := reportCell{Text: strconv.Itoa(status), Sort: strconv.Itoa(status), Class: statusClass(status)}
	if status == 0 {
		c.Text = "none"
	}
	return c
}

// statusClass is a class of the style sheet.
func statusClass(status int) string {
	switch {
	case status == 0 || status >= 500:
		return "bad"
	case status >= 400:
		return "warn"
	}
	return ""
}

func (p *reportPage) tabulate() {
	p.Steps = p.stepTable()
	p.Failures = p.failureTable()
	p.Slowest = p.slowestTable()
	p.Routes = p.routeTable()
	p.Nodes = p.nodeTable()
	p.Workers = p.workerTable()
	for _, t := range []*reportTable{&p.Steps, &p.Failures, &p.Slowest, &p.Routes, &p.Nodes, &p.Workers} {
		const few = 6
		t.Many = len(t.Rows) >= few
	}
}

// stepTable has the numbers of the charts.
func (p *reportPage) stepTable() reportTable {
	s := &p.digest.series
	t := reportTable{ID: "steps", Title: "The numbers of the charts", Columns: []reportColumn{
		{Title: "From"}, {Title: "Requests", Number: true}, {Title: "Refused", Number: true}, {Title: "Failed", Number: true},
		{Title: "p50", Number: true}, {Title: "p99", Number: true}, {Title: "Longest", Number: true},
	}}
	for i, of := range s.steps {
		if of == nil {
			continue
		}
		from := p.timeCell(s.time(i))
		from.Text = p.clock(s.time(i))
		t.Rows = append(t.Rows, reportRow{Cells: []reportCell{
			from, countCell(of.requests()), countCell(of.classes[classRefused]), shareCell(of.failed(), of.requests(), "bad"),
			tookCell(of.took.Quantile(0.5)), tookCell(of.took.Quantile(0.99)), tookCell(of.took.Max()),
		}})
	}
	return t
}

// failureTable has a row for all failures that are equal.
func (p *reportPage) failureTable() reportTable {
	t := reportTable{ID: "failures", Title: "Failed and refused requests; equal ones are one row", Columns: []reportColumn{
		{Title: "Count", Number: true}, {Title: "Status", Number: true}, {Title: "Why"}, {Title: "Route"},
		{Title: "First"}, {Title: "Last"}, {Title: "p50", Number: true, Hint: "half of them took no longer"}, {Title: "Longest", Number: true},
	}}
	all := p.digest.failures.sorted()
	for _, f := range all[:min(len(all), reportFailures)] {
		more := p.fall(f.example)
		more.Title = "Show the first one"
		more.Add("ids", strings.Join(f.ids, ", "))
		t.Rows = append(t.Rows, reportRow{More: more, Cells: []reportCell{
			countCell(f.count), statusCell(f.key.status), textCell(f.key.words()), p.routeCell(f.key.routeName, f.key.routeID, f.key.asked(p.Secrets)),
			p.timeCell(f.first), p.timeCell(f.last), tookCell(f.took.Quantile(0.5)), tookCell(f.took.Max()),
		}})
	}
	var rest, kinds uint64
	for _, f := range all[len(t.Rows):] {
		rest += f.count
		kinds++
	}
	if rest += p.digest.failures.others; rest > 0 {
		t.Note = fmt.Sprintf("%s more requests are not in the table: they are of %s further kinds or more.", count(rest), count(max(kinds, 1)))
	}
	return t
}

// asked is what was asked for, where no route is known; of a failure with one it is empty.
func (k *failureKey) asked(secrets bool) string {
	return strings.TrimSpace(k.method + " " + k.host + pathOf(k.target, secrets))
}

func (p *reportPage) routeCell(name, id, asked string) reportCell {
	if name == "" && id == "" {
		return textCell(asked)
	}
	return textCell(calledAs(name, id))
}

// slowestTable has the single requests that took longest.
func (p *reportPage) slowestTable() reportTable {
	t := reportTable{ID: "slowest", Title: "The slowest requests", Columns: []reportColumn{
		{Title: "Took", Number: true}, {Title: "Most of it", Hint: "the part that took most of the time"}, {Title: "Status", Number: true}, {Title: "Request"}, {Title: "Route"}, {Title: "Node"}, {Title: "Began"},
	}}
	for i := range p.digest.slow.shown {
		x := p.digest.slow.shown[i].x
		most := "-"
		if part := x.Largest(); part.Duration > 0 {
			most = partTitle(part.Name) + share(part.Duration, x)
		}
		t.Rows = append(t.Rows, reportRow{More: p.fall(x), Cells: []reportCell{
			tookCell(x.Duration), textCell(most), statusCell(x.Status), textCell(asked(x, p.Secrets)),
			p.routeCell(x.Names.RouteName, x.Names.RouteID, ""), textCell(slowestNode(x)), p.timeCell(x.Start),
		}})
	}
	if n := p.digest.upgraded; n > 0 {
		t.Note = fmt.Sprintf("%s requests that became conversations (101) are left out: their time is that of the conversation.", count(n))
	}
	return t
}

// missing says what the page cannot tell.
func (p *reportPage) missing() []string {
	d := p.digest
	var out []string
	if p.Cut != "" {
		out = append(out, text.Clean(sentence(p.Cut)))
	}
	if lost := losses(d.sum.Lost); lost != "0" {
		out = append(out, "Lost "+lost+".")
	}
	if len(byCount(d.sum.Removed)) > 0 {
		out = append(out, fmt.Sprintf("Of %s requests %s are left out: %s.", count(d.sum.Seen), count(d.sum.Seen-d.sum.Shown), text.Clean(removals(d.sum.Removed))))
	}
	all := d.requests.Total().Requests
	if d.cut > 0 {
		out = append(out, fmt.Sprintf("Of %s requests (%s) something could not be seen; those that are shown say what.", count(d.cut), portion(d.cut, all)))
	}
	if d.inferred > 0 {
		out = append(out, fmt.Sprintf("In the trees of %s requests (%s) an edge is likely, but not proved: it is drawn as ~.", count(d.inferred), portion(d.inferred, all)))
	}
	for _, note := range d.sum.Notes {
		if note != p.Cut {
			out = append(out, text.Clean(sentence(note)))
		}
	}
	return out
}
