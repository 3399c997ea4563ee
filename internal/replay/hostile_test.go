package replay_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/apisixscope/apisixscope/internal/otlp"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

// member is a part of a file that no Writer made.
type member struct{ name, data string }

// forged is a file with a good manifest, and these members.
func forged(t testing.TB, all ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	zip, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(zip)
	for _, m := range append([]member{{"manifest.json", `{"format":1,"version":"v1","began":"2026-11-25T07:00:00Z"}`}}, all...) {
		if err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.data)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(data []byte) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data) // a buffer takes all
	_ = z.Close()
	return b.String()
}

// TestForgedFilesAreBounded opens what would take all memory, or forever.
func TestForgedFilesAreBounded(t *testing.T) {
	const line = `{"exchange":{"path":"/good"}}` + "\n"
	good := member{"events/000001.jsonl", line}
	deep := `{"exchange":{"later":` + strings.Repeat("[", 1<<20)
	for name, all := range map[string][]member{
		"a long line":             {{"events/000000.jsonl", `{"exchange":{"path":"` + strings.Repeat("a", 8<<20) + `"}}` + "\n"}},
		"deep values":             {{"events/000000.jsonl", deep + "\n"}},
		"a long list":             {{"events/000000.jsonl", `{"exchange":{"spans":[` + strings.Repeat("{},", 9000) + `{}]}}` + "\n"}},
		"a zipped bomb":           {{"profile/000001.pb.gz", zipped(make([]byte, 1<<28))}, {"profile/000001.json", `{}`}},
		"samples without end":     {{"profile/000001.pb.gz", strings.Repeat("\x12\x00", 4<<20)}, {"profile/000001.json", `{}`}},
		"an empty profile":        {{"profile/000001.pb.gz", ""}, {"profile/000001.json", `{"kind":"cpu"}`}},
		"a summary alone":         {{"profile/000001.json", `{"kind":"cpu"}`}},
		"members with no meaning": {{"../../etc/passwd", "root"}, {"", "x"}},
	} {
		r, err := replay.Open(save(t, forged(t, append(all, good)...)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if paths, _, _ := read(t, r); r.Profile != nil || len(paths) > 1 || r.Cut == "" {
			t.Errorf("%s: profile %v, %d requests, %q", name, r.Profile != nil, len(paths), r.Cut)
		}
	}
	many := make([]member, 500)
	for i := range many {
		many[i] = member{fmt.Sprintf("facts/%d.json", i), "1"}
	}
	if r, err := replay.Open(save(t, forged(t, many...))); err != nil || len(r.Facts) > 64 {
		t.Errorf("%d facts, %v", len(r.Facts), err)
	}
}

func TestABombOfZerosEnds(t *testing.T) {
	var b bytes.Buffer
	zip, err := zstd.NewWriter(&b, zstd.WithWindowSize(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(zip)
	manifest := `{"format":1}`
	zeros := make([]byte, 16<<20)
	for _, step := range []func() error{
		func() error { return w.WriteHeader(&tar.Header{Name: "manifest.json", Size: int64(len(manifest))}) },
		func() error { _, err := io.WriteString(w, manifest); return err },
		func() error { return w.WriteHeader(&tar.Header{Name: "later", Size: 1 << 40}) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	for range 160 { // 2.5 GiB of the TiB
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := replay.Open(save(t, b.Bytes()))
	if err != nil || r.Cut == "" {
		t.Errorf("%d bytes in the file: %+v, %v", b.Len(), r, err)
	}
}

func TestANewerFormatIsRefused(t *testing.T) {
	data := forged(t)
	var b bytes.Buffer
	zip, _ := zstd.NewReader(bytes.NewReader(data))
	defer zip.Close()
	plain, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := zstd.NewWriter(&b)
	_, err = out.Write(bytes.Replace(plain, []byte(`"format":1`), []byte(`"format":2`), 1))
	if err = errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := replay.Open(save(t, b.Bytes())); err == nil || !strings.Contains(err.Error(), "it is of format 2, and this program knows 1") {
		t.Errorf("%v", err)
	}
}

// FuzzShow shows whatever a line can be in all formats: none may panic.
func FuzzShow(f *testing.F) {
	f.Add(replay.AppendEvent(nil, &trace.Event{Kind: trace.KindExchange, Exchange: aRequest()}))
	f.Add([]byte(`{"exchange":{"spans":[{"id":"0100000000000000"},{"id":"0200000000000000","parent":"0100000000000000","role":3,"attempt":0}],"attempts":[{"wait":7}]}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := replay.ParseEvent(line)
		if err == nil && e.Kind == trace.KindExchange && replay.CheckExchange(e.Exchange) == nil {
			show(t, e.Exchange)
		}
	})
}

func show(t *testing.T, x *trace.Exchange) {
	sinks := []trace.Sink{otlp.NewSink(io.Discard)}
	for _, format := range render.TraceFormats() {
		s, err := render.Trace(format, io.Discard, render.Options{Width: 100, Evidence: true, CPU: true})
		if err != nil {
			t.Fatal(err)
		}
		sinks = append(sinks, s)
	}
	host := "h"
	for _, format := range render.LogFormats() {
		s, err := render.Logs(format, io.Discard, render.LogOptions{Options: render.Options{Width: 100}, View: logs.View{Headers: logs.Selection{All: true}, Body: 100}, Hostname: &host})
		if err != nil {
			t.Fatal(err)
		}
		sinks = append(sinks, s)
	}
	s, err := render.Groups("table", io.Discard, render.Options{Width: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(sinks, s) {
		if err := errors.Join(s.Show(x.Clone()), s.Summary(trace.Summary{Seen: 1, Shown: 1, Window: time.Second}), s.Close()); err != nil {
			t.Error(err)
		}
	}
}

// FuzzShowProfile does the same for what a profile can be.
func FuzzShowProfile(f *testing.F) {
	b := profile.NewBuilder(profile.Options{Kind: profile.CPU, Period: time.Millisecond})
	b.Add(&profile.Sample{Kind: profile.CPU, PID: 7, Weight: time.Millisecond, Stack: []profile.Frame{{Kind: profile.FrameLua, Name: "f", File: "a.lua", Line: 3}}})
	p, _ := b.Finish(began, time.Second)
	var seed bytes.Buffer
	if err := p.WriteUncompressed(&seed); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := replay.ParseProfile(data)
		if err != nil {
			return
		}
		for _, format := range render.ProfileFormats() {
			for _, by := range []string{profile.ByFunction, profile.LabelWorker} {
				if err := render.Profile(format, io.Discard, p.Copy(), profile.Summary{Kind: profile.CPU}, render.ProfileOptions{Options: render.Options{Width: 100}, By: by}); err != nil && !strings.Contains(err.Error(), "malformed") {
					t.Errorf("%s by %s: %v", format, by, err)
				}
			}
		}
	})
}
