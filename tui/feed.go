package tui

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// Feed is between a pipeline and a Model: a trace.Sink that keeps what comes until the Model
// takes it. However slow the terminal is, it keeps no more than the last MaxRequests of them,
// and counts all.
type Feed struct {
	// Secrets are left in what is shown.
	Secrets bool

	mu      sync.Mutex
	fresh   []*trace.Exchange // since the last take, the oldest at first, or at head once full
	head    int
	shown   uint64
	seen    uint64
	lost    map[string]uint64
	notes   []string
	summary *trace.Summary
	counts  metrics.Requests
}

// NewFeed returns an empty Feed.
func NewFeed() *Feed { return &Feed{lost: map[string]uint64{}} }

// maxNotes bounds what a source may say of itself.
const maxNotes = 100

// Show keeps a copy of x.
func (f *Feed) Show(x *trace.Exchange) error {
	y := x.Clone()
	y.Asked, y.Answered = nil, nil // no page shows bodies
	if !f.Secrets {
		y.Path, y.Query = logs.HideURL(y.Path), logs.HideQuery(y.Query)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shown++
	f.counts.Add(y)
	if len(f.fresh) < MaxRequests {
		f.fresh = append(f.fresh, y)
		return nil
	}
	f.fresh[f.head] = y
	f.head = (f.head + 1) % MaxRequests
	return nil
}

// Summary tells that the window is over.
func (f *Feed) Summary(sum trace.Summary) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.summary = &sum
	return nil
}

// Close is for trace.Sink.
func (f *Feed) Close() error { return nil }

// Keep returns a filter for the pipeline that counts what keep sees; nil keeps all.
func (f *Feed) Keep(keep func(*trace.Exchange) string) func(*trace.Exchange) string {
	return func(x *trace.Exchange) string {
		f.mu.Lock()
		f.seen++
		f.mu.Unlock()
		if keep == nil {
			return ""
		}
		return keep(x)
	}
}

// Tap returns src, whose losses and notes the Feed sees on their way.
func (f *Feed) Tap(src trace.Source) trace.Source {
	t := tap{Source: src, feed: f}
	if past, ok := src.(window); ok {
		return &pastTap{t, past}
	}
	return &t
}

// window is a recording's, which tells how long it was.
type window interface{ Window() time.Duration }

type pastTap struct {
	tap
	window
}

type tap struct {
	trace.Source
	feed *Feed
}

func (t *tap) Next(ctx context.Context) (trace.Event, error) {
	e, err := t.Source.Next(ctx)
	switch e.Kind {
	case trace.KindLost, trace.KindRemoved, trace.KindNote:
		t.feed.hear(&e)
	}
	return e, err
}

func (f *Feed) hear(e *trace.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch e.Kind {
	case trace.KindLost:
		f.lost[e.Cause] += e.Count
	case trace.KindRemoved:
		f.seen += e.Count
	case trace.KindNote:
		if len(f.notes) < maxNotes {
			f.notes = append(f.notes, e.Note)
		}
	}
}

// take moves what is new into s.
func (f *Feed) take(s *State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.add(f.fresh[f.head:])
	s.add(f.fresh[:f.head])
	clear(f.fresh) // they are garbage once s drops them
	f.fresh, f.head = f.fresh[:0], 0
	s.Shown, s.Seen, s.Lost, s.Notes = f.shown, f.seen, maps.Clone(f.lost), f.notes[:len(f.notes):len(f.notes)]
	if f.summary != nil { // only now it is known what the assembler lost, and what had no names
		s.Seen, s.Lost, s.Notes = f.summary.Seen, f.summary.Lost, f.summary.Notes
	}
}
