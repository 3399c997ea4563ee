package cmd

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/tui"
	"github.com/apisixscope/apisixscope/tui/background"
	"github.com/apisixscope/apisixscope/tui/pages"
)

// screen is the program for terminals. What is written to stderr meanwhile would spoil it, and
// is kept until it is closed.
type screen struct {
	env  Env // the real one
	late late
	feed *tui.Feed
}

func newScreen(env Env) *screen { return &screen{env: env, feed: tui.NewFeed()} }

// quiet is the world as those see it who run beside the screen.
func (s *screen) quiet() Env {
	env := s.env
	env.Err, env.ErrTerm = &s.late, false
	if env.verbose() {
		env.Log = slog.New(slog.NewTextHandler(&s.late, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return env
}

// show shows the screen until the user has seen enough, and then tells what was kept.
func (s *screen) show(ctx context.Context, o tui.Options, watch tui.Work, beside ...tui.Work) error {
	o.Feed, o.Pages, o.Colors = s.feed, pages.All(), !s.env.NoColor
	if terminal, ok := s.env.Out.(*os.File); ok {
		o.Light = background.Light(terminal)
	}
	o.Clipboard = s.env.Out
	model := tui.New(o)
	p := &tui.Program{Model: model, Out: s.env.Out, Watch: watch, Beside: beside, Hurry: s.env.Hurry}
	err := p.Run(ctx)
	s.late.tell(s.env.Err)
	if s.env.verbose() {
		talk := newTalk(s.env)
		talk.say("%s", model.Measure.String())
	}
	return err
}

// late keeps what is written, up to a limit, until somebody can read it.
type late struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *late) Write(b []byte) (int, error) {
	const most = 256 << 10
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len()+len(b) <= most {
		l.buf.Write(b)
	}
	return len(b), nil
}

func (l *late) tell(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.buf.WriteTo(w) // stderr may be gone, and with it the reader
}

// countOverhead tells each second what watching costs.
func countOverhead(ctx context.Context, send func(tea.Msg)) error {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	last, own, programs := time.Now(), ownCPU(), programTime()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-every.C:
			took := now.Sub(last).Seconds()
			o, p := ownCPU(), programTime()
			cost := tui.Overhead{Own: (o - own).Seconds() / took}
			if p > 0 && p >= programs {
				cost.Programs, cost.Known = (p-programs).Seconds()/took, true
			}
			send(cost)
			last, own, programs = now, o, p
		}
	}
}

// ownCPU is for how long this process has run.
func ownCPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
