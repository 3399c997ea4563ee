package bpf_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// A window traces a rig's gateway while a test sends requests to it.
type window struct {
	t      *testing.T
	source *bpf.Source
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	seen  []*trace.Exchange
	told  []trace.Worker
	notes []string
	sum   trace.Summary // after done
	err   error
}

// find returns the rig's gateway as a user would find it.
func find(t *testing.T, rig *testrig.Rig) *gateway.Target {
	t.Helper()
	target, err := gateway.Find(t.Context(), gateway.Query{PID: rig.MasterPID()})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// watch opens a window on rig that ends, at the latest, with the test.
func watch(t *testing.T, rig *testrig.Rig, probes bool) *window {
	t.Helper()
	return open(t, bpf.Options{Target: find(t, rig), Probes: probes})
}

func open(t *testing.T, o bpf.Options) *window {
	t.Helper()
	w := prepare(t, o)
	w.read()
	return w
}

// prepare opens a window that nobody reads until read is called.
func prepare(t *testing.T, o bpf.Options) *window {
	t.Helper()
	testrig.NeedBPF(t)
	source, err := bpf.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	w := &window{t: t, source: source, cancel: func() {}, done: make(chan struct{})}
	t.Cleanup(func() {
		w.cancel()
		if err := source.Close(); err != nil {
			t.Errorf("close source: %v", err)
		}
	})
	return w
}

func (w *window) read() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = func() {
		cancel()
		<-w.done
	}
	go func() {
		defer close(w.done)
		w.sum, w.err = trace.Pipeline{From: w.source, Heads: &cmd.Heads{}, To: w, Talk: w.talk}.Run(ctx)
	}()
}

// Show keeps a copy: x is only lent.
func (w *window) Show(x *trace.Exchange) error {
	c := *x
	c.Attempts, c.Spans = slices.Clone(x.Attempts), slices.Clone(x.Spans)
	c.Incomplete, c.HeaderValues = slices.Clone(x.Incomplete), slices.Clone(x.HeaderValues)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, &c)
	return nil
}

func (w *window) Summary(trace.Summary) error { return nil }
func (w *window) Close() error                { return nil }

func (w *window) talk(note string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, note)
}

// shown returns what was shown so far.
func (w *window) shown() []*trace.Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

// noted reports whether the source has said something with text in it.
func (w *window) noted(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.notes, func(n string) bool { return strings.Contains(n, text) })
}

// wait waits until n exchanges were shown.
func (w *window) wait(n int) []*trace.Exchange {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("%d exchanges are shown", n), func() bool { return len(w.shown()) >= n })
	return w.shown()
}

// of waits for the exchange of c, which has sent one request.
func (w *window) of(t *testing.T, c *client) *trace.Exchange {
	t.Helper()
	var x *trace.Exchange
	eventually(t, "the client's exchange is shown", func() bool {
		all := w.shown()
		i := slices.IndexFunc(all, func(x *trace.Exchange) bool { return int(x.Client.Port()) == c.port() })
		if i >= 0 {
			x = all[i]
		}
		return i >= 0
	})
	return x
}

// endAfter ends the window, which must have shown n exchanges.
func (w *window) endAfter(n int) {
	w.t.Helper()
	if all := w.end(); len(all) != n {
		w.t.Errorf("want %d exchanges, got %d: %s", n, len(all), describe(all))
	}
}

// end ends the window and returns all that it has shown. Nothing may have been lost.
func (w *window) end() []*trace.Exchange {
	w.t.Helper()
	if sum := w.close(); len(sum.Lost) > 0 {
		w.t.Errorf("lost: %v", sum.Lost)
	}
	return w.seen
}

func (w *window) close() trace.Summary {
	w.t.Helper()
	w.cancel()
	if w.err != nil {
		w.t.Errorf("run pipeline: %v", w.err)
	}
	return w.sum
}

// only ends the window, of which one exchange is expected, and returns that.
func (w *window) only() *trace.Exchange {
	w.t.Helper()
	w.wait(1)
	all := w.end()
	if len(all) != 1 {
		w.t.Fatalf("want one exchange, got %d: %s", len(all), describe(all))
	}
	return all[0]
}

// describe says in a line what exchanges are.
func describe(all []*trace.Exchange) string {
	var b strings.Builder
	for _, x := range all {
		fmt.Fprintf(&b, "\n  %s %s%s HTTP/%s from %s, number %d: %d by %s (%s, %s), %d attempts, %q",
			x.Method, x.Host, x.Path, x.Protocol, x.Client, x.ConnectionRequest, x.Status, x.Source, x.ErrType, x.Reason, len(x.Attempts), x.Incomplete)
		for _, a := range x.Attempts {
			fmt.Fprintf(&b, "\n    attempt %s: %d (%s, %s) reused %t, %s: %s", a.PeerName, a.Status, a.ErrType, a.Reason, a.Reused, a.Confident, a.Evidence)
		}
		for _, s := range x.Spans {
			fmt.Fprintf(&b, "\n    %c %s: +%s %s, %s: %s", s.Mark, s.Name, s.Start.Sub(x.Start), s.Duration, s.Confident, s.Evidence)
		}
	}
	return b.String()
}
