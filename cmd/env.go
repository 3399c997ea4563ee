package cmd

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

// Env is the outside world as the commands see it: main's is real, tests make their own.
type Env struct {
	Version  string
	Out, Err io.Writer
	OutTerm  bool // Out is a terminal
	ErrTerm  bool
	Width    int  // columns of the terminal; 0 when there is none
	NoColor  bool // the user wants no colour, whatever the terminal can do
	Log      *slog.Logger

	// Began is when the process did.
	Began time.Time
	// Hurry is closed when the user does not want to wait for an orderly end.
	Hurry <-chan struct{}
	// OutGone is closed when nobody reads Out any more; nil when that cannot be seen.
	OutGone <-chan struct{}

	// Ready says what this process lacks to trace anything.
	Ready     func() error
	Host      func() []bpf.Finding
	Stacks    func(*gateway.Target) []bpf.Finding
	Find      func(context.Context, gateway.Query) (*gateway.Target, error)
	List      func(context.Context) ([]*gateway.Target, error)
	OpenTrace func(context.Context, bpf.Options) (trace.Source, error)
	// OpenProfile begins to sample the gateway's stacks.
	OpenProfile func(context.Context, Sampling) (profile.Source, error)

	// Getenv is for settings that must not be on a command line, for others see that.
	Getenv func(string) string
	// Config reads what a gateway's own configuration says about its APIs.
	Config func(*gateway.Target) (*apisix.Config, error)
}

// System returns the real world, and a context that ends with the first signal to stop.
func System(version string) (context.Context, Env) {
	ctx, hurry := watchSignals()
	env := Env{
		Version: version,
		Out:     os.Stdout, Err: os.Stderr,
		OutTerm: term.IsTerminal(int(os.Stdout.Fd())),
		ErrTerm: term.IsTerminal(int(os.Stderr.Fd())),
		Width:   terminalWidth(),
		NoColor: os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb",
		Log:     slog.New(slog.DiscardHandler),
		Began:   processStart(),
		Hurry:   hurry,
		OutGone: watchPipe(os.Stdout),

		Ready:  bpf.Allowed,
		Host:   bpf.Host,
		Stacks: bpf.Stacks,
		Find:   gateway.Find,
		List:   gateway.List,
		OpenTrace: func(ctx context.Context, o bpf.Options) (trace.Source, error) {
			return bpf.Open(ctx, o)
		},

		OpenProfile: openProfile,

		Getenv: os.Getenv,
		Config: func(t *gateway.Target) (*apisix.Config, error) {
			p := leader(t)
			return apisix.FindConfig(p.PID, p.Title)
		},
	}
	return ctx, env
}

// terminalWidth asks stdout, and else stderr: what a pager shows has the same width.
func terminalWidth() int {
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return w
		}
	}
	return 0
}

// verbose reports whether the user wants to know more than usual.
func (env *Env) verbose() bool {
	return env.Log.Enabled(context.Background(), slog.LevelInfo)
}
