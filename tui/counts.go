package tui

import (
	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
)

// Count has read look at what was counted of all requests and workers so far, also of those
// that are no longer kept. The feed waits meanwhile: read takes a copy of what it needs, and
// returns.
func (s *State) Count(read func(*metrics.Requests)) {
	if s.feed == nil {
		read(&metrics.Requests{})
		return
	}
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	read(&s.feed.counts)
}

// Worker counts what a worker did.
func (f *Feed) Worker(w *trace.Worker) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.AddWorker(w)
	return nil
}
