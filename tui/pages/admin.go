package pages

import (
	"cmp"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// Admin is the routes as they are configured, and which of them a request gets.
type Admin struct {
	list   parts.List
	ask    *parts.Input // what is to be matched is written
	asked  string
	answer []string // to what was asked; nil while routes are shown
	scroller
}

// NewAdmin returns the page.
func NewAdmin() *Admin { return &Admin{} }

// Name is for tui.Page.
func (p *Admin) Name() string { return "admin" }

var (
	keyMatch   = tui.Key{Names: []string{"m"}, Does: "ask which route a request gets, and why not another", Hint: true, Word: "match"}
	keyOfRoute = tui.Key{Names: []string{"enter"}, Shown: "Enter", Does: "show the requests of the route", Hint: true, Word: "its requests"}
)

// Keys is for tui.Page.
func (p *Admin) Keys() []tui.Key { return []tui.Key{keyOfRoute, keyMatch} }

// Typing is for tui.Typist.
func (p *Admin) Typing() bool { return p.ask != nil }

// Back is for tui.Backer: an answer leads back to the routes.
func (p *Admin) Back() bool {
	was := p.answer != nil
	p.answer, p.asked = nil, ""
	return was
}

// answered is what the Admin API had to say of a request.
type answered struct {
	asked string
	lines []string
}

// Update is for tui.Page.
func (p *Admin) Update(s *tui.State, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case answered:
		if msg.asked == p.asked {
			p.answer = msg.lines
		}
	case parts.Paste:
		p.ask.Insert(msg.Content)
	case parts.Wheel:
		if p.answer != nil {
			p.scroller.update(msg)
		} else {
			p.list.Wheel(msg)
		}
	case parts.Click:
		if p.answer == nil {
			p.list.Click(msg.Y - 1)
		}
	case parts.KeyPress:
		return p.key(s, msg)
	}
	return nil
}

func (p *Admin) key(s *tui.State, k parts.KeyPress) tea.Cmd {
	switch {
	case p.ask != nil:
		return p.write(s, k)
	case keyMatch.Is(k):
		p.ask = &parts.Input{}
		if s.Open != nil { // most likely this one is meant
			p.ask.Set(s.Open.Method + " " + text.Clean(s.Open.Host+s.Open.Path))
		}
	case p.answer != nil:
		p.scroller.update(k)
	case keyOfRoute.Is(k):
		if s.Admin != nil && p.list.Cursor < len(s.Admin.Routes) {
			s.Ask(tui.SetFilter{Where: "route == " + strconv.Quote(s.Admin.Routes[p.list.Cursor].ID)})
		}
	default:
		p.list.Key(k.String())
	}
	return nil
}

// write takes a key while a request is written.
func (p *Admin) write(s *tui.State, k parts.KeyPress) tea.Cmd {
	switch k.String() {
	case "esc":
		p.ask = nil
	case "enter":
		words := p.ask.String()
		p.ask = nil
		return p.match(s, words)
	default:
		p.ask.Key(k)
	}
	return nil
}

// match asks which route a request gets, written "[METHOD] HOST/PATH".
func (p *Admin) match(s *tui.State, words string) tea.Cmd {
	method, host, uri, ok := readRequest(words)
	switch {
	case strings.TrimSpace(words) == "":
		return nil
	case !ok:
		s.Ask(tui.Say{Text: "a request is written like: GET shop.example/cart/7?v=2", Bad: true})
		return nil
	case s.Admin == nil || s.Admin.Match == nil:
		s.Ask(tui.Say{Text: "there are no routes to match it with", Bad: true})
		return nil
	}
	p.asked, p.answer = words, []string{"", "  asking the Admin API …"}
	match := s.Admin.Match
	return func() tea.Msg { return answered{words, match(method, host, uri, matchWidth)} }
}

// matchWidth is that of an answer: it is asked for before the screen may have another size.
const matchWidth = 80

func readRequest(words string) (method, host, uri string, ok bool) {
	fields := strings.Fields(words)
	method = "GET"
	if len(fields) == 2 {
		method, fields = strings.ToUpper(fields[0]), fields[1:]
	}
	if len(fields) != 1 {
		return "", "", "", false
	}
	rest := fields[0]
	for _, scheme := range []string{"http://", "https://"} {
		rest = strings.TrimPrefix(rest, scheme)
	}
	host, path, _ := strings.Cut(rest, "/")
	return method, host, "/" + path, host != ""
}

// View is for tui.Page.
func (p *Admin) View(s *tui.State, z tui.Size) []string {
	var head []string
	if p.ask != nil {
		l := parts.NewLine(z.Width).Put(parts.Bold, " match: ")
		p.ask.Put(l)
		head = []string{l.String(), parts.NewLine(z.Width).Put(parts.Dim, " such as GET shop.example/cart/7?v=2; Enter asks, Esc does not").String(), ""}
		z.Height -= len(head)
	}
	switch {
	case p.answer != nil:
		return append(head, p.scroller.window(cutLines(p.answer, z.Width), z.Height)...)
	case s.Admin == nil:
		return append(head, "", parts.NewLine(z.Width).Put(parts.Dim, "  asking the Admin API …").String())
	case s.Admin.Trouble != "":
		return append(append(head, "", title("no routes", z.Width)), wrap(text.Clean(s.Admin.Trouble), parts.Yellow, z.Width)...)
	}
	return append(head, p.routes(s, z)...)
}

func (p *Admin) routes(s *tui.State, z tui.Size) []string {
	type row = *tui.AdminRoute
	columns := parts.Fit([]parts.Column[row]{
		{Title: "ID", Width: 16, Cell: func(r row, _ int) string { return text.Clean(r.ID) }},
		{Title: "NAME", Width: 16, From: 60, Cell: func(r row, _ int) string { return orNone(r.Name) }},
		{Title: "STATUS", Width: 8, From: 140, Cell: func(r row, _ int) string { return orNone(r.Status) }},
		{Title: "HOST", Width: 18, From: 76, Cell: func(r row, _ int) string { return orNone(r.Hosts) }},
		{Title: "URI", Cell: func(r row, _ int) string { return orNone(r.URI) }},
		{Title: "METHODS", Width: 10, From: 120, Cell: func(r row, _ int) string { return orNone(r.Methods) }},
		{Title: "PRIORITY", Width: 8, From: 160, Right: true, Cell: func(r row, _ int) string { return strconv.FormatInt(r.Priority, 10) }},
		{Title: "UPSTREAM", Width: 22, From: 110, Cell: func(r row, _ int) string { return orNone(r.Upstream) }},
		{Title: "PLUGINS", Cell: func(r row, _ int) string { return orNone(r.Plugins) }},
	}, z.Width)
	all := s.Admin.Routes
	p.list.Fit(len(all), z.Height-1)
	lines := []string{parts.Titles(columns, z.Width, "", false)}
	from, to := p.list.Visible()
	for i := from; i < to; i++ {
		lines = append(lines, parts.Row(columns, z.Width, &all[i], i == p.list.Cursor))
	}
	if len(all) == 0 {
		lines = append(lines, "", parts.Paint(parts.Dim, "  there are no routes"))
	}
	return lines
}

func orNone(s string) string { return text.Clean(cmp.Or(s, "-")) }
