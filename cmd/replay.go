package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// playback is a recording that is shown in the place of a live window.
type playback struct{ file string }

func (p *playback) addFlag(f *pflag.FlagSet) {
	f.StringVarP(&p.file, "read", "r", "", "show the recording in `FILE`, which record made, instead of a live window")
}

// asked reports whether the user wants a recording.
func (p *playback) asked(f *pflag.FlagSet) bool { return f.Changed("read") }

// liveFlags are those of a window that reads requests: of a recording, that is over.
var liveFlags = []string{
	"duration", "pid", "probes", "phases", "hz", "sockets", "off-cpu", "stalls", "admin", "admin-key-file", "admin-ca", "admin-cert",
	"admin-cert-key", "admin-server-name", "admin-timeout",
}

// open reads what the recording is. Flags of a live window are misuse.
func (p *playback) open(env Env, f *pflag.FlagSet) (*replay.Recording, error) {
	for _, name := range liveFlags {
		if f.Changed(name) {
			err := fmt.Errorf("--%s is for a live window, and -r shows one that is over", name)
			return nil, hint.Wrap(hint.Misuse(err), "leave one of the two out")
		}
	}
	if p.file == "" {
		return nil, hint.Wrap(hint.Misuse(errors.New("-r needs the name of a recording")), "such as: -r incident.apisixscope")
	}
	if to := f.Lookup("write").Value.String(); sameFile(to, p.file) {
		return nil, hint.Wrap(hint.Misuse(fmt.Errorf("-w would overwrite the recording %s, which is read", p.file)), "write to another file")
	}
	r, err := openRecording(p.file)
	if err != nil {
		return nil, err
	}
	newTalk(env).say("recording: %s  %s  %s of %s", filepath.Base(p.file), r.Began.Format("2006-01-02 15:04:05"), text.Duration(r.Window), r.Gateway)
	if secrets := f.Lookup("show-secrets"); secrets != nil && secrets.Changed && !r.Secrets {
		fmt.Fprintln(env.Err, "note: credentials were hidden when this was recorded: they are not in it")
	}
	return r, nil
}

// openRecording opens the recording in a file.
func openRecording(file string) (*replay.Recording, error) {
	r, err := replay.Open(file)
	if errors.Is(err, os.ErrPermission) {
		err = hint.Wrap(err, "a recording is readable for its owner alone: use sudo, or give it to yourself with chown")
	}
	return r, err
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}

// ready is Env.Ready for what needs no rights.
func ready() error { return nil }

// replayWindow is a window that is over.
type replayWindow struct {
	*window
	recording *replay.Recording
	cpu       bool                  // the CPU times of requests are wanted
	shape     func(*trace.Exchange) // makes of a request what a live window would have read
}

// unasked says that something is wanted which was not recorded.
func (w *replayWindow) unasked() error {
	if w.cpu && w.recording.CPU.Period == 0 {
		why := "they were not sampled"
		switch {
		case w.recording.Cut != "":
			why = w.recording.Cut
		case w.recording.NoProfile != "":
			why = w.recording.NoProfile
		}
		return hint.Wrap(fmt.Errorf("no CPU times of requests are in the recording: %s", why), "leave --cpu out")
	}
	return nil
}

// run shows all of it.
func (w *replayWindow) run(ctx context.Context) error {
	if err := w.unasked(); err != nil {
		return err
	}
	defer spareCollector(false, 0)()
	src, err := w.recording.Source()
	if err != nil {
		return err
	}
	ctx, cancel := w.bound(ctx)
	defer cancel()
	stop := w.showProgress(ctx)
	to := &recalled{Sink: w.to, w: w}
	sum, err := trace.Pipeline{
		From: &shaped{src, w}, Keep: w.tally, To: to, Count: w.count,
		Talk: func(note string) {
			w.talk.say("note: %s", note)
			w.told = append(w.told, note)
		},
	}.Run(ctx)
	stop()
	if w.out.unread(err) {
		err = nil
	}
	if err = errors.Join(err, src.Close()); err == nil {
		err = w.out.commit()
	}
	to.complete(&sum)
	return errors.Join(err, w.summarize(sum))
}

// shaped is a recording as its reader would have read it.
type shaped struct {
	*replay.Source
	w *replayWindow
}

func (s *shaped) Next(ctx context.Context) (trace.Event, error) {
	e, err := s.Source.Next(ctx)
	if err == nil && e.Kind == trace.KindExchange {
		if !s.w.cpu {
			e.Exchange.CPU = trace.CPU{}
		}
		if s.w.shape != nil {
			s.w.shape(e.Exchange)
		}
	}
	return e, err
}

// recalled adds to the summary what the samples were of.
type recalled struct {
	trace.Sink
	w     *replayWindow
	shown uint64 // samples of what was shown
}

func (r *recalled) Show(x *trace.Exchange) error {
	r.shown += uint64(max(x.CPU.Samples, 0))
	return r.Sink.Show(x)
}

func (r *recalled) Summary(sum trace.Summary) error {
	r.complete(&sum)
	return r.Sink.Summary(sum)
}

// complete is what trace.CPUTimes adds to a live window's summary.
func (r *recalled) complete(sum *trace.Summary) {
	if !r.w.cpu {
		return
	}
	from := r.w.recording
	sum.CPU = from.CPU
	of := from.CPU.Shown + from.CPU.Others // requests
	sum.CPU.Shown = min(r.shown, of)
	sum.CPU.Others = of - sum.CPU.Shown
	lost := map[string]uint64{}
	for _, all := range []map[string]uint64{sum.Lost, from.Samples.Lost} {
		for cause, n := range all {
			lost[cause] += n
		}
	}
	sum.Lost, sum.Notes = lost, append(sum.Notes[:len(sum.Notes):len(sum.Notes)], from.Samples.Notes...)
}
