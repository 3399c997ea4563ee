package pages_test

import (
	"context"
	"image/color"
	"io"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/testrig/screen"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/pages"
)

// Keys as terminals send them; esc is for press, for what follows an escape at once is part of
// its key.
const (
	esc                                          = "<esc>"
	enter, tab, down, pageDown, backspace, ctrlU = "\r", "\t", "\x1b[B", "\x1b[6~", "\x7f", "\x15"
)

// session is the program on a terminal, with a recording.
type session struct {
	*screen.Screen
	t       *testing.T
	handled atomic.Int64 // keys and other input that the model has taken
	exports chan tui.Export
	ended   chan error
	told    bool
}

// setting is what differs between sessions.
type setting struct {
	width, height int
	env           []string
	light         bool
	requests      []*trace.Exchange
	workers       []*trace.Worker
	notes         []string
	lost          uint64
	messages      []tea.Msg
	options       func(*tui.Options)
}

// start runs the program until the end of the test.
func start(t *testing.T, o setting) *session {
	t.Helper()
	s := &session{Screen: screen.New(t, o.width, o.height), t: t, exports: make(chan tui.Export, 10), ended: make(chan error, 1)}
	if o.light {
		s.Background(color.White)
	}
	if o.env == nil {
		o.env = []string{"TERM=xterm-256color", "COLORTERM=truecolor"}
	}
	feed := tui.NewFeed()
	options := tui.Options{
		Feed: feed, Title: "incident.apisixscope", Pages: pages.All(), Colors: true, Light: o.light, Clipboard: s.Program,
		Export: func(e tui.Export) (string, error) {
			s.exports <- e
			return "apisixscope-20261122-121445." + e.Format, nil
		},
	}
	if o.options != nil {
		o.options(&options)
	}
	watch := func(ctx context.Context, send func(tea.Msg)) error {
		src := feed.Tap(&recording{requests: o.requests, workers: o.workers, notes: o.notes, lost: o.lost})
		_, err := trace.Pipeline{From: src, Heads: &cmd.Heads{}, Keep: feed.Keep(nil), To: feed}.Run(ctx)
		for _, m := range o.messages {
			send(m)
		}
		return err
	}
	p := &tui.Program{Model: counted{tui.New(options), &s.handled}, In: s.Program, Out: s.Program, Env: o.env, Watch: watch}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { s.ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		s.end()
	})
	return s
}

// end waits for the end of the program.
func (s *session) end() {
	s.t.Helper()
	if s.told {
		return
	}
	s.told = true
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Errorf("the program ends with %v", err)
		}
	case <-time.After(20 * time.Second):
		s.t.Errorf("the program does not end:\n%s", s.Text())
	}
}

// ready waits until the recording is read.
func (s *session) ready() {
	s.t.Helper()
	s.Wait(s.t, settled, "\n recording · ")
}

// settled is longer than the screen waits with what it has to draw.
const settled = 300 * time.Millisecond

// inputs are the messages that bytes of a keyboard or a mouse become.
var inputs = regexp.MustCompile(`(?s)\x1b\[200~.*?\x1b\[201~|\x1b\[[<0-9;]*[A-Za-z~]|.`)

// press sends keys, and waits until they have had their effect and the words are on the screen.
func (s *session) press(keys string, words ...string) {
	s.t.Helper()
	for run := range strings.SplitAfterSeq(keys, esc) {
		run = strings.Replace(run, esc, "\x1b", 1)
		want := s.handled.Load() + int64(len(inputs.FindAllString(run, -1)))
		s.Press(s.t, run)
		for until := time.Now().Add(20 * time.Second); s.handled.Load() < want; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				s.t.Fatalf("of the keys %q, %d do nothing:\n%s", run, want-s.handled.Load(), s.Text())
			}
		}
	}
	time.Sleep(settled) // what the last one asks for is drawn by then
	s.Wait(s.t, settled, words...)
}

// counted is a model of which is known how much it was told.
type counted struct {
	tea.Model
	handled *atomic.Int64
}

func (c counted) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := c.Model.Update(msg)
	switch msg := msg.(type) {
	case tea.KeyMsg:
		n := 1
		if !msg.Paste { // letters that come together are one message
			n = max(len(msg.Runes), 1)
		}
		c.handled.Add(int64(n))
	case tea.MouseMsg:
		c.handled.Add(1)
	}
	return c, cmd
}

// lacks wants none of the words on the screen.
func (s *session) lacks(words ...string) {
	s.t.Helper()
	for _, w := range words {
		if strings.Contains(s.Text(), w) {
			s.t.Errorf("the screen has %q:\n%s", w, s.Text())
		}
	}
}

// recording is a trace.Source of requests that are finished.
type recording struct {
	requests []*trace.Exchange
	workers  []*trace.Worker
	notes    []string
	lost     uint64
}

func (r *recording) Next(context.Context) (trace.Event, error) {
	switch {
	case len(r.notes) > 0:
		note := r.notes[0]
		r.notes = r.notes[1:]
		return trace.Event{Kind: trace.KindNote, Note: note}, nil
	case r.lost > 0:
		n := r.lost
		r.lost = 0
		return trace.Event{Kind: trace.KindLost, Cause: "requests_ring_full", Count: n}, nil
	case len(r.workers) > 0:
		w := *r.workers[0]
		r.workers = r.workers[1:]
		return trace.Event{Kind: trace.KindWorker, Worker: &w}, nil
	case len(r.requests) > 0:
		x := r.requests[0]
		r.requests = r.requests[1:]
		return trace.Event{Kind: trace.KindExchange, Exchange: x.Clone()}, nil
	}
	return trace.Event{}, io.EOF
}

func (r *recording) Close() error { return nil }
