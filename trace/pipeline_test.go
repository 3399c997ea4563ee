package trace_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// A listSource yields its events, then err.
type listSource struct {
	events []trace.Event
	err    error
	before func(left int) // called by Next
}

func (l *listSource) Next(ctx context.Context) (trace.Event, error) {
	if l.before != nil {
		l.before(len(l.events))
	}
	if len(l.events) == 0 {
		if ctx.Err() != nil {
			return trace.Event{}, ctx.Err()
		}
		return trace.Event{}, l.err
	}
	e := l.events[0]
	l.events = l.events[1:]
	return e, nil
}

func (*listSource) Close() error { return nil }

// A logSink writes down what is asked of it. It fails at the call that fails names.
type logSink struct {
	calls []string
	paths []string
	sum   trace.Summary
	fails string
}

var errSink = errors.New("the pipe is broken")

func (l *logSink) did(call string) error {
	l.calls = append(l.calls, call)
	if call == l.fails {
		return errSink
	}
	return nil
}

func (l *logSink) Show(x *trace.Exchange) error {
	l.paths = append(l.paths, x.Path)
	return l.did("show")
}

func (l *logSink) Summary(s trace.Summary) error { l.sum = s; return l.did("summary") }
func (l *logSink) Close() error                  { return l.did("close") }
func (l *logSink) Flush() error                  { return l.did("flush") }

// requests are the events of requests for these paths, each told at once.
func requests(t testing.TB, paths ...string) (events []trace.Event) {
	s := newStory(t, true)
	for i, path := range paths {
		s.at(i * 1000)
		s.ends(nil, get(path, 200))
		s.sweep()
	}
	return s.events
}

func (l *logSink) has(t *testing.T, err, want error, calls ...string) {
	t.Helper()
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		t.Errorf("the run ends with %v, want %v", err, want)
	}
	if !slices.Equal(l.calls, calls) {
		t.Errorf("the sink is called: %v, want %v", l.calls, calls)
	}
}

func TestPipelineShowsAll(t *testing.T) {
	sink := &logSink{}
	sum, err := trace.Pipeline{From: &listSource{events: requests(t, "/a", "/b"), err: io.EOF}, Heads: netHeads{}, To: sink}.Run(t.Context())
	sink.has(t, err, nil, "show", "flush", "show", "flush", "summary", "close")
	if !slices.Equal(sink.paths, []string{"/a", "/b"}) || sum.Seen != 2 || sum.Shown != 2 || len(sum.Removed)+len(sum.Lost)+len(sum.Notes) != 0 {
		t.Errorf("shown are %v; %+v", sink.paths, sum)
	}
	if sink.sum.Seen != 2 || sum.Window <= 0 {
		t.Errorf("the sink's summary is %+v", sink.sum)
	}
}

func TestPipelineCountsShown(t *testing.T) {
	sink := &logSink{}
	keep := func(x *trace.Exchange) string {
		return map[string]string{"/b": "--path", "/c": "--status", "/d": "--path"}[x.Path]
	}
	src := &listSource{events: requests(t, "/a", "/b", "/c", "/d", "/e", "/f", "/g"), err: io.EOF}
	sum, err := trace.Pipeline{From: src, Heads: netHeads{}, Keep: keep, To: sink, Count: 3}.Run(t.Context())
	if err != nil {
		t.Error(err)
	}
	if !slices.Equal(sink.paths, []string{"/a", "/e", "/f"}) || sum.Seen != 6 || sum.Shown != 3 {
		t.Errorf("shown are %v; %+v", sink.paths, sum)
	}
	if !maps.Equal(sum.Removed, map[string]uint64{"--path": 2, "--status": 1}) {
		t.Errorf("removed are %v", sum.Removed)
	}
	if n := len(sink.calls); sink.calls[n-2] != "summary" || sink.calls[n-1] != "close" {
		t.Errorf("the sink is called: %v", sink.calls)
	}
}

// namer calls each request by its path, and takes those below /own for its own.
type namer struct{}

func (namer) Fill(x *trace.Exchange)     { x.Names.RouteID = x.Path[1:] }
func (namer) Own(x *trace.Exchange) bool { return x.Path == "/own" }
func (namer) Notes() []string            { return []string{"nothing is called /c"} }

func TestPipelineNames(t *testing.T) {
	var f trace.Filter
	if err := f.AddRoute("b"); err != nil {
		t.Fatal(err)
	}
	sink := &logSink{}
	src := &listSource{events: append([]trace.Event{{Kind: trace.KindNote, Note: "first"}}, requests(t, "/a", "/own", "/b")...), err: io.EOF}
	sum, err := trace.Pipeline{From: src, Heads: netHeads{}, Name: namer{}, Keep: f.Keep, To: sink}.Run(t.Context())
	if err != nil || !slices.Equal(sink.paths, []string{"/b"}) || sum.Seen != 2 || !maps.Equal(sum.Removed, map[string]uint64{"--route": 1}) {
		t.Errorf("%v: shown are %v; %+v", err, sink.paths, sum)
	}
	if want := []string{"first", "nothing is called /c"}; !slices.Equal(sink.sum.Notes, want) {
		t.Errorf("notes are %q", sink.sum.Notes)
	}
}

func TestPipelineSumsUpLosses(t *testing.T) {
	events := []trace.Event{
		{Kind: trace.KindLost, Cause: "requests_ring_full", Count: 3},
		{Kind: trace.KindNote, Note: "no probes"},
		{Kind: trace.KindLost, Cause: "messages_ring_full", Count: 1},
		{Kind: trace.KindLost, Cause: "requests_ring_full", Count: 4},
		{Kind: trace.KindNote, Note: "no BTF"},
	}
	var told []string
	sink := &logSink{}
	sum, err := trace.Pipeline{
		From: &listSource{events: events, err: io.EOF}, Heads: netHeads{}, To: sink,
		Talk: func(s string) { told = append(told, s) },
	}.Run(t.Context())
	sink.has(t, err, nil, "summary", "close")
	if !maps.Equal(sum.Lost, map[string]uint64{"requests_ring_full": 7, "messages_ring_full": 1}) {
		t.Errorf("lost are %v", sum.Lost)
	}
	if want := []string{"no probes", "no BTF"}; !slices.Equal(sum.Notes, want) || !slices.Equal(told, want) {
		t.Errorf("notes are %v, told %v", sum.Notes, told)
	}
}

// TestPipelineShowsWhatIsUnderWay: what has ended after the last sweep is shown, too.
func TestPipelineShowsWhatIsUnderWay(t *testing.T) {
	events := requests(t, "/a", "/b")
	sink := &logSink{}
	_, err := trace.Pipeline{From: &listSource{events: events[:len(events)-1], err: io.EOF}, Heads: netHeads{}, To: sink}.Run(t.Context())
	sink.has(t, err, nil, "show", "flush", "show", "summary", "close")
}

func TestPipelineErrors(t *testing.T) {
	errSource := errors.New("the ring is gone")
	for _, tt := range []struct {
		name   string
		source error
		fails  string
		want   error
		calls  []string
	}{
		{"show", io.EOF, "show", errSink, []string{"show", "close"}},
		{"flush", io.EOF, "flush", errSink, []string{"show", "flush", "close"}},
		{"summary", io.EOF, "summary", errSink, []string{"show", "flush", "summary", "close"}},
		{"close", io.EOF, "close", errSink, []string{"show", "flush", "summary", "close"}},
		{"source", errSource, "", errSource, []string{"show", "flush", "close"}},
	} {
		sink := &logSink{fails: tt.fails}
		_, err := trace.Pipeline{From: &listSource{events: requests(t, "/a"), err: tt.source}, Heads: netHeads{}, To: sink}.Run(t.Context())
		t.Run(tt.name, func(t *testing.T) { sink.has(t, err, tt.want, tt.calls...) })
	}
}

// TestPipelineFailsAtTheEnd: the end of the window excuses no other error.
func TestPipelineFailsAtTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	errSource := errors.New("the maps are gone")
	sink := &logSink{}
	_, err := trace.Pipeline{From: failingSource{errSource}, Heads: netHeads{}, To: sink}.Run(ctx)
	sink.has(t, err, errSource, "close")
}

// A failingSource has nothing but an error, whatever ctx says.
type failingSource struct{ err error }

func (f failingSource) Next(context.Context) (trace.Event, error) { return trace.Event{}, f.err }
func (failingSource) Close() error                                { return nil }

// TestPipelineIsCancelled: that is a good end, with a summary of what was seen.
func TestPipelineIsCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	events := requests(t, "/a", "/b")
	src := &listSource{events: events, err: errors.New("closed"), before: func(left int) {
		if left == len(events)-1 {
			cancel()
		}
	}}
	sink := &logSink{}
	sum, err := trace.Pipeline{From: src, Heads: netHeads{}, To: sink}.Run(ctx)
	sink.has(t, err, nil, "show", "flush", "show", "flush", "summary", "close") // the source tells what it has
	if sum.Seen != 2 {
		t.Errorf("%+v", sum)
	}
}

func TestPipelineTakesFinishedExchanges(t *testing.T) {
	given := []*trace.Exchange{{Path: "/a", Status: 200}, {Path: "/b", Status: 500}, {Path: "/c", Status: 200}}
	src := &listSource{err: io.EOF}
	for _, x := range given {
		src.events = append(src.events, trace.Event{Kind: trace.KindExchange, Exchange: x})
	}
	to := &logSink{}
	sum, err := trace.Pipeline{
		From: src, To: to, Count: 1,
		Keep: func(x *trace.Exchange) string {
			if x.Status == 200 {
				return "--status"
			}
			return ""
		},
	}.Run(context.Background())
	if err != nil || !slices.Equal(to.paths, []string{"/b"}) || sum.Seen != 2 || sum.Removed["--status"] != 1 {
		t.Errorf("shown %v, %+v, %v", to.paths, sum, err)
	}
}
