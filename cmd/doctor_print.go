package cmd

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/text"
)

// sheet is text in columns for a terminal of limited width.
type sheet struct {
	w     io.Writer
	width int
	color bool
	err   error // of the first write that went wrong
}

const (
	sheetWidth = 80
	markWidth  = 6  // of "warn"
	nameWidth  = 20 // of "trace --pid 4194304"
)

func newSheet(env Env) *sheet {
	s := &sheet{w: env.Out, width: sheetWidth, color: env.OutTerm && !env.NoColor}
	if env.Width > 0 {
		s.width = max(env.Width, 40)
	}
	return s
}

func (s *sheet) line(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format+"\n", args...)
	}
}

// row writes a mark, a name, and words, on as many lines as they need.
func (s *sheet) row(mark, name, words string) {
	const indent = 2 + markWidth + nameWidth
	head := "  " + s.paint(mark) + text.Pad("", markWidth-text.Width(mark)) + text.Pad(name, nameWidth)
	for _, part := range wrap(text.Clean(words), s.width-indent) {
		s.line("%s", strings.TrimRight(head+part, " "))
		head = text.Pad("", indent)
	}
}

// paint colours a mark by what it says.
func (s *sheet) paint(mark string) string {
	color, known := map[string]string{"ok": "32", "yes": "32", "warn": "33", "fail": "1;31", "no": "1;31"}[mark]
	if !s.color || !known {
		return mark
	}
	return "\x1b[" + color + "m" + mark + "\x1b[0m"
}

// wrap breaks words into lines of at most width columns; a longer word is cut. There is
// one line at least.
func wrap(words string, width int) []string {
	var lines []string
	line := ""
	for w := range strings.FieldsSeq(words) {
		w = text.Truncate(w, width)
		switch {
		case line == "":
			line = w
		case text.Width(line)+1+text.Width(w) <= width:
			line += " " + w
		default:
			lines = append(lines, line)
			line = w
		}
	}
	return append(lines, line)
}

// print writes the diagnosis for people.
func (r *diagnosis) print(s *sheet) error {
	s.line("host")
	s.findings(r.Host)
	for _, g := range r.Gateways {
		s.line("")
		s.line("gateway %d", g.PID)
		g.print(s)
	}
	s.line("")
	s.line("will work")
	for _, g := range r.Gateways {
		s.row(r.traces(g.PID))
		s.row(r.profiles(g.PID))
	}
	if len(r.Gateways) == 0 {
		s.row("no", "trace", r.Reason)
	}
	if r.Remedy != "" {
		s.row("", "", "hint: "+r.Remedy)
	}
	return s.err
}

// findings writes a row for each, and what follows from it.
func (s *sheet) findings(all []hostReport) {
	for _, f := range all {
		s.row(string(f.Level), f.Name, f.Value)
		if f.Then != "" {
			s.row("", "", f.Then)
		}
	}
}

// traces tells in a row how well a gateway can be traced.
func (r *diagnosis) traces(pid int) (mark, name, words string) {
	name = "trace"
	if len(r.Gateways) > 1 {
		name += " --pid " + strconv.Itoa(pid)
	}
	var with, without work
	for _, w := range r.Works {
		switch {
		case w.PID != pid || w.Command != "trace":
		case w.With == "sockets":
			without = w
		default:
			with = w
		}
	}
	switch {
	case with.Works:
		return "yes", name, "exactly, with " + with.With
	case without.Works:
		return string(bpf.Warn), name, "with " + without.With + " alone, edges are inferred: " + with.Reason
	}
	return "no", name, without.Reason
}

func (g *gatewayReport) print(s *sheet) {
	s.row("", "version", g.where)
	layout, known := string(bpf.OK), g.Layout
	if !g.Known {
		layout = string(bpf.Warn)
	}
	s.row(layout, "layout", known)
	if len(g.Missing) > 0 {
		s.row(string(bpf.Warn), "symbols", "not exported: "+strings.Join(g.Missing, ", "))
	} else {
		s.row(string(bpf.OK), "symbols", "all that probes need")
	}
	master := "has exited"
	if g.Master != 0 {
		master = strconv.Itoa(g.Master)
	}
	s.row("", "master", master)
	s.row("", "workers", numbers(g.Workers))
	lua := g.Lua
	if lua == "" {
		lua = "none: this is a plain nginx"
	}
	s.row("", "lua", lua)
	s.findings(g.Stacks)
}

func numbers(all []int) string {
	if len(all) == 0 {
		return "none"
	}
	var words []string
	for _, n := range all {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, " ")
}
