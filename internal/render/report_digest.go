package render

import (
	"slices"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
)

// Digest keeps of a window what a report tells of it, in a bounded amount of memory: sums of
// all requests, and single ones where they are among the slowest or the first of their kind
// to fail. It is a trace.Sink, and for one goroutine. The zero Digest is empty.
type Digest struct {
	began, ended time.Time // of the requests, not of the window
	zone         *time.Location
	sum          trace.Summary

	requests metrics.Requests
	upgraded uint64 // answered by 101: their time is that of the conversation
	retried  uint64 // tried more than once
	rescued  uint64 // of those, the ones that did not fail
	inferred uint64 // with an edge that is not proved
	cut      uint64 // of which something could not be seen

	slow     slow
	failures failures
	series   series
}

// reportFailures is how many kinds of failures a report tells of, at most.
const reportFailures = 50

// The classes of answers that a report tells apart.
const (
	classGood    = iota // up to 399
	classRefused        // 4xx
	classFailed         // 5xx, or no response head
	statusClasses
)

// classOf tells what became of a request.
func classOf(x *trace.Exchange) int {
	switch {
	case metrics.Failed(x):
		return classFailed
	case x.Status >= 400:
		return classRefused
	}
	return classGood
}

// Show counts a request, and keeps a copy if it is to be shown.
func (d *Digest) Show(x *trace.Exchange) error {
	end := x.Start.Add(max(x.Duration, 0))
	if !x.Start.IsZero() {
		if d.began.IsZero() || x.Start.Before(d.began) {
			d.began = x.Start
		}
		if end.After(d.ended) {
			d.ended = end
		}
	}
	if d.zone == nil && x.Logged != nil && !x.Logged.Time.IsZero() {
		d.zone = x.Logged.Time.Location() // that of the gateway
	}
	d.requests.Add(x)
	class := classOf(x)
	if len(x.Attempts) > 1 {
		d.retried++
		if class != classFailed {
			d.rescued++
		}
	}
	if slices.ContainsFunc(x.Spans, func(s trace.Span) bool { return s.Confident == trace.Inferred }) {
		d.inferred++
	}
	if len(x.Incomplete) > 0 {
		d.cut++
	}
	reason := causeOf(x)
	d.series.add(end, x, class, reason)
	if class != classGood {
		d.failures.add(x, class, reason)
	}
	if x.Status == 101 {
		d.upgraded++
	} else {
		d.slow.add(x)
	}
	return nil
}

// Summary keeps what the window says of itself.
func (d *Digest) Summary(s trace.Summary) error {
	d.sum = s
	return nil
}

// Close has nothing to close.
func (d *Digest) Close() error { return nil }

// Worker counts what a worker did.
func (d *Digest) Worker(w *trace.Worker) error {
	d.requests.AddWorker(w)
	return nil
}
