package tui_test

import (
	"fmt"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui"
)

// seer is a page that remembers what it was shown.
type seer struct{ last tui.State }

func (*seer) Name() string                             { return "requests" }
func (*seer) Keys() []tui.Key                          { return nil }
func (*seer) Update(*tui.State, tea.Msg) tea.Cmd       { return nil }
func (p *seer) View(s *tui.State, _ tui.Size) []string { p.last = *s; return nil }

// TestFeedIsBounded has a screen that stands still while more comes than is kept.
func TestFeedIsBounded(t *testing.T) {
	feed, page := tui.NewFeed(), &seer{}
	m := tui.New(tui.Options{Feed: feed, Pages: []tui.Page{page}})
	keep := feed.Keep(func(x *trace.Exchange) string { return map[bool]string{true: "--status"}[x.Status == 404] })
	const all = 5 * tui.MaxRequests
	for i := range all {
		x := &trace.Exchange{Path: fmt.Sprintf("/%d?token=geheim", i), Query: "apikey=geheim", Status: 200 + 204*(i%2), Asked: make([]byte, 1024)}
		if keep(x) == "" {
			if err := feed.Show(x); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	for range 2 { // it takes what has come when it is no longer paused
		time.Sleep(300 * time.Millisecond) // a draw is due
		m.Update(tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}})
	}
	s := &page.last
	if s.Seen != all || s.Shown != all/2 || len(s.Requests) != tui.MaxRequests {
		t.Fatalf("seen %d, shown %d, kept %d", s.Seen, s.Shown, len(s.Requests))
	}
	for i, x := range s.Requests {
		if want := fmt.Sprintf("/%d?token=***", all-2*tui.MaxRequests+2*i); x.Path != want || x.Query != "apikey=***" || x.Asked != nil {
			t.Fatalf("request %d is %s?%s, want %s", i, x.Path, x.Query, want)
		}
	}
	counted := uint64(0)
	s.Count(func(r *metrics.Requests) {
		for _, route := range r.Routes() {
			counted += route.Requests
		}
	})
	if counted != all/2 {
		t.Errorf("of %d requests, %d are counted", all/2, counted)
	}
}
