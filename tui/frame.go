package tui

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// Lines of the screen that are the frame's: tabs and title, hints and status.
const (
	headLines = 2
	footLines = 2
)

// The least that a screen is drawn on.
const (
	leastWidth  = 40
	leastHeight = 8
)

// frame draws the screen.
func (m *Model) frame() string {
	if m.size.Width < leastWidth || m.size.Height < leastHeight {
		return text.Truncate(fmt.Sprintf("too small: %d×%d at least", leastWidth, leastHeight), m.size.Width)
	}
	room := Size{m.size.Width, m.size.Height - headLines - footLines}
	body := m.o.Pages[m.shown].View(&m.state, room)
	lines := make([]string, 0, m.size.Height)
	lines = append(lines, m.tabLine(), m.titleLine())
	lines = append(lines, body[:min(len(body), room.Height)]...)
	for len(lines) < headLines+room.Height {
		lines = append(lines, "")
	}
	lines = append(lines, m.hintLine(), m.statusLine())
	return strings.Join(lines, "\n")
}

// tab is where the name of a page stands.
type tab struct {
	from, to int
	words    string
}

// tabs names the pages: with blanks on both sides, on one, or but for the shown one by their
// numbers alone.
func (m *Model) tabs() []tab {
	all := m.tabsWith(true, " ")
	if last := all[len(all)-1]; last.to > m.size.Width {
		all = m.tabsWith(true, "")
	}
	if last := all[len(all)-1]; last.to > m.size.Width {
		all = m.tabsWith(false, "")
	}
	return all
}

func (m *Model) tabsWith(names bool, before string) []tab {
	all := make([]tab, len(m.o.Pages))
	at := 0
	for i, p := range m.o.Pages {
		words := before + strconv.Itoa(i+1)
		if i == m.shown || i == 0 {
			words = " " + strconv.Itoa(i+1)
		}
		if names || i == m.shown {
			words += " " + strings.ToUpper(p.Name()[:1]) + p.Name()[1:]
		}
		words += " "
		all[i] = tab{at, at + len(words), words}
		at = all[i].to
	}
	return all
}

func (m *Model) tabLine() string {
	l := parts.NewLine(m.size.Width)
	for i, t := range m.tabs() {
		look := parts.Dim
		if i == m.shown {
			look = parts.Chosen
		}
		l.Put(look, t.words)
	}
	if name := "apisixscope"; l.Left() > len(name)+2 {
		l.Right(parts.Dim, name)
	}
	return l.String()
}

// titleLine says what is watched, and which part of it is shown.
func (m *Model) titleLine() string {
	s := &m.state
	l := parts.NewLine(m.size.Width)
	count := plural(int(s.Shown), "request")
	if s.Where != "" {
		count = fmt.Sprintf("%s of %s", number(uint64(len(s.Matching))), count)
	}
	look := parts.Dim
	if s.Paused {
		count, look = "paused  "+count, parts.Yellow
	}
	title := text.Clean(s.Title)
	if s.Where != "" {
		title = "/" + text.Clean(s.Where)
	}
	l.Put(parts.Bold, " "+text.Truncate(title, m.size.Width-parts.Columns(count)-3))
	l.Right(look, count)
	return l.String()
}

// hintLine asks, says something, or tells which keys there are.
func (m *Model) hintLine() string {
	l := parts.NewLine(m.size.Width)
	switch {
	case m.prompt != nil:
		m.prompt.put(l)
	case m.said.Text != "":
		look := parts.Bold
		if m.said.Bad {
			look = parts.Alarm
		}
		l.Put(look, " "+text.Clean(m.said.Text))
	default:
		m.hints(l)
	}
	return l.String()
}

// hints tells as many of the keys as there is room for: those of the page first, but help and
// quit always.
func (m *Model) hints(l *parts.Line) {
	left := append(slices.Clone(m.o.Pages[m.shown].Keys()), FrameKeys()...)
	always := []Key{keyHelp, keyQuit}
	reserved := 0
	for i := range always {
		reserved += hintWidth(&always[i])
	}
	for i := range left {
		k := &left[i]
		if k.Does == keyFilter.Does && m.searches() {
			k.Word = "search"
		}
		if k.Hint && k.Does != keyHelp.Does && k.Does != keyQuit.Does && hintWidth(k) <= l.Left()-reserved {
			putHint(l, k)
		}
	}
	for i := range always {
		putHint(l, &always[i])
	}
}

// searches reports whether '/' searches on the page that is shown.
func (m *Model) searches() bool {
	_, ok := m.o.Pages[m.shown].(Searcher)
	return ok
}

func hintWidth(k *Key) int { return parts.Columns(k.Label()+k.word()) + 3 }

func putHint(l *parts.Line, k *Key) {
	l.Put(parts.Plain, " ").Put(parts.Bold, k.Label()).Put(parts.Dim, " "+k.word()+" ")
}

// put draws the prompt: what was written, and what is wrong with it or how it may go on.
func (p *prompt) put(l *parts.Line) {
	lead := map[asking]string{askName: ":", askWhere: "/", askSearch: "/", askExport: "export to a file as "}[p.kind]
	l.Put(parts.Bold, " "+lead)
	if p.kind == askExport {
		for _, f := range []string{"OTLP", "HAR", "pprof"} {
			l.Put(parts.Bold, strings.ToLower(f[:1])).Put(parts.Dim, " "+f+"   ")
		}
		l.Put(parts.Bold, "Esc").Put(parts.Dim, " no")
		return
	}
	help, look := strings.Join(p.choice, " "), parts.Dim
	if p.trouble != "" && !p.going {
		help, look = p.trouble, parts.Red
	}
	if p.kind == askWhere && help == "" {
		help = "Enter shows what meets it"
		if p.input.String() == "" {
			help = "such as status >= 500 && upstream_time > 200ms"
		}
	}
	half := l.Left() / 2
	written := parts.NewLine(max(l.Left()-parts.Columns(help)-2, half))
	p.input.Put(written)
	l.Put(parts.Plain, written.String())
	if w := l.Left() - 2; w > 0 {
		l.Right(look, text.Truncate(text.Clean(help), w))
	}
}

// statusLine says how the window stands, what it costs, and what was lost.
func (m *Model) statusLine() string {
	l := parts.NewLine(m.size.Width)
	put := func(look parts.Look, s string) {
		if l.Used() > 0 {
			l.Put(parts.Dim, " · ")
		} else {
			l.Put(parts.Plain, " ")
		}
		l.Put(look, s)
	}
	look := parts.Green
	if m.state.Window.Over {
		look = parts.Bold
	}
	put(look, m.timeLeft())
	lost := uint64(0)
	for _, n := range m.state.Lost {
		lost += n
	}
	if lost == 0 {
		put(parts.Plain, "lost 0")
	} else {
		put(parts.Alarm, "lost "+number(lost)+" ("+strings.Join(slices.Sorted(maps.Keys(m.state.Lost)), ", ")+")")
	}
	if m.state.Window.Live && !m.state.Window.Over {
		put(parts.Plain, fmt.Sprintf("own CPU %.1f%%", 100*m.overhead.Own))
		if m.overhead.Known {
			put(parts.Plain, fmt.Sprintf("probes %.1f%%", 100*m.overhead.Programs))
		}
	}
	if n := len(m.state.Notes); n > 0 {
		put(parts.Yellow, plural(n, "note")+": ?")
	}
	return l.String()
}

// timeLeft says when the window ends, or that it has.
func (m *Model) timeLeft() string {
	w := &m.state.Window
	switch {
	case !w.Live && w.Over:
		return "recording"
	case !w.Live:
		return "reading the recording"
	case w.Over:
		return "window over, nothing is attached"
	case w.Ends.IsZero():
		return "live, without end"
	}
	return "live, " + clock(max(w.Ends.Sub(m.clock()), 0)) + " left"
}

// clock is the time now, also while the screen is paused.
func (m *Model) clock() time.Time {
	if m.o.Now != nil {
		return m.o.Now()
	}
	return m.state.Now
}

func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s%3600/60, s%60)
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return number(uint64(n)) + " " + what
}

// number writes n with a comma before each three digits.
func number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
