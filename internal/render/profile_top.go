package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

const (
	topFunctions = 25 // rows by function
	topGroups    = 20 // rows by a label
	topOfGroup   = 5  // functions of each group
	topStalls    = 10
)

// writeTop writes tables for eyes: who used the time, and what that means.
func writeTop(w io.Writer, g *profilePage) error {
	t := &topPage{profilePage: g, page: &page{width: g.width(), color: g.Color}, total: max(profile.Total(g.p), 1)}
	t.head()
	if g.apart() {
		t.apartTable()
	} else {
		t.functionTable()
		t.groupTable(profile.LabelPlugin)
		t.groupTable(profile.LabelPhase)
	}
	t.findings()
	_, err := w.Write(t.buf)
	return err
}

type topPage struct {
	*profilePage
	*page
	total int64
}

func (t *topPage) line(look style, s string) {
	t.put(look, s)
	t.end()
}

// head tells what there is in all, and of stalls the longest.
func (t *topPage) head() {
	what := fmt.Sprintf("%s in %s, %s samples", weighed(t.sum), text.Duration(t.sum.Window), count(t.sum.Samples))
	if t.sum.Samples == 0 {
		what = fmt.Sprintf("no sample in %s: %s", text.Duration(t.sum.Window), emptyReason(t.sum.Kind))
	}
	t.line(bold, what)
	if t.Title != "" {
		t.line(dim, text.Clean(t.Title))
	}
	workers := profile.Table(t.p, profile.LabelWorker)
	if t.sum.Kind == profile.CPU && len(workers) > 1 {
		var each []piece
		for _, r := range workers[:min(len(workers), topGroups)] {
			each = append(each, piece{", ", text.Clean(r.Name) + " " + t.core(r.Cum)})
		}
		t.paragraph("workers", plain, each...)
	}
	for i := range t.sum.Stalls[:min(len(t.sum.Stalls), topStalls)] {
		b := t.sum.Stalls[i]
		b.File = profile.ShortFile(b.File)
		t.paragraph("stall", plain, words(b.String())...)
	}
}

// core is the share of one core that is used.
func (t *topPage) core(ns int64) string {
	if t.sum.Window <= 0 {
		return "-"
	}
	return percent(float64(ns) / float64(t.sum.Window))
}

func (t *topPage) share(ns int64) string { return percent(float64(ns) / float64(t.total)) }

// weight stands out where it is worth a look.
func (t *topPage) weight(ns int64) style {
	if 10*ns >= t.total {
		return bold
	}
	return plain
}

const (
	numbers   = 8 // columns of a number, with a blank before it
	kindWidth = 6
)

// functionTable has the functions that used most by themselves.
func (t *topPage) functionTable() {
	rows := profile.Table(t.p, profile.ByFunction)
	rows = rows[:slices.IndexFunc(append(rows, profile.Row{}), func(r profile.Row) bool { return r.Flat == 0 })]
	t.titles("FLAT", "FLAT%", "CUM", "CUM%", "KIND", "FUNCTION", "WHERE")
	for _, r := range rows[:min(len(rows), topFunctions)] {
		look := t.weight(r.Flat)
		t.number(look, text.Duration(time.Duration(r.Flat)))
		t.number(look, t.share(r.Flat))
		t.number(plain, text.Duration(time.Duration(r.Cum)))
		t.number(plain, t.share(r.Cum))
		t.function(&r)
	}
	var rest int64
	for _, r := range rows[min(len(rows), topFunctions):] {
		rest += r.Flat
	}
	if rest > 0 {
		t.number(dim, text.Duration(time.Duration(rest)))
		t.number(dim, t.share(rest))
		t.line(dim, fmt.Sprintf("  in %s functions more", count(uint64(len(rows)-topFunctions))))
	}
}

// titles of a table begin below an empty line. Numbers are right-aligned, words are not.
func (t *topPage) titles(all ...string) {
	t.end()
	for _, s := range all {
		switch s {
		case "KIND":
			t.put(dim, " ")
			t.put(dim, text.Pad(s, kindWidth))
		case "FUNCTION":
			t.put(dim, " "+s)
		case "WHERE":
			t.to(t.whereColumn())
			t.put(dim, s)
		default:
			t.number(dim, s)
		}
	}
	t.end()
}

func (t *topPage) number(look style, s string) { t.put(look, text.PadLeft(s, numbers-1)+" ") }

// whereColumn is where the last column begins: it has two fifths of what numbers leave.
func (t *topPage) whereColumn() int {
	const left = 4*numbers + kindWidth + 2
	return left + (t.width-left)*3/5
}

// function ends a line with a function, where it is and of which kind.
func (t *topPage) function(r *profile.Row) {
	word, look := kindWord(r)
	t.put(plain, " ")
	t.put(look, text.Pad(word, kindWidth))
	t.put(plain, " ")
	at := t.whereColumn()
	where := r.Object
	if r.File != "" {
		where = place(r.File, int64(r.Line))
	}
	t.put(look, text.Truncate(text.Clean(r.Name), at-1-t.used))
	t.to(at)
	t.put(dim, tail(text.Clean(where), t.width-at))
	t.end()
}

// kindWord is the kind of a function in at most six letters.
func kindWord(r *profile.Row) (string, style) {
	switch r.Kind {
	case profile.FrameKernel:
		return "kernel", red
	case profile.FrameLua, profile.FrameJIT:
		if r.Compiled*2 > r.Cum {
			return "jit", green
		}
		return "lua", cyan
	case profile.FrameC:
		return "lua c", blue
	case profile.FrameRegex:
		return "regex", plain
	case profile.FrameMissing:
		return "?", yellow
	}
	return "native", plain
}

// tail returns the end of s, which is clean, in width columns: of a path it tells most.
func tail(s string, width int) string {
	const mark = "…"
	if columns(s) <= width {
		return s
	}
	for len(s) > 0 && columns(s) > width-1 {
		_, n := utf8.DecodeRuneInString(s)
		s = s[n:]
	}
	return mark + s
}

// groupTable has the values of a label.
func (t *topPage) groupTable(by string) {
	rows := profile.Table(t.p, by)
	if len(rows) == 1 && rows[0].Name == "" { // nothing is known of it
		return
	}
	t.groupTitles(by)
	for _, r := range rows[:min(len(rows), topGroups)] {
		t.groupRow(by, &r)
	}
	t.moreGroups(rows)
}

func (t *topPage) groupTitles(by string) {
	t.end()
	t.number(dim, t.timeTitle())
	t.number(dim, "SHARE")
	if t.sum.Kind == profile.CPU {
		t.number(dim, "CORE")
	}
	t.line(dim, " "+strings.ToUpper(by))
}

func (t *topPage) timeTitle() string {
	switch t.sum.Kind {
	case profile.OffCPU:
		return "BLOCKED"
	case profile.Stall:
		return "STALLED"
	}
	return "CPU"
}

func (t *topPage) groupRow(by string, r *profile.Row) {
	look := t.weight(r.Cum)
	t.number(look, text.Duration(time.Duration(r.Cum)))
	t.number(look, t.share(r.Cum))
	if t.sum.Kind == profile.CPU {
		t.number(plain, t.core(r.Cum))
	}
	name := plain
	if r.Name == "" {
		name = dim
	}
	t.line(name, " "+text.Clean(profile.GroupName(by, r.Name, r.Title)))
}

func (t *topPage) moreGroups(rows []profile.Row) {
	if len(rows) <= topGroups {
		return
	}
	var rest int64
	for _, r := range rows[topGroups:] {
		rest += r.Cum
	}
	t.number(dim, text.Duration(time.Duration(rest)))
	t.number(dim, t.share(rest))
	t.line(dim, fmt.Sprintf("  in %s more", count(uint64(len(rows)-topGroups))))
}

// apartTable has the values of a label, and below each the functions that used most of it.
func (t *topPage) apartTable() {
	rows := profile.Table(t.p, t.By)
	for _, r := range rows[:min(len(rows), topGroups)] {
		t.groupTitles(t.By)
		t.groupRow(t.By, &r)
		functions := profile.Table(profile.With(t.p, t.By, r.Name), profile.ByFunction)
		for _, f := range functions[:min(len(functions), topOfGroup)] {
			if f.Flat == 0 {
				break
			}
			t.number(dim, text.Duration(time.Duration(f.Flat)))
			t.number(dim, t.share(f.Flat))
			t.to(4 * numbers)
			t.function(&f)
		}
	}
	t.moreGroups(rows)
}

// findings tell what the tables mean, and what they lack.
func (t *topPage) findings() {
	found := profile.Findings(t.p)
	lost := losses(t.sum.Lost)
	if len(found) == 0 && lost == "0" && t.sum.Coarse == 0 {
		return
	}
	t.end()
	t.line(dim, "NOTES")
	for _, f := range found {
		t.paragraph(text.PadLeft(percent(f.Share), numbers-2), plain, words(f.Text)...)
	}
	if lost != "0" {
		t.paragraph("lost", yellow, words(lost)...)
	}
	for _, g := range gaps(t.sum) {
		t.paragraph("", yellow, words(g)...)
	}
}
