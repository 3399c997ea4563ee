package render

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

// reportFlame is how much of a flame graph a report draws at most: a frame takes some 250
// bytes, and one page of paper has 64 rows.
var reportFlame = flameBounds{frames: 4000, rows: 64}

// reportFunctions is how many functions a report has in its table.
const reportFunctions = 25

// flame draws the profile, or says why there is none.
func (p *reportPage) flame() error {
	switch {
	case p.Profile == nil:
		p.NoFlame = text.Clean(sentence(cmp.Or(p.NoProfile, "there is no profile of the window")))
		return nil
	case p.Samples.Samples == 0:
		p.NoFlame = sentence("no sample was taken: " + emptyReason(p.Samples.Kind))
		return nil
	}
	var b strings.Builder
	g := &profilePage{ProfileOptions{Title: p.Name, Version: p.Version}, p.Profile, p.Samples}
	f := newFlame(&b, g, reportFlame)
	f.svg()
	if err := f.Flush(); err != nil {
		return fmt.Errorf("draw report: %w", err)
	}
	p.Flame = template.HTML(b.String()) // what it draws of strangers' text it escapes itself
	p.Plugins = p.labelTable("plugins", "By plugin", profile.LabelPlugin)
	p.Hot = p.functionTable()
	for _, line := range gaps(p.Samples) {
		p.Missing = append(p.Missing, text.Clean(sentence(line)))
	}
	for _, note := range p.Samples.Notes {
		p.Missing = append(p.Missing, "Of the profile: "+text.Clean(note)+".")
	}
	if lost := losses(p.Samples.Lost); lost != "0" {
		p.Missing = append(p.Missing, "Of the profile: lost "+lost+".")
	}
	return nil
}

// labelTable has what was used by each value of a label.
func (p *reportPage) labelTable(id, title, label string) reportTable {
	t := reportTable{ID: id, Title: title, Columns: []reportColumn{{Title: strings.ToUpper(label[:1]) + label[1:]}, {Title: "Time", Number: true}, {Title: "Share", Number: true}}}
	total := max(profile.Total(p.Profile), 1)
	for _, r := range profile.Table(p.Profile, label) {
		t.Rows = append(t.Rows, reportRow{Cells: []reportCell{
			textCell(profile.GroupName(label, r.Name, r.Title)), tookCell(time.Duration(r.Cum)), weightCell(r.Cum, total),
		}})
	}
	t.Many = len(t.Rows) > topGroups
	return t
}

func weightCell(n, total int64) reportCell {
	return reportCell{Text: percent(float64(n) / float64(total)), Sort: strconv.FormatInt(n, 10)}
}

// whereOf is the file of a function, or else its object.
func whereOf(r *profile.Row) string {
	if r.File == "" {
		return r.Object
	}
	return place(r.File, int64(r.Line))
}

// nameCell is a function's name, as long as a table has room for it.
func nameCell(name string) reportCell {
	const room = 60
	c := textCell(name)
	if short := text.Truncate(c.Text, room); short != c.Text {
		c.Text, c.Title = short, text.Truncate(c.Text, flameName)
	}
	return c
}

// functionTable has the functions that used most by themselves.
func (p *reportPage) functionTable() reportTable {
	t := reportTable{ID: "functions", Title: "By function", Columns: []reportColumn{
		{Title: "Own", Number: true, Hint: "of the function itself"}, {Title: "Share", Number: true}, {Title: "All", Number: true, Hint: "with what it called"}, {Title: "Share", Number: true}, {Title: "Kind"}, {Title: "Function"}, {Title: "Where"},
	}}
	total := max(profile.Total(p.Profile), 1)
	rows := profile.Table(p.Profile, profile.ByFunction)
	rows = slices.DeleteFunc(rows, func(r profile.Row) bool { return r.Flat == 0 })
	for _, r := range rows[:min(len(rows), reportFunctions)] {
		t.Rows = append(t.Rows, reportRow{Cells: []reportCell{
			tookCell(time.Duration(r.Flat)), weightCell(r.Flat, total), tookCell(time.Duration(r.Cum)), weightCell(r.Cum, total), textCell(kindTitle(r.Kind)),
			nameCell(r.Name), textCell(whereOf(&r)),
		}})
	}
	if more := len(rows) - len(t.Rows); more > 0 {
		t.Note = count(uint64(more)) + " further functions used less."
	}
	t.Many = true
	return t
}
