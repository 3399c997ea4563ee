package pages

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// Help tells the keys, what the source had to say of the window, and what a filter is made of.
// It is made from the same lists that the keys are obeyed by.
type Help struct {
	scroller
	pages []tui.Page
}

// NewHelp returns the page, which tells of the pages beside it.
func NewHelp(pages []tui.Page) *Help { return &Help{pages: pages} }

// Name is for tui.Page.
func (p *Help) Name() string { return "help" }

// Keys is for tui.Page.
func (p *Help) Keys() []tui.Key { return nil }

// Update is for tui.Page.
func (p *Help) Update(_ *tui.State, msg tea.Msg) tea.Cmd {
	p.scroller.update(msg)
	return nil
}

// View is for tui.Page.
func (p *Help) View(s *tui.State, z tui.Size) []string {
	var lines []string
	if len(s.Notes) > 0 {
		lines = append(lines, title("Notes of this window", z.Width))
		for _, n := range s.Notes {
			lines = append(lines, wrap(text.Clean(n), parts.Yellow, z.Width)...)
		}
		lines = append(lines, "")
	}
	lines = append(lines, title("Everywhere", z.Width))
	lines = append(lines, keyLines(tui.FrameKeys(), z.Width)...)
	lines = append(lines, "", title("Where there are rows", z.Width))
	lines = append(lines, keyLines(tui.ListKeys(), z.Width)...)
	lines = append(lines, parts.NewLine(z.Width).To(4).Put(parts.Plain, "The mouse scrolls, chooses a row, opens a chosen one, and shows the page of a tab.").String())
	for _, page := range p.pages {
		if keys := page.Keys(); len(keys) > 0 {
			lines = append(lines, "", title("On the page "+page.Name(), z.Width))
			lines = append(lines, keyLines(keys, z.Width)...)
		}
	}
	lines = append(lines, "", title("A filter is made of", z.Width))
	for _, f := range append(logs.FieldList(), logs.FunctionList()...) {
		name := f.Name
		if f.Type == "function" {
			name += `("name")`
		}
		lines = append(lines, pair(name, 28, fmt.Sprintf("%s (%s)", f.Doc, f.Type), z.Width))
	}
	return p.scroller.window(lines, z.Height)
}

func keyLines(keys []tui.Key, width int) []string {
	var lines []string
	for i := range keys {
		lines = append(lines, pair(keys[i].Label(), 14, keys[i].Does, width))
	}
	return lines
}

func pair(name string, column int, what string, width int) string {
	return parts.NewLine(width).To(4).Put(parts.Bold, name).To(4+column).Put(parts.Plain, what).String()
}

// cutLines has no line be wider than the screen. What they are painted with is not text.
func cutLines(lines []string, width int) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = ansi.Truncate(line, width, "…")
	}
	return out
}

// wrap breaks words into lines.
func wrap(s string, look parts.Look, width int) []string {
	const indent = 4
	var lines []string
	l := parts.NewLine(width).To(indent)
	for word := range strings.FieldsSeq(s) {
		if l.Used() > indent && l.Left() < parts.Columns(word)+1 {
			lines = append(lines, l.String())
			l = parts.NewLine(width).To(indent)
		}
		if l.Used() > indent {
			l.Put(parts.Plain, " ")
		}
		l.Put(look, word)
	}
	return append(lines, l.String())
}
