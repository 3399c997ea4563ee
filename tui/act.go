package tui

import (
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/tui/parts"
)

// key does what a key says: in the prompt, of the frame, or of the page.
func (m *Model) key(k parts.KeyPress) tea.Cmd {
	if k.String() == "ctrl+c" {
		return tea.Quit
	}
	p := m.o.Pages[m.shown]
	switch t, ok := p.(Typist); {
	case m.prompt != nil:
		return m.promptKey(k)
	case ok && t.Typing():
		return p.Update(&m.state, k)
	}
	for _, own := range p.Keys() {
		if own.Is(k) { // a page's keys come first: what they are is its own affair
			return p.Update(&m.state, k)
		}
	}
	switch {
	case keyQuit.Is(k):
		return tea.Quit
	case keyStop.Is(k):
		return tea.Suspend
	case keyPage.Is(k):
		if n := int(k.String()[0] - '1'); n < len(m.o.Pages) {
			m.show(n)
		}
	case keyNext.Is(k):
		m.show((m.shown + 1) % len(m.o.Pages))
	case keyPrior.Is(k):
		m.show((m.shown + len(m.o.Pages) - 1) % len(m.o.Pages))
	case keyHelp.Is(k):
		m.show(m.page("help"))
	case keyBack.Is(k):
		m.back()
	case keyName.Is(k):
		m.prompt = &prompt{kind: askName}
		m.promptChanged() // all names, to begin with
	case keyFilter.Is(k):
		m.askFilter()
	case keyExport.Is(k):
		m.askExport()
	case keyPause.Is(k):
		m.state.Paused = !m.state.Paused
		m.tick()
	case keyExtend.Is(k):
		m.extend()
	default:
		return p.Update(&m.state, k)
	}
	return nil
}

// page returns the number of a page; the shown one if there is none of that name.
func (m *Model) page(name string) int {
	if i := slices.IndexFunc(m.o.Pages, func(p Page) bool { return p.Name() == name }); i >= 0 {
		return i
	}
	return m.shown
}

// show shows a page. Back leads to where it was shown from.
func (m *Model) show(n int) {
	if n == m.shown {
		return
	}
	const most = 20
	m.before = append(m.before, m.shown)
	m.before = m.before[max(len(m.before)-most, 0):]
	m.shown, m.stale = n, true
	if m.o.Sample != nil && m.o.Pages[n].Name() == "profile" {
		m.o.Sample()
		m.o.Sample = nil
	}
}

func (m *Model) back() {
	if p, ok := m.o.Pages[m.shown].(Backer); ok && p.Back() {
		return
	}
	switch n := len(m.before); {
	case n > 0:
		m.shown, m.before = m.before[n-1], m.before[:n-1]
	case m.state.Where != "":
		m.setFilter("")
	}
}

func (m *Model) extend() {
	w := &m.state.Window
	switch {
	case !w.Live:
		m.say(Say{Text: "this is a recording: its window is over", Bad: true})
	case w.Over:
		m.say(Say{Text: "the window is over: start top again for another one", Bad: true})
	case m.o.Extend == nil || w.Ends.IsZero():
		m.say(Say{Text: "the window has no end: q ends it"})
	default:
		w.Ends = w.Ends.Add(Extension)
		m.o.Extend(Extension)
		m.say(Say{Text: "the window ends 5 minutes later"})
	}
}

// setFilter has requests be shown that meet a condition, which is known to compile.
func (m *Model) setFilter(where string) {
	if err := m.state.filter(where); err != nil {
		m.say(Say{Text: err.Error(), Bad: true})
	}
}

// mouse hands a click or a turn of the wheel to the tabs or to the page.
func (m *Model) mouse(at tea.MouseMsg) tea.Cmd {
	clicked := at.Action == tea.MouseActionPress && at.Button == tea.MouseButtonLeft
	wheel := at.Button == tea.MouseButtonWheelUp || at.Button == tea.MouseButtonWheelDown
	p := m.o.Pages[m.shown]
	switch {
	case clicked && at.Y == 0:
		for i, t := range m.tabs() {
			if at.X >= t.from && at.X < t.to {
				m.show(i)
			}
		}
	case at.Y < headLines || at.Y >= m.size.Height-footLines:
	case clicked:
		return p.Update(&m.state, parts.Click{X: at.X, Y: at.Y - headLines})
	case wheel:
		return p.Update(&m.state, parts.Wheel{X: at.X, Y: at.Y - headLines, Up: at.Button == tea.MouseButtonWheelUp})
	}
	return nil
}

func (m *Model) paste(msg parts.Paste) tea.Cmd {
	if m.prompt != nil {
		m.prompt.input.Insert(msg.Content)
		m.promptChanged()
		return nil
	}
	if t, ok := m.o.Pages[m.shown].(Typist); ok && t.Typing() {
		return m.o.Pages[m.shown].Update(&m.state, msg)
	}
	return nil
}

// exported tells how an export went.
type exported struct {
	what, file string
	err        error
}

func (m *Model) export(format string) tea.Cmd {
	e := Export{Format: format, Requests: slices.Clone(m.state.Matching), Profile: m.state.Profile}
	what := plural(len(e.Requests), "request")
	if m.o.Pages[m.shown].Name() == "trace" && m.state.Open != nil {
		e.Requests, what = append(e.Requests[:0], m.state.Open), "the request"
	}
	if format == "pprof" {
		what = "the profile"
	}
	switch {
	case format == "pprof" && e.Profile.Profile == nil:
		m.say(Say{Text: "there is no profile to export yet: see the page Profile", Bad: true})
		return nil
	case format != "pprof" && len(e.Requests) == 0:
		m.say(Say{Text: "there is no request to export yet", Bad: true})
		return nil
	case m.o.Export == nil:
		return nil
	}
	m.say(Say{Text: "writing " + what + " as " + strings.ToUpper(format)})
	return func() tea.Msg {
		file, err := m.o.Export(e)
		return exported{what, file, err}
	}
}
