package render_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// profiled is the profile of samples that are known; some of their texts are hostile.
func profiled(o profile.Options, samples []profile.Sample) (*pprof.Profile, profile.Summary) {
	b := profile.NewBuilder(o)
	for _, s := range samples {
		s.Label()
		b.Add(&s)
	}
	return b.Finish(testrig.SamplesBegan, 4*time.Second)
}

func cpuProfile() (*pprof.Profile, profile.Summary) {
	return profiled(profile.Options{Kind: profile.CPU, Period: testrig.SamplePeriod}, append(testrig.Samples(),
		profile.Sample{Kind: profile.Lost, Cause: "ring buffer full", Count: 3}, profile.Sample{Kind: profile.Note, Cause: "libfoo.so has no \x1b[31mnames"}))
}

// blockedProfile is of waits of threads.
func blockedProfile() (*pprof.Profile, profile.Summary) {
	var all []profile.Sample
	for i, s := range testrig.Samples()[:40] {
		s.Kind, s.Weight = profile.OffCPU, time.Duration(i+1)*time.Millisecond
		all = append(all, s)
	}
	return profiled(profile.Options{Kind: profile.OffCPU}, all)
}

// stalledProfile is of two long ticks.
func stalledProfile() (*pprof.Profile, profile.Summary) {
	var all []profile.Sample
	for i, s := range testrig.Samples()[:12] {
		s.Kind, s.PID, s.Stack = profile.Stall, 4132, testrig.Samples()[4*(i/8)].Stack
		s.Tick = profile.Tick{Start: testrig.SamplesBegan.Add(time.Duration(i/8) * time.Second), Length: time.Duration(34+i/8) * time.Millisecond}
		all = append(all, s)
	}
	return profiled(profile.Options{Kind: profile.Stall, Period: testrig.SamplePeriod}, all)
}

func drawn(t *testing.T, format string, o render.ProfileOptions, of func() (*pprof.Profile, profile.Summary)) string {
	t.Helper()
	p, sum := of()
	var b bytes.Buffer
	o.Version = "v0.0.0-test"
	if err := render.Profile(format, &b, p, sum, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func options(width int, by string) render.ProfileOptions {
	return render.ProfileOptions{Options: render.Options{Width: width}, By: by, Title: "openresty 1.27.1.2  master 4131"}
}

func TestProfileGolden(t *testing.T) {
	for _, width := range []int{80, 120} {
		testrig.Golden(t, fmt.Sprintf("profile-top-%d.txt", width), drawn(t, "top", options(width, ""), cpuProfile))
		testrig.Golden(t, fmt.Sprintf("profile-top-route-%d.txt", width), drawn(t, "top", options(width, "route"), cpuProfile))
	}
	for name, of := range map[string]func() (*pprof.Profile, profile.Summary){"blocked": blockedProfile, "stalled": stalledProfile} {
		testrig.Golden(t, "profile-top-"+name+".txt", drawn(t, "top", options(100, ""), of))
		testrig.Golden(t, "profile-"+name+".json", drawn(t, "json", options(0, ""), of))
	}
	colored := options(100, "")
	colored.Color = true
	testrig.Golden(t, "profile-top-color.txt", drawn(t, "top", colored, cpuProfile))
	for name, format := range map[string]string{"profile.folded": "folded", "profile.svg": "flame", "profile.html": "flame.html", "profile.speedscope.json": "speedscope", "profile.json": "json"} {
		testrig.Golden(t, name, drawn(t, format, options(0, "function"), cpuProfile))
	}
	testrig.Golden(t, "profile-plugin.folded", drawn(t, "folded", options(0, "plugin"), cpuProfile))
	testrig.Golden(t, "profile-worker.speedscope.json", drawn(t, "speedscope", options(0, "worker"), cpuProfile))
	z, err := gzip.NewReader(bytes.NewReader([]byte(drawn(t, "pprof", options(0, ""), cpuProfile))))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pprof.ParseData(raw)
	if err != nil {
		t.Fatal(err)
	}
	testrig.Golden(t, "profile.pprof.txt", p.String())
}
