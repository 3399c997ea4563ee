package cmd

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// window is a trace of one gateway from its opening to its summary.
type window struct {
	env      Env
	talk     *talk
	target   *gateway.Target
	read     bpf.Options    // what it reads; of which gateway, and to whose log, it knows itself
	duration time.Duration  // 0 means no end
	count    uint64         // 0 means no end
	cpu      cpuOptions     // whether, and how, it samples the CPU, too
	names    *apisix.Names  // nil for what is read from requests alone
	command  string         // that opened it
	nodes    *metrics.Nodes // what it saw of upstream nodes, to be left behind; nil for nothing
	keep     func(*trace.Exchange) string
	to       trace.Sink
	out      *output  // that to writes to
	quiet    bool     // nothing is seen of it while it is open
	kept     int64    // bytes that to keeps of what it has shown
	told     []string // notes of the source, as they came

	seen, shown atomic.Uint64
}

// meet finds the gateway that is meant, and opens what names its requests.
func (w *window) meet(ctx context.Context, q gateway.Query, names *naming) error {
	var err error
	if w.target, err = w.env.find(ctx, q); err != nil {
		return err
	}
	w.talk = newTalk(w.env)
	w.names, err = names.open(ctx, w.env, w.target, w.talk)
	return err
}

// run opens the window, and waits for its end, but not for an orderly one if the user is
// in a hurry.
func (w *window) run(ctx context.Context) (trace.Summary, error) {
	type result struct {
		sum trace.Summary
		err error
	}
	done := make(chan result, 1)
	go func() {
		sum, err := w.watch(ctx)
		done <- result{sum, err}
	}()
	select {
	case r := <-done:
		return r.sum, r.err
	case <-w.env.Hurry:
		w.out.discard()
		return trace.Summary{}, nil
	}
}

func (w *window) watch(ctx context.Context) (trace.Summary, error) {
	defer spareCollector(w.cpu.on, w.kept)()
	w.talk.say("gateway: %s", describe(w.target))
	asked := w.read
	asked.Target, asked.Log = w.target, w.env.Log
	ctx, fail := context.WithCancel(ctx)
	defer fail()
	cpu, err := w.openCPU(ctx, fail) // first, so that no request ends before there are samples
	if err != nil {
		return trace.Summary{}, err
	}
	src, err := w.env.OpenTrace(ctx, asked)
	if err != nil {
		return trace.Summary{}, errors.Join(err, cpu.close())
	}
	if ctx.Err() != nil { // there was no window
		return trace.Summary{}, errors.Join(src.Close(), cpu.close())
	}
	ctx, cancel := w.bound(ctx)
	defer cancel()
	if w.env.verbose() {
		w.talk.say("probes armed after %d ms", time.Since(w.env.Began).Milliseconds())
	}
	w.talk.say("tracing %s", w.extent())
	over := ending(ctx)
	stop := w.showProgress(ctx)
	namer, unname := w.namer(ctx)

	sum, err := trace.Pipeline{
		From: src, Heads: &Heads{}, Name: namer, Keep: w.tally, CPU: cpu.tells(), To: w.to, Count: w.count,
		Talk: func(note string) {
			w.talk.say("note: %s", note)
			w.told = append(w.told, note)
		},
	}.Run(ctx)
	stop()
	unname()
	if w.out.unread(err) {
		err = nil
	}
	ended := over()
	if err = errors.Join(err, src.Close(), cpu.close()); err == nil {
		err = w.out.commit()
	}
	w.leave(sum)
	err = errors.Join(err, w.summarize(sum))
	if w.env.verbose() {
		w.talk.say("closed after %d ms", time.Since(ended).Milliseconds())
	}
	return sum, err
}

// namer starts what names requests, in the background; nil for nothing. The function it
// returns ends that.
func (w *window) namer(ctx context.Context) (trace.Namer, func()) {
	if w.names == nil {
		return nil, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.names.Run(ctx)
	}()
	return w.names, func() {
		cancel()
		<-done
	}
}

// spareCollector lets garbage wait: what a busy gateway's window keeps is a few megabytes,
// and collecting each time that doubles would take a quarter of our CPU time. The limit
// holds should it be more. A sampler beside it knows the gateway's code by heart.
func spareCollector(sampler bool, kept int64) (restore func()) {
	most := int64(64 << 20)
	if sampler {
		most = 128 << 20
	}
	percent, limit := debug.SetGCPercent(400), debug.SetMemoryLimit(most+kept)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

// bound ends the window in time, or when nobody reads its output.
func (w *window) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	cancel := context.CancelFunc(func() {})
	if w.duration > 0 {
		ctx, cancel = context.WithTimeout(ctx, w.duration)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	if w.out.stdout && w.env.OutGone != nil {
		go func() {
			select {
			case <-w.env.OutGone:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	return ctx, cancel
}

// ending returns a function that tells when ctx ended; now, if it did not.
func ending(ctx context.Context) func() time.Time {
	var at atomic.Pointer[time.Time]
	mark := func() {
		now := time.Now()
		at.CompareAndSwap(nil, &now)
	}
	stop := context.AfterFunc(ctx, mark)
	return func() time.Time {
		stop()
		mark()
		return *at.Load()
	}
}

func (w *window) tally(x *trace.Exchange) string {
	w.seen.Add(1)
	if w.nodes != nil {
		w.nodes.Add(x)
	}
	if w.keep != nil {
		if why := w.keep(x); why != "" {
			return why
		}
	}
	w.shown.Add(1)
	return ""
}

// showProgress tells of requests where nothing else can be seen of the window. The function
// it returns ends that.
func (w *window) showProgress(ctx context.Context) func() {
	if hidden := w.quiet || !w.env.OutTerm || !w.out.stdout; !hidden {
		return func() {}
	}
	return w.progress(ctx, func() string {
		return fmt.Sprintf("seen %d requests, shown %d", w.seen.Load(), w.shown.Load())
	})
}

// progress rewrites a line once a second, if the window is a long one and nothing else is
// told. The function it returns ends that.
func (w *window) progress(ctx context.Context, tell func() string) func() {
	const long = 3 * time.Second
	if !w.env.ErrTerm || w.env.verbose() || w.duration > 0 && w.duration < long {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				w.talk.clear()
				return
			case now := <-tick.C:
				w.talk.rewrite(fmt.Sprintf("%.0fs: %s", now.Sub(began).Seconds(), tell()))
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// summarize says what was seen and lost.
func (w *window) summarize(sum trace.Summary) error {
	if w.talk.on { // what came meanwhile was told then
		sum.Notes = slices.DeleteFunc(slices.Clone(sum.Notes), func(note string) bool { return slices.Contains(w.told, note) })
	}
	return render.Summary(w.env.Err, sum)
}

func (w *window) extent() string {
	s := "until Ctrl-C"
	if w.duration > 0 {
		s = "for " + text.Duration(w.duration) + "; Ctrl-C ends it"
	}
	if w.count > 0 {
		s = fmt.Sprintf("%d requests, ", w.count) + s
	}
	return s
}

// describe tells which gateway it is.
func describe(t *gateway.Target) string {
	s := t.Summary()
	if t.Master.PID != 0 {
		s += fmt.Sprintf("  master %d", t.Master.PID)
	}
	return fmt.Sprintf("%s  %d workers", s, len(t.Workers()))
}
