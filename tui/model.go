package tui

import (
	"io"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// Extension is by how much a key extends the window.
const Extension = 5 * time.Minute

// Options are what a Model stands on.
type Options struct {
	Feed   *Feed
	Pages  []Page // the first is shown first; "requests", "trace" and "help" are known by their names
	Title  string // the gateway, or the recording; is cleaned
	Window Window
	Where  string // the filter to begin with, which is known to compile
	Colors bool   // unless the user wants none
	Light  bool   // the terminal's background is
	// Clipboard is the terminal whose clipboard gets what is copied; nil for none.
	Clipboard io.Writer
	// Now is the clock; nil for that of the recording, whose time stands still.
	Now func() time.Time
	// Extend moves the end of the window; nil where it has none. It does not block.
	Extend func(time.Duration)
	// Sample is called when the page "profile" is shown first; nil where there is nothing to
	// sample. It does not block.
	Sample func()
	// Export writes to a new file, and returns its name. It runs in a goroutine of its own.
	Export func(Export) (file string, err error)
}

// Export is what a user wants in a file.
type Export struct {
	Format   string // "otlp", "har" or "pprof"
	Requests []*trace.Exchange
	Profile  Profile
}

// Model is the frame around the pages: a tea.Model. Besides what the terminal sends, it takes
// *Admin, Profile and Overhead as messages, and parts.Colors as how many colours there are.
type Model struct {
	o        Options
	state    State
	overhead Overhead
	shown    int   // the page
	before   []int // the pages that Esc leads back to
	size     Size
	prompt   *prompt // nil while nothing is asked
	said     Say
	saidTill time.Time

	pace    pace
	stale   bool      // the screen is not what it should be
	keyed   bool      // because of a key
	wake    time.Time // when the next draw is arranged for; zero for none
	screen  string
	told    int    // notes that were said
	second  string // of the window, as the status bar has it
	Measure Measure
}

// New returns a Model. Of the window it takes what Feed has.
func New(o Options) *Model {
	m := &Model{o: o, size: Size{80, 24}}
	m.state = State{Title: o.Title, Window: o.Window, Colors: o.Colors, Dark: !o.Light, Lost: map[string]uint64{}, feed: o.Feed}
	m.state.Now = m.now()
	if o.Where != "" {
		_ = m.state.filter(o.Where) // it compiles
	}
	return m
}

type (
	tickMsg struct{}               // time to see what has come
	drawMsg struct{ at time.Time } // time to draw, as was arranged
)

// Init begins to look at the feed.
func (m *Model) Init() tea.Cmd {
	return Send(tickMsg{})
}

// Update takes a message, and draws the screen if it is due.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	began := time.Now()
	cmds := []tea.Cmd{m.take(msg)}
	for len(m.state.asked) > 0 {
		asked := m.state.asked
		m.state.asked = nil
		for _, msg := range asked {
			cmds = append(cmds, m.hear(msg))
		}
	}
	return m, tea.Batch(append(cmds, m.draw(began))...)
}

// take is Update without the draw.
func (m *Model) take(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tickMsg:
		m.tick()
		return tea.Tick(tick, func(time.Time) tea.Msg { return tickMsg{} })
	case drawMsg:
		if msg.at.Equal(m.wake) {
			m.wake = time.Time{}
		}
		return nil
	case tea.KeyMsg:
		m.stale, m.keyed = true, true
		if msg.Paste {
			return m.paste(parts.Paste{Content: string(msg.Runes)})
		}
		m.Measure.pressed(time.Now())
		return m.keys(msg)
	case tea.MouseMsg:
		m.stale, m.keyed = true, true
		return m.mouse(msg)
	case tea.WindowSizeMsg:
		m.size, m.stale, m.keyed = Size{msg.Width, msg.Height}, true, true
		return nil
	}
	m.stale = true
	return m.hear(msg)
}

// hear takes what the pages and package cmd have to say.
func (m *Model) hear(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case ShowPage:
		m.show(m.page(msg.Name))
	case OpenRequest:
		m.state.Open = msg.Exchange
		m.show(m.page("trace"))
	case SetFilter:
		m.setFilter(msg.Where)
		m.show(m.page("requests"))
	case Say:
		m.say(msg)
	case CopyText:
		m.say(Say{Text: msg.What + " is in the clipboard, if the terminal lets programs write to it"})
		return m.copy(msg.Text)
	case *Admin:
		m.state.Admin = msg
	case Profile:
		m.state.Profile = msg
	case Overhead:
		m.overhead = msg
	case overMsg:
		m.state.Window.Over = true
		m.tick() // what came last, too
	case exported:
		if msg.err != nil {
			m.say(Say{Text: "export: " + msg.err.Error(), Bad: true})
		} else {
			m.say(Say{Text: msg.what + " in " + msg.file})
		}
		return nil
	}
	var cmds []tea.Cmd
	for _, p := range m.o.Pages {
		cmds = append(cmds, p.Update(&m.state, msg))
	}
	return tea.Batch(cmds...)
}

// copy puts text into the terminal's clipboard (OSC 52). A terminal that does not know how
// leaves it out.
func (m *Model) copy(text string) tea.Cmd {
	if m.o.Clipboard == nil {
		return nil
	}
	return func() tea.Msg {
		_, _ = io.WriteString(m.o.Clipboard, ansi.SetSystemClipboard(text)) // as said, it may not be there
		return nil
	}
}

// tick takes what has come, unless the screen is to stand still.
func (m *Model) tick() {
	s := &m.state
	if !s.Paused {
		before := s.Shown
		m.o.Feed.take(s)
		m.stale = m.stale || s.Shown != before
		s.Now = m.now()
	}
	if n := len(s.Notes); n > m.told {
		m.say(Say{Text: "note: " + s.Notes[n-1]})
		m.told = n
	}
	if left := m.timeLeft(); left != m.second { // the status bar counts down
		m.second, m.stale = left, true
	}
	if m.said.Text != "" && time.Now().After(m.saidTill) {
		m.said, m.stale = Say{}, true
	}
}

// now is the time of the window. That of a recording is when its last request ended.
func (m *Model) now() time.Time {
	if m.o.Now != nil {
		return m.o.Now()
	}
	now := m.state.Now
	if n := len(m.state.Requests); n > 0 {
		x := m.state.Requests[n-1]
		now = later(now, x.Start.Add(x.Duration))
	}
	return now
}

// say shows words for a moment.
func (m *Model) say(s Say) {
	m.said, m.saidTill, m.stale = s, time.Now().Add(8*time.Second), true
}

// draw draws the screen if it may, and else arranges that it is drawn later.
func (m *Model) draw(now time.Time) tea.Cmd {
	if !m.stale {
		return nil
	}
	due := m.pace.due(m.keyed)
	if due.After(now) {
		if !m.wake.IsZero() && !m.wake.After(due) {
			return nil // it is arranged already
		}
		m.wake = due
		return tea.Tick(due.Sub(now), func(time.Time) tea.Msg { return drawMsg{due} })
	}
	m.pace.drawn(now, m.keyed)
	m.stale, m.keyed = false, false
	m.screen = m.frame()
	m.Measure.drew(time.Now())
	return nil
}

// View returns the screen as it was drawn last.
func (m *Model) View() string { return m.screen }

// keys does what each key says: letters that were typed faster than they are read come
// together.
func (m *Model) keys(msg tea.KeyMsg) tea.Cmd {
	if msg.Type != tea.KeyRunes || len(msg.Runes) < 2 {
		return m.key(pressed(msg))
	}
	var cmds []tea.Cmd
	for _, r := range msg.Runes {
		cmds = append(cmds, m.key(pressed(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: msg.Alt})))
	}
	return tea.Batch(cmds...)
}

// pressed names a key as our pages know it.
func pressed(k tea.KeyMsg) parts.KeyPress {
	name, written := k.String(), ""
	if !k.Alt && (k.Type == tea.KeyRunes || k.Type == tea.KeySpace) {
		written = string(k.Runes)
	}
	if k.Type == tea.KeySpace {
		name = "space"
	}
	return parts.NewKeyPress(name, written)
}
