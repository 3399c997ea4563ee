package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/apisixscope/apisixscope/internal/otlp"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui"
)

// exporter returns what writes to a file of the directory in which the program was started.
func exporter(env Env) func(tui.Export) (string, error) {
	return func(e tui.Export) (string, error) {
		ending := map[string]string{"otlp": ".otlp.jsonl", "har": ".har", "pprof": ".pb.gz"}[e.Format]
		f, err := newFile("apisixscope-"+time.Now().Format("20060102-150405"), ending)
		if err != nil {
			return "", fmt.Errorf("make a file here: %w", cause(err))
		}
		err = writeExport(f, e, env.Version)
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(f.Name()) // half of it is of no use
			return "", fmt.Errorf("write %s: %w", f.Name(), err)
		}
		return f.Name(), nil
	}
}

// newFile makes a file that nobody else may read. It replaces none: one of the same second
// has a number.
func newFile(name, ending string) (*os.File, error) {
	for n := 1; ; n++ {
		path := name + ending
		if n > 1 {
			path = fmt.Sprintf("%s-%d%s", name, n, ending)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

func writeExport(w io.Writer, e tui.Export, version string) error {
	var sink trace.Sink
	switch e.Format {
	case "pprof":
		return render.Profile("pprof", w, e.Profile.Profile, e.Profile.Summary, render.ProfileOptions{Version: version})
	case "otlp":
		sink = otlp.NewSink(w)
	default:
		var err error
		if sink, err = render.Logs(e.Format, w, render.LogOptions{View: logs.View{Headers: logs.Selection{All: true}}, Version: version}); err != nil {
			return err
		}
	}
	for _, x := range e.Requests {
		if err := sink.Show(x); err != nil {
			return err
		}
	}
	n := uint64(len(e.Requests))
	return errors.Join(sink.Summary(trace.Summary{Seen: n, Shown: n}), sink.Close())
}
