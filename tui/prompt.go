package tui

import (
	"errors"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// prompt is the line on which the user is asked for words.
type prompt struct {
	kind    asking
	input   parts.Input
	trouble string   // why the words will not do
	choice  []string // what they may go on with
	going   bool     // the last of them is not whole yet
}

// asking is what a prompt asks for.
type asking uint8

const (
	askName   asking = iota + 1 // a page's name
	askWhere                    // a condition on requests
	askSearch                   // a word, for a page that searches
	askExport                   // a format; it takes one key
)

func (m *Model) askFilter() {
	if m.searches() {
		m.prompt = &prompt{kind: askSearch}
		return
	}
	m.prompt = &prompt{kind: askWhere}
	m.prompt.input.Set(m.state.Where)
}

func (m *Model) askExport() { m.prompt = &prompt{kind: askExport} }

func (m *Model) promptKey(k parts.KeyPress) tea.Cmd {
	p := m.prompt
	if p.kind == askExport {
		m.prompt = nil
		switch k.String() {
		case "o":
			return m.export("otlp")
		case "h":
			return m.export("har")
		case "p":
			return m.export("pprof")
		}
		return nil
	}
	switch k.String() {
	case "esc":
		m.prompt = nil
		if p.kind == askSearch {
			p.input.Set("")
			m.search(p)
		}
		return nil
	case "enter":
		return m.promptDone()
	case "tab":
		m.complete()
	default:
		if !p.input.Key(k) {
			return nil
		}
	}
	m.promptChanged()
	return nil
}

// words are what a prompt's words may be made of.
func (m *Model) words(kind asking) []string {
	var all []string
	switch kind {
	case askName:
		for _, p := range m.o.Pages {
			all = append(all, p.Name())
		}
		all = append(all, "quit")
	case askWhere:
		for _, f := range logs.FieldList() {
			all = append(all, f.Name)
		}
		for _, f := range logs.FunctionList() {
			all = append(all, f.Name)
		}
	}
	slices.Sort(all)
	return all
}

// complete adds what all words have in common that go on as the user has begun.
func (m *Model) complete() {
	p := m.prompt
	begun := p.input.Word()
	matching, common := parts.Complete(begun, m.words(p.kind))
	if len(matching) > 0 {
		p.input.Insert(common[len(begun):])
	}
}

// promptChanged says at once what is wrong with the words, and how they may go on.
func (m *Model) promptChanged() {
	p := m.prompt
	p.trouble, p.choice = "", nil
	begun := p.input.Word()
	if matching, _ := parts.Complete(begun, m.words(p.kind)); begun != "" || p.kind == askName {
		p.choice = matching
	}
	switch words := strings.TrimSpace(p.input.String()); {
	case p.kind == askSearch:
		m.search(p)
	case p.kind == askName && len(p.choice) == 0:
		p.trouble = "there is no page of that name"
	case p.kind == askWhere && words != "":
		p.trouble = whereTrouble(words)
	}
	p.going = len(p.choice) > 0 && p.choice[0] != begun
}

// whereTrouble says what is wrong with a condition; empty for nothing.
func whereTrouble(where string) string {
	_, err := logs.CompileWhere(where)
	if e, ok := errors.AsType[*logs.WhereError](err); ok {
		return e.What // the line shows where
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func (m *Model) promptDone() tea.Cmd {
	p := m.prompt
	words := strings.TrimSpace(p.input.String())
	switch p.kind {
	case askSearch:
		m.prompt = nil
	case askWhere:
		if p.trouble != "" {
			return nil // it is said already
		}
		m.prompt = nil
		m.setFilter(words)
		if name := m.o.Pages[m.shown].Name(); name != "requests" && words != "" {
			m.show(m.page("requests"))
		}
	case askName:
		matching, _ := parts.Complete(words, m.words(askName))
		switch {
		case words == "" || words == "q":
			m.prompt = nil
			if words == "q" {
				return tea.Quit
			}
		case len(matching) == 0:
			return nil
		case matching[0] == "quit" && len(matching) == 1:
			return tea.Quit
		default:
			m.prompt = nil
			m.show(m.page(matching[0]))
		}
	}
	return nil
}

func (m *Model) search(p *prompt) {
	if s, ok := m.o.Pages[m.shown].(Searcher); ok {
		s.Search(&m.state, p.input.String())
	}
}
