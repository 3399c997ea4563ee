package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/otlp"
	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// recordMemory is for compressing, and for the stacks of a profile.
const recordMemory = 64 << 20

// recording is a window that is kept in a file: a trace.Sink that writes it.
type recording struct {
	o      *recordOptions
	env    Env
	target *gateway.Target
	window *window

	file    *os.File
	to      *replay.Writer
	spans   *otlp.Sink
	stacks  *stacks     // nil for no profile
	opened  atomic.Bool // there was a window
	kept    uint64      // requests
	lost    map[string]uint64
	removed map[string]uint64
	noted   []string
	use     trace.CPUUse
}

// begin opens the file, and what samples stacks.
func (r *recording) begin(ctx context.Context) error {
	if err := r.create(); err != nil {
		return err
	}
	m := replay.Manifest{
		Version: r.env.Version, Began: time.Now(), Gateway: describe(r.target), Host: hostname(r.target),
		Filters: r.o.filters, Bodies: r.o.body, Secrets: r.o.secrets,
	}
	var err error
	if r.stacks, err = r.openStacks(ctx); err != nil {
		m.NoProfile = withRemedy(err)
		if !r.o.noProfile {
			fmt.Fprintf(r.env.Err, "note: no profile: %s\n", text.Clean(m.NoProfile))
		}
	}
	if r.to, err = replay.NewWriter(r.file, m); err != nil {
		return errors.Join(r.writeError(err), r.stacks.Close(), r.discard())
	}
	r.spans = otlp.NewSink(r.to.OTLP())
	r.lost, r.removed = map[string]uint64{}, map[string]uint64{}
	if r.stacks != nil {
		r.stacks.to = r.to
	}
	return nil
}

// create makes the file. It is not given its name when it is whole, as other outputs are:
// what there is of it is to outlive us.
func (r *recording) create() error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if r.o.force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(r.o.file, flags, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return hint.Wrap(fmt.Errorf("write %s: the file exists", r.o.file), "choose another name, or overwrite it with --force")
	case err != nil:
		return hint.Wrap(r.writeError(err), "name a file in a directory that you may write to with -w")
	}
	if r.o.force {
		if err := f.Chmod(0o600); err != nil { // it may be one that others could read
			return errors.Join(r.writeError(err), f.Close())
		}
	}
	r.file = f
	return nil
}

func (r *recording) writeError(err error) error {
	return fmt.Errorf("write %s: %w", r.o.file, cause(err))
}

// discard removes a file in which nothing is.
func (r *recording) discard() error {
	return errors.Join(r.file.Close(), os.Remove(r.file.Name()))
}

// run keeps the window until its end, and tells of the file.
func (r *recording) run(ctx context.Context) error {
	told, sampled := r.keepFacts(ctx), r.stacks.pump(ctx)
	sum, err := r.window.run(ctx)
	if r.hurried() { // the window may still write
		return err
	}
	err = errors.Join(err, sampled())
	told()
	if !r.opened.Load() {
		return errors.Join(err, r.discard())
	}
	return r.end(sum, err)
}

func (r *recording) hurried() bool {
	select {
	case <-r.env.Hurry:
		return r.env.Hurry != nil
	default:
		return false
	}
}

// end closes the file, whatever has become of the window.
func (r *recording) end(sum trace.Summary, failed error) error {
	var err error
	if failed == nil {
		err = r.to.Close(replay.End{Window: sum.Window, CPU: r.use})
	}
	size, _ := r.file.Seek(0, io.SeekCurrent) // of a pipe there is none
	if closed := r.file.Close(); err == nil {
		err = closed
	}
	if err = errors.Join(failed, err); err != nil {
		return hint.Wrap(err, "what was recorded before can be read: apisixscope trace -r "+r.o.file)
	}
	line := fmt.Sprintf("recorded %d requests", r.kept)
	if r.stacks != nil {
		line += fmt.Sprintf(" and %d samples", r.stacks.samples)
	}
	_, err = fmt.Fprintf(r.env.Err, "%s in %s, %s\n", line, text.Clean(r.o.file), text.Size(size))
	return err
}

// open is Env.OpenTrace, whose losses and notes are kept as they come.
func (r *recording) open(ctx context.Context, o bpf.Options) (trace.Source, error) {
	src, err := r.env.OpenTrace(ctx, o)
	if err != nil {
		return nil, err
	}
	r.opened.Store(true)
	return &heard{src, r}, nil
}

// heard is a source to which a recording listens.
type heard struct {
	trace.Source
	by *recording
}

func (h *heard) Next(ctx context.Context) (trace.Event, error) {
	e, err := h.Source.Next(ctx)
	if err != nil {
		return e, err
	}
	switch e.Kind {
	case trace.KindLost, trace.KindRemoved, trace.KindNote:
		err = h.by.hear(&e)
	}
	return e, err
}

// hear keeps what was lost, removed or noted.
func (r *recording) hear(e *trace.Event) error {
	switch e.Kind {
	case trace.KindLost:
		r.lost[e.Cause] += e.Count
	case trace.KindRemoved:
		r.removed[e.Cause] += e.Count
	case trace.KindNote:
		r.noted = append(r.noted, e.Note)
	}
	return r.add(e)
}

func (r *recording) add(e *trace.Event) error {
	if err := r.to.Add(e); err != nil {
		return r.writeError(err)
	}
	return nil
}

// Show keeps a request.
func (r *recording) Show(x *trace.Exchange) error {
	if r.o.body == 0 {
		x.Asked, x.Answered = nil, nil // heads, secrets and all
	}
	if !r.o.secrets {
		logs.Conceal(x)
	}
	r.kept++
	if err := r.spans.Show(x); err != nil {
		return err
	}
	return r.add(&trace.Event{Kind: trace.KindExchange, Exchange: x})
}

// Worker keeps what a worker did.
func (r *recording) Worker(w *trace.Worker) error {
	return r.add(&trace.Event{Kind: trace.KindWorker, Worker: w})
}

// Flush writes what has waited.
func (r *recording) Flush() error {
	if err := r.to.Flush(); err != nil {
		return r.writeError(err)
	}
	return nil
}

// Summary keeps what is known at the end alone: what the filters removed, and what was lost on
// the way from the source.
func (r *recording) Summary(sum trace.Summary) error {
	r.use = sum.CPU
	var events []trace.Event
	count := func(kind trace.Kind, all, told map[string]uint64) {
		for _, cause := range slices.Sorted(maps.Keys(all)) {
			if n := all[cause] - told[cause]; n > 0 {
				events = append(events, trace.Event{Kind: kind, Cause: cause, Count: n})
			}
		}
	}
	count(trace.KindLost, sum.Lost, r.lost)
	count(trace.KindRemoved, sum.Removed, r.removed)
	for _, note := range sum.Notes {
		if !slices.Contains(r.noted, note) {
			events = append(events, trace.Event{Kind: trace.KindNote, Note: note})
		}
	}
	for i := range events {
		if err := r.add(&events[i]); err != nil {
			return err
		}
	}
	return r.spans.Summary(sum)
}

// Close is for trace.Sink: the file stays open for the profile.
func (r *recording) Close() error { return nil }
