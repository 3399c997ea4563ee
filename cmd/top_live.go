package cmd

import (
	"context"
	"sync"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui"

	tea "github.com/charmbracelet/bubbletea"
)

// topMemory is what the requests take that are kept to be looked at, headers and all, and the
// screen.
const topMemory = 96 << 20

// topWindow is the window of top, and the screen that is all there is to be seen of it.
type topWindow struct {
	*screen
	o      *topOptions
	target *gateway.Target
	window *window
	until  *until // nil for no end
	sample chan struct{}
}

// open makes the window; nothing is attached yet.
func (o *topOptions) open(ctx context.Context, env Env, target *gateway.Target, keep *logsKeeper) (*topWindow, error) {
	s := newScreen(env)
	s.feed.Secrets = o.secrets
	quiet := s.quiet()
	quiet.OpenTrace = func(ctx context.Context, o bpf.Options) (trace.Source, error) {
		src, err := env.OpenTrace(ctx, o)
		if err != nil {
			return nil, err
		}
		return s.feed.Tap(src), nil
	}
	talk := newTalk(quiet)
	names, err := o.names.open(ctx, quiet, target, talk)
	if err != nil {
		return nil, err
	}
	w := &window{
		env: quiet, talk: talk, target: target, names: names, command: "top", nodes: &metrics.Nodes{},
		read: bpf.Options{Probes: true, Logged: true, AllHeaders: o.headers, Workers: true},
		keep: s.feed.Keep(keep.keep), to: s.feed, out: &output{}, quiet: true, kept: topMemory,
	}
	return &topWindow{screen: s, o: o, target: target, window: w, sample: make(chan struct{})}, nil
}

func (w *topWindow) show(ctx context.Context) error {
	began := time.Now()
	options := tui.Options{
		Title: describe(w.target), Now: time.Now, Export: exporter(w.env),
		Window: tui.Window{Live: true, Began: began},
	}
	if w.env.OpenProfile != nil {
		options.Sample = sync.OnceFunc(func() { close(w.sample) })
	}
	ended, end := context.WithCancel(context.Background())
	defer end()
	if w.o.duration > 0 {
		w.until = newUntil(began.Add(w.o.duration), end)
		options.Window.Ends, options.Extend = began.Add(w.o.duration), w.until.extend
	}
	within := func(work tui.Work) tui.Work { // the window, and no longer
		return func(ctx context.Context, send func(tea.Msg)) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(ended, cancel)()
			return work(ctx, send)
		}
	}
	return w.screen.show(ctx, options, within(w.watch), within(countOverhead), within(w.profile), w.admin)
}

// watch fills the feed until the window ends.
func (w *topWindow) watch(ctx context.Context, _ func(tea.Msg)) error {
	_, err := w.window.watch(ctx)
	return err
}

// until ends a window at a time that can be moved.
type until struct {
	mu    sync.Mutex
	at    time.Time
	timer *time.Timer
}

func newUntil(at time.Time, end func()) *until {
	return &until{at: at, timer: time.AfterFunc(time.Until(at), end)}
}

// extend moves it, unless it has come.
func (u *until) extend(by time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.timer.Stop() {
		u.at = u.at.Add(by)
		u.timer.Reset(time.Until(u.at))
	}
}
