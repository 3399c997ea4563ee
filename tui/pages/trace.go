package pages

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// Trace is a single request: its waterfall, its time by part, its attempts and its headers.
type Trace struct {
	scroller
	evidence bool
	open     *trace.Exchange // that top is of
}

// NewTrace returns the page.
func NewTrace() *Trace { return &Trace{evidence: true} }

// Name is for tui.Page.
func (p *Trace) Name() string { return "trace" }

var (
	keyEvidence = tui.Key{Names: []string{"v"}, Does: "show or hide how each edge was found", Hint: true, Word: "evidence"}
	keyOlder    = tui.Key{Names: []string{"n"}, Does: "the request before it", Hint: true, Word: "older"}
	keyNewer    = tui.Key{Names: []string{"p"}, Does: "the request after it", Hint: true, Word: "newer"}
)

// Keys is for tui.Page.
func (p *Trace) Keys() []tui.Key {
	return []tui.Key{keyOlder, keyNewer, keyEvidence, keyCurl, keyJSON}
}

// Update is for tui.Page.
func (p *Trace) Update(s *tui.State, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case parts.Wheel:
		p.scroller.update(msg)
	case parts.KeyPress:
		p.key(s, msg)
	}
	return nil
}

func (p *Trace) key(s *tui.State, k parts.KeyPress) {
	switch {
	case keyEvidence.Is(k):
		p.evidence = !p.evidence
	case keyOlder.Is(k):
		p.step(s, -1)
	case keyNewer.Is(k):
		p.step(s, 1)
	case keyCurl.Is(k), keyJSON.Is(k):
		if s.Open != nil {
			copyRequest(s, s.Open, keyJSON.Is(k))
		}
	}
	p.scroller.update(k)
}

// step opens the request that came before or after among those that are shown.
func (p *Trace) step(s *tui.State, by int) {
	i := slices.Index(s.Matching, s.Open)
	switch {
	case len(s.Matching) == 0:
		return
	case i < 0:
		i = len(s.Matching) - 1
	default:
		i = max(min(i+by, len(s.Matching)-1), 0)
	}
	s.Open = s.Matching[i]
}

// View is for tui.Page.
func (p *Trace) View(s *tui.State, z tui.Size) []string {
	if s.Open == nil && len(s.Matching) > 0 {
		s.Open = s.Matching[len(s.Matching)-1] // the newest
	}
	x := s.Open
	if x == nil {
		return append([]string{""}, nothing(s, z.Width)...)
	}
	if p.open != x {
		p.open, p.top = x, 0
	}
	lines := p.tree(x, z.Width)
	lines = append(lines, timingBar(x, z.Width, s.Colors)...)
	lines = append(lines, attempts(x, z.Width)...)
	lines = append(lines, headers(x, z.Width)...)
	return p.scroller.window(lines, z.Height)
}

// tree is what trace shows of a request, too.
func (p *Trace) tree(x *trace.Exchange, width int) []string {
	var b bytes.Buffer
	sink, err := render.Trace("tree", &b, render.Options{Width: width, Color: true, Evidence: p.evidence, CPU: x.CPU.Period > 0})
	if err == nil {
		err = sink.Show(x)
	}
	if err == nil {
		err = sink.Close()
	}
	if err != nil {
		return []string{parts.Paint(parts.Red, text.Clean(err.Error()))}
	}
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

// title is the line above a section.
func title(words string, width int) string {
	return parts.NewLine(width).Put(parts.Plain, "  ").Put(parts.Bold, words).String()
}

// Kinds of parts of a request's time, by which a bar is coloured and lettered: without
// colours, the letters tell.
func partLook(name string) (parts.Look, string) {
	switch {
	case strings.HasPrefix(name, "client"):
		return parts.Cyan, "c"
	case strings.HasPrefix(name, "gateway"):
		return parts.Yellow, "g"
	case strings.HasSuffix(name, "wait"):
		return parts.Purple, "w"
	case strings.HasSuffix(name, "read"):
		return parts.Green, "r"
	}
	return parts.Blue, "n" // connect, tls, send: the network
}

// timingBar draws the parts of a request's time in their order, as shares of their sum. Where
// there are no colours, a part is as long as its letter is repeated.
func timingBar(x *trace.Exchange, width int, colors bool) []string {
	var all []trace.Part
	var sum time.Duration
	for part := range x.Parts() {
		if part.Duration > 0 {
			all = append(all, part)
			sum += part.Duration
		}
	}
	if sum <= 0 {
		return nil
	}
	const indent = 2
	bar, legend := parts.NewLine(width).To(indent), parts.NewLine(width).To(indent)
	free, so := width-2*indent, time.Duration(0)
	seen := map[string]bool{}
	for _, part := range all {
		from := int(float64(so) / float64(sum) * float64(free))
		so += part.Duration
		till := max(int(float64(so)/float64(sum)*float64(free)), from)
		look, letter := partLook(part.Name)
		fill := letter
		if colors {
			fill = " "
		}
		bar.Put(look+";7", text.Truncate(letter+strings.Repeat(fill, max(till-from-1, 0)), till-from))
		if !seen[letter] {
			seen[letter] = true
			names := map[string]string{"c": "client", "g": "gateway", "n": "connect and send", "w": "wait for the node", "r": "read from it"}
			legend.Put(look, letter).Put(parts.Dim, " "+names[letter]+"  ")
		}
	}
	return []string{"", title("time", width), bar.String(), legend.String()}
}

// attempts is a table of them.
func attempts(x *trace.Exchange, width int) []string {
	if len(x.Attempts) == 0 {
		return nil
	}
	type row = *trace.Attempt
	took := func(of func(row) time.Duration) func(row, int) string {
		return func(a row, _ int) string { return orDash(of(a)) }
	}
	columns := parts.Fit([]parts.Column[row]{
		{Title: "", Width: 1, Cell: func(row, int) string { return "" }},
		{Title: "NODE", Cell: func(a row, _ int) string { return peer(a) }},
		{Title: "CODE", Width: 4, Look: attemptLook, Cell: attemptStatus},
		{Title: "CONNECTION", Width: 18, From: 100, Cell: func(a row, _ int) string { return connection(a) }},
		{Title: "CONNECT", Width: 7, Right: true, Cell: took(func(a row) time.Duration { return a.Connect })},
		{Title: "TLS", Width: 7, From: 90, Right: true, Cell: took(func(a row) time.Duration { return a.TLS })},
		{Title: "SEND", Width: 7, Right: true, Cell: took(func(a row) time.Duration { return a.Send })},
		{Title: "WAIT", Width: 7, Right: true, Cell: took(func(a row) time.Duration { return a.Wait })},
		{Title: "READ", Width: 7, Right: true, Cell: took(func(a row) time.Duration { return a.Read })},
		{Title: "SENT", Width: 7, From: 120, Right: true, Cell: func(a row, _ int) string { return text.Size(a.Sent) }},
		{Title: "RECEIVED", Width: 8, From: 120, Right: true, Cell: func(a row, _ int) string { return text.Size(a.Received) }},
		{Title: "TOTAL", Width: 7, Right: true, Look: func(row) parts.Look { return parts.Bold }, Cell: took(func(a row) time.Duration { return a.Duration })},
	}, width)
	lines := []string{"", title("attempts", width), parts.Titles(columns, width, "", false)}
	for i := range x.Attempts {
		lines = append(lines, parts.Row(columns, width, &x.Attempts[i], false))
	}
	return lines
}

func attemptLook(a *trace.Attempt) parts.Look {
	if a.Status == 0 && a.ErrType == "" {
		return parts.Dim
	}
	return statusLook(a.Status)
}

func attemptStatus(a *trace.Attempt, _ int) string {
	switch {
	case a.Status > 0:
		return strconv.Itoa(a.Status)
	case a.ErrType != "":
		return "err"
	}
	return "-"
}

// connection says whether an attempt had one to itself, where that was seen.
func connection(a *trace.Attempt) string {
	switch {
	case !a.Local.IsValid():
		return "-"
	case !a.Reused:
		return "new"
	case a.Age > 0:
		return "reused, " + text.Duration(a.Age) + " old"
	}
	return "reused"
}

// headers are the sections that were read, on the request's way. Secrets are hidden.
func headers(x *trace.Exchange, width int) []string {
	if x.Headers == nil {
		return nil
	}
	view := logs.View{Headers: logs.Selection{All: true}}
	var lines []string
	for _, part := range []struct {
		words string
		head  *trace.Head
	}{
		{"request headers, from the client", &x.Headers.Request},
		{"request headers, to the node", &x.Headers.UpstreamRequest},
		{"response headers, from the node", &x.Headers.UpstreamResponse},
		{"response headers, to the client", &x.Headers.Response},
	} {
		if !part.head.Seen {
			continue
		}
		lines = append(lines, "", title(part.words, width))
		for name, value := range view.Shown(part.head) {
			lines = append(lines, parts.NewLine(width).To(4).Put(parts.Cyan, text.Clean(name)).Put(parts.Dim, ": ").Put(parts.Plain, text.Clean(value)).String())
		}
		if part.head.Cut > 0 {
			lines = append(lines, parts.NewLine(width).To(4).Put(parts.Yellow, "and "+strconv.Itoa(part.head.Cut)+" more for which there was no room").String())
		}
		if part.head.Note != "" {
			lines = append(lines, parts.NewLine(width).To(4).Put(parts.Yellow, text.Clean(part.head.Note)).String())
		}
	}
	return lines
}
