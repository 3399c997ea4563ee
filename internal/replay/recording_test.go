package replay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

var began = time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC)

// written is a recording of n requests, and where in it each chunk of them ends: after the
// write of that many bytes, so many requests are in it.
type written struct {
	data  []byte
	marks []mark
}

type mark struct{ bytes, requests int }

func write(t testing.TB, n int) written {
	t.Helper()
	var w written
	var out bytes.Buffer
	r, err := replay.NewWriter(&out, replay.Manifest{Version: "v1", Began: began, Gateway: "nginx/1.22.1"})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		x := &trace.Exchange{Start: began.Add(time.Duration(i) * time.Millisecond), Duration: time.Millisecond, Path: fmt.Sprintf("/%d", i), Status: 200}
		for range 40 { // so that chunks are full now and then, and blocks of zstd, too
			x.HeaderValues = append(x.HeaderValues, fmt.Sprint(rnd.Uint64()))
		}
		before := out.Len()
		if err := r.Add(&trace.Event{Kind: trace.KindExchange, Exchange: x}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(r.OTLP(), `{"resourceSpans":[%d]}`+"\n", i)
		if out.Len() > before {
			w.marks = append(w.marks, mark{out.Len(), i + 1})
		}
		if i == n/2 {
			if err := r.Profile(aProfile(7), &profile.Summary{Kind: profile.CPU, Samples: 7}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, step := range []func() error{
		func() error { return r.Add(&trace.Event{Kind: trace.KindLost, Cause: "ring_full", Count: 3}) },
		func() error { return r.Profile(aProfile(9), &profile.Summary{Kind: profile.CPU, Samples: 9}) },
		func() error { return r.Fact("doctor", []byte(`{"ready":true}`)) },
		func() error { return r.Close(replay.End{Window: time.Minute}) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	w.data = out.Bytes()
	return w
}

func aProfile(samples int64) *pprof.Profile {
	return &pprof.Profile{
		SampleType: []*pprof.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &pprof.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: samples,
	}
}

// read returns the paths of a recording's requests, what was lost, and what was noted.
func read(t testing.TB, r *replay.Recording) (paths []string, lost uint64, notes []string) {
	t.Helper()
	src, err := r.Source()
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for {
		e, err := src.Next(context.Background())
		switch {
		case errors.Is(err, io.EOF):
			return paths, lost, notes
		case err != nil:
			t.Fatal(err)
		case e.Kind == trace.KindExchange:
			paths = append(paths, e.Exchange.Path)
		case e.Kind == trace.KindLost:
			lost += e.Count
		case e.Kind == trace.KindNote:
			notes = append(notes, e.Note)
		}
	}
}

func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "incident.apisixscope")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRecordingComesBack(t *testing.T) {
	w := write(t, 2000)
	r, err := replay.Open(save(t, w.data))
	if err != nil {
		t.Fatal(err)
	}
	if r.Cut != "" || r.Window != time.Minute || r.Gateway != "nginx/1.22.1" || !r.Began.Equal(began) || string(r.Facts["doctor"]) != `{"ready":true}` {
		t.Errorf("%+v", r)
	}
	if r.Profile == nil || r.Profile.Period != 9 || r.Samples.Samples != 9 {
		t.Errorf("profile %v, %+v", r.Profile, r.Samples)
	}
	for range 2 { // as often as one likes
		paths, lost, notes := read(t, r)
		if len(paths) != 2000 || paths[0] != "/0" || paths[1999] != "/1999" || lost != 3 || notes != nil {
			t.Errorf("%d requests, %d lost, %v", len(paths), lost, notes)
		}
	}
	if len(w.marks) < 3 {
		t.Errorf("it has %d chunks only: the test shows little", len(w.marks))
	}
}

// TestRecordingIsATarFile has the system's tar take it apart.
func TestRecordingIsATarFile(t *testing.T) {
	out, err := exec.Command("tar", "--zstd", "-tf", save(t, write(t, 500).data)).CombinedOutput()
	if err != nil && strings.Contains(string(out), "zstd: Cannot exec") {
		t.Skip("no zstd here")
	}
	names := strings.Fields(string(out))
	for _, want := range []string{"manifest.json", "events/000001.jsonl", "otlp/000001.jsonl", "profile/000001.pb.gz", "profile/000001.json", "facts/doctor.json", "end.json"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s: %s %v", want, out, err)
		}
	}
}

// TestRecordingIsReadUpToItsCut cuts it anywhere: what was written before is all there.
func TestRecordingIsReadUpToItsCut(t *testing.T) {
	w := write(t, 1200)
	rnd := rand.New(rand.NewPCG(9, 9))
	cuts := []int{len(w.data) - 1, w.marks[0].bytes, w.marks[0].bytes - 1, w.marks[0].bytes + 1}
	for len(cuts) < 200 {
		cuts = append(cuts, rnd.IntN(len(w.data)))
	}
	torn := 0
	for _, cut := range cuts {
		r, err := replay.Open(save(t, w.data[:cut]))
		if err != nil {
			if whole := w.marks[0].bytes / 4; cut > whole {
				t.Errorf("cut at %d: %v", cut, err)
			}
			continue
		}
		paths, _, notes := read(t, r)
		sure := 0
		for _, m := range w.marks {
			if m.bytes <= cut {
				sure = m.requests
			}
		}
		if len(paths) < sure {
			t.Errorf("cut at %d: %d requests, %d were written before", cut, len(paths), sure)
		}
		if len(paths) > sure {
			torn++
		}
		for i, p := range paths {
			if p != fmt.Sprintf("/%d", i) {
				t.Fatalf("cut at %d: request %d is %s", cut, i, p)
			}
		}
		if r.Cut == "" || !slices.Equal(notes, []string{r.Cut}) {
			t.Errorf("cut at %d of %d: %q, %v", cut, len(w.data), r.Cut, notes)
		}
	}
	if torn == 0 {
		t.Error("nothing of a torn chunk was ever read")
	}
}

func TestOpenOfSomethingElse(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty": {nil, "it is no recording"},
		"text":  {[]byte("hello\n"), "it is no recording"},
		"zeros": {make([]byte, 4096), "it is no recording"},
	} {
		if _, err := replay.Open(save(t, c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := replay.Open(filepath.Join(t.TempDir(), "none")); err == nil || !strings.HasSuffix(err.Error(), "none: no such file or directory") {
		t.Errorf("no file: %v", err)
	}
}

// TestWriterTellsOfAFullDisk again and again.
func TestWriterTellsOfAFullDisk(t *testing.T) {
	full := &fullDisk{room: 300 << 10}
	r, err := replay.NewWriter(full, replay.Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := 0; err == nil && i < 1e5; i++ {
		err = r.Add(&trace.Event{Kind: trace.KindNote, Note: fmt.Sprint(rnd.Uint64(), rnd.Uint64(), rnd.Uint64())})
	}
	if !errors.Is(err, errFull) || !errors.Is(r.Flush(), errFull) || !errors.Is(r.Close(replay.End{}), errFull) {
		t.Errorf("%v", err)
	}
	if _, err := replay.Open(save(t, full.Bytes())); err != nil {
		t.Errorf("what was written cannot be read: %v", err)
	}
}

var errFull = errors.New("no space left on device")

type fullDisk struct {
	bytes.Buffer
	room int
}

func (f *fullDisk) Write(b []byte) (int, error) {
	if n := f.room - f.Len(); n < len(b) {
		f.Buffer.Write(b[:n])
		return n, errFull
	}
	return f.Buffer.Write(b)
}

func FuzzOpen(f *testing.F) {
	f.Add(write(f, 20).data)
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := replay.Open(save(t, data))
		if err == nil {
			read(t, r)
		}
	})
}
