package trace

import (
	"context"
	"errors"
	"io"
	"time"
)

// A Source yields events in kernel order. Next returns io.EOF at the end of the window. One
// with a method Window of no arguments and a time.Duration says by it how long that was.
type Source interface {
	Next(context.Context) (Event, error)
	Close() error
}

// A Sink shows finished exchanges, and at the end the summary of the window.
// The exchange is only valid during Show. Pipeline.Run closes the sink, which flushes; the writer stays open.
type Sink interface {
	Show(*Exchange) error
	Summary(Summary) error
	Close() error
}

// Summary is what a window saw.
type Summary struct {
	Seen    uint64            // requests that finished in the window
	Shown   uint64            // of those, the ones that were kept
	Removed map[string]uint64 // by which filter the others were removed
	Lost    map[string]uint64 // events that could not be kept, by cause
	Notes   []string          // what the source could not do, in words
	CPU     CPUUse            // what the workers' CPU time was sampled to be of
	Window  time.Duration
}

// Pipeline joins the stages of a trace.
type Pipeline struct {
	From Source
	// Heads reads what messages say of themselves.
	Heads Heads
	// Name adds what requests are called, from what it has at hand; nil adds nothing.
	Name Namer
	// Keep returns "" to show an exchange, else the name of the filter that removes it. nil keeps all.
	Keep func(*Exchange) string
	// CPU tells for how long Lua ran for each exchange, which is held until that is known; nil
	// tells nothing.
	CPU *CPUTimes
	To  Sink
	// Count ends the run after so many shown exchanges; 0 means no limit.
	Count uint64
	// Talk is told what the source says about itself while it runs; nil for nobody.
	Talk func(string)
}

// A Namer tells what APISIX calls the parts of requests. It is called by one goroutine, and
// must not wait for anything.
type Namer interface {
	// Fill adds what is missing in the exchange's Names.
	Fill(*Exchange)
	// Own reports that the request is one of ours, which is no part of the window.
	Own(*Exchange) bool
	// Notes says at the end what could not be told, in words.
	Notes() []string
}

// flusher is a Sink that holds lines back for a moment. Each sweep of the source, some ten
// a second, has it write them.
type flusher interface{ Flush() error }

// workerSink is a Sink that wants to know what workers do. The Worker is valid until it returns.
type workerSink interface{ Worker(*Worker) error }

// errEnough ends a run that has shown Count exchanges.
var errEnough = errors.New("enough exchanges")

// Run moves events until the source ends, the context is done or Count is reached; all
// three are a good end. It shows what is still under way, the summary, and closes the sink.
func (p Pipeline) Run(ctx context.Context) (Summary, error) {
	run := &run{Pipeline: p, began: time.Now()}
	run.sum.Removed, run.sum.Lost = map[string]uint64{}, map[string]uint64{}
	assembler := NewAssembler(p.Heads, run.show)
	err := run.move(ctx, assembler)
	if err == nil {
		err = assembler.Flush()
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	if p.CPU != nil && err == nil {
		err = p.CPU.finish(&run.sum, p.To.Show)
	}
	for cause, n := range assembler.Lost() {
		run.sum.Lost[cause] += n
	}
	run.sum.Window = time.Since(run.began)
	if past, ok := p.From.(interface{ Window() time.Duration }); ok { // a recording's own
		run.sum.Window = past.Window()
	}
	if p.Name != nil {
		run.sum.Notes = append(run.sum.Notes, p.Name.Notes()...)
	}
	if err == nil {
		err = p.To.Summary(run.sum)
	}
	return run.sum, errors.Join(err, p.To.Close())
}

type run struct {
	Pipeline
	began time.Time
	sum   Summary
}

func (r *run) move(ctx context.Context, a *Assembler) error {
	for {
		e, err := r.From.Next(ctx)
		if errors.Is(err, io.EOF) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil
		}
		if err != nil {
			return err
		}
		switch e.Kind {
		case KindLost:
			r.sum.Lost[e.Cause] += e.Count
		case KindRemoved:
			r.sum.Seen += e.Count
			r.sum.Removed[e.Cause] += e.Count
		case KindNote:
			r.sum.Notes = append(r.sum.Notes, e.Note)
			if r.Talk != nil {
				r.Talk(e.Note)
			}
		case KindWorker:
			if to, cares := r.To.(workerSink); cares {
				if err := to.Worker(e.Worker); err != nil {
					return err
				}
			}
		case KindExchange:
			if err := r.show(e.Exchange); err != nil {
				return err
			}
		default:
			if err := a.Add(e); err != nil {
				return err
			}
			if e.Kind == KindSwept {
				if err := r.swept(e.Time); err != nil {
					return err
				}
			}
		}
	}
}

// swept shows what was held long enough; what ended before t was told.
func (r *run) swept(t time.Time) error {
	if r.CPU != nil {
		if err := r.CPU.release(t, r.To.Show); err != nil {
			return err
		}
	}
	if held, ok := r.To.(flusher); ok {
		return held.Flush()
	}
	return nil
}

func (r *run) show(x *Exchange) error {
	if r.Name != nil {
		if r.Name.Own(x) {
			return r.present(x, false)
		}
		r.Name.Fill(x)
	}
	r.sum.Seen++
	if r.Keep != nil {
		if why := r.Keep(x); why != "" {
			r.sum.Removed[why]++
			return r.present(x, false)
		}
	}
	r.sum.Shown++
	if err := r.present(x, true); err != nil {
		return err
	}
	if r.Count > 0 && r.sum.Shown >= r.Count {
		return errEnough
	}
	return nil
}

// present shows an exchange that is wanted, at once unless its CPU time is.
func (r *run) present(x *Exchange, wanted bool) error {
	switch {
	case r.CPU != nil:
		return r.CPU.hold(x, wanted, r.To.Show)
	case wanted:
		return r.To.Show(x)
	}
	return nil
}
