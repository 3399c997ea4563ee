package profile_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

// built adds samples to a new Builder.
func built(o profile.Options, samples []profile.Sample) (*pprof.Profile, profile.Summary) {
	b := profile.NewBuilder(o)
	for _, s := range samples {
		s.Label()
		b.Add(&s)
	}
	return b.Finish(testrig.SamplesBegan, 4*time.Second)
}

func cpu() profile.Options {
	return profile.Options{Kind: profile.CPU, Period: testrig.SamplePeriod}
}

func TestProfileIsValidAndWhole(t *testing.T) {
	samples := testrig.Samples()
	p, sum := built(cpu(), samples)
	if err := p.CheckValid(); err != nil {
		t.Fatal(err)
	}
	var count int64
	for _, s := range p.Sample {
		count += s.Value[0]
	}
	if count != int64(len(samples)) || sum.Samples != uint64(len(samples)) || profile.Total(p) != count*int64(testrig.SamplePeriod) {
		t.Errorf("%d samples, %d in the summary, %v: want %d of %v", count, sum.Samples, time.Duration(profile.Total(p)), len(samples), testrig.SamplePeriod)
	}
	if sum.Truncated["no unwind row: libfoo.so"] != 8 || sum.Missing["trace unknown"] != 4 {
		t.Errorf("truncated %v, missing %v", sum.Truncated, sum.Missing)
	}
	if p.SampleType[0].Type != "samples" || p.SampleType[1].Type != "cpu" || p.DefaultSampleType != "cpu" || p.PeriodType.Unit != "nanoseconds" || p.Period != 1e7 {
		t.Errorf("types %v, default %s, period %d %v", p.SampleType, p.DefaultSampleType, p.Period, p.PeriodType)
	}
}

func TestSameSamplesMakeTheSameProfile(t *testing.T) {
	samples := testrig.Samples()
	write := func() []byte {
		p, _ := built(cpu(), samples)
		var b bytes.Buffer
		if err := p.WriteUncompressed(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	want := write()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
		if !bytes.Equal(write(), want) {
			t.Fatal("the order of samples shows")
		}
	}
}

func TestNoTextOfAProfileIsObeyed(t *testing.T) {
	p, _ := built(cpu(), testrig.Samples())
	var b bytes.Buffer
	if err := p.WriteUncompressed(&b); err != nil {
		t.Fatal(err)
	}
	again, err := pprof.ParseData(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	check := func(s string) {
		if len(s) > 1024 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Errorf("%.80q is %d bytes", s, len(s))
		}
	}
	for _, f := range again.Function {
		check(f.Name)
		check(f.Filename)
	}
	for _, s := range again.Sample {
		for _, values := range s.Label {
			check(values[0])
		}
	}
}

func TestStacksAreNeverShorter(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   profile.Sample
		want []string
	}{
		{"whole", profile.Sample{Stack: []profile.Frame{native("a"), native("_start")}}, []string{"a", "_start"}},
		{"truncated", profile.Sample{Stack: []profile.Frame{native("a")}, Truncated: "no unwind row: libfoo.so"}, []string{"a", "[no unwind row: libfoo.so]"}},
		{"none at all", profile.Sample{}, []string{"[no stack]"}},
		{"none, with the reason", profile.Sample{Truncated: "user stack unreadable"}, []string{"[user stack unreadable]"}},
		{"gap", profile.Sample{Stack: []profile.Frame{{Kind: profile.FrameMissing, Name: "trace unknown"}, native("a")}}, []string{"[trace unknown]", "a"}},
		{"unnamed", profile.Sample{Stack: []profile.Frame{
			{Kind: profile.FrameNative, Mapping: &profile.Mapping{Path: "/x/libfoo.so"}}, {Kind: profile.FrameLua, StartLine: 12, File: "x.lua"}, {Kind: profile.FrameKernel}, {Kind: profile.FrameNative},
		}}, []string{"[no name: libfoo.so]", "anonymous:12", "[no name: kernel]", "[no name: native]"}},
	} {
		tt.in.Kind = profile.CPU
		p, _ := built(cpu(), []profile.Sample{tt.in})
		var got []string
		for _, l := range p.Sample[0].Location {
			got = append(got, l.Line[0].Function.Name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDeepStackSaysThatItIsCut(t *testing.T) {
	deep := make([]profile.Frame, 5000)
	for i := range deep {
		deep[i] = native("f")
	}
	p, _ := built(cpu(), []profile.Sample{{Kind: profile.CPU, Stack: deep}})
	l := p.Sample[0].Location
	if name := l[len(l)-1].Line[0].Function.Name; len(l) != 1025 || name != "[stack deeper than 1,024 frames]" {
		t.Errorf("%d frames, the last is %s", len(l), name)
	}
}

func TestLossAndNotesAreKept(t *testing.T) {
	_, sum := built(cpu(), []profile.Sample{
		{Kind: profile.Lost, Cause: "ring buffer full", Count: 3}, {Kind: profile.Lost, Cause: "ring buffer full", Count: 4},
		{Kind: profile.Note, Cause: "no symbols"}, {Kind: profile.Note, Cause: "no symbols"},
		{Kind: profile.OffCPU, Stack: []profile.Frame{native("a")}},
	})
	if sum.Lost["ring buffer full"] != 7 || sum.Lost["samples of another kind"] != 1 || len(sum.Notes) != 1 || sum.Samples != 0 {
		t.Errorf("%+v", sum)
	}
}

func TestOffCPUHasDelays(t *testing.T) {
	p, sum := built(profile.Options{Kind: profile.OffCPU}, []profile.Sample{
		{Kind: profile.OffCPU, Weight: 3 * time.Millisecond, Stack: []profile.Frame{native("usleep")}},
		{Kind: profile.OffCPU, Weight: 5 * time.Millisecond, Stack: []profile.Frame{native("usleep")}},
	})
	if len(p.Sample) != 1 || p.Sample[0].Value[0] != 2 || p.Sample[0].Value[1] != 8e6 || p.SampleType[0].Type != "contentions" || p.DefaultSampleType != "delay" || p.Period != 1 {
		t.Errorf("%v", p)
	}
	if sum.Weight != 8*time.Millisecond {
		t.Errorf("weight %v", sum.Weight)
	}
}

// TestMemoryIsBounded adds ever new stacks, labels and texts: nothing of them is lost from the
// sums, and the profile stays small.
func TestMemoryIsBounded(t *testing.T) {
	const most, n = 100, 20000
	b := profile.NewBuilder(profile.Options{Kind: profile.CPU, MaxStacks: most})
	for i := range n {
		b.Add(&profile.Sample{
			Kind: profile.CPU, PID: i % 7, Weight: 1, Truncated: fmt.Sprintf("reason %d", i),
			Stack:  []profile.Frame{{Kind: profile.FrameNative, Name: fmt.Sprintf("f%d", i), Address: uint64(i), Mapping: &profile.Mapping{Path: fmt.Sprintf("/lib%d.so", i)}}},
			Labels: profile.Labels{TraceID: fmt.Sprint(i), Plugin: fmt.Sprint("p", i), Host: strings.Repeat("h", i)},
		})
		b.Add(&profile.Sample{Kind: profile.Note, Cause: fmt.Sprint("note ", i)})
		b.Add(&profile.Sample{Kind: profile.Lost, Cause: fmt.Sprint("cause ", i)})
	}
	p, sum := b.Finish(testrig.SamplesBegan, time.Second)
	if profile.Total(p) != n || sum.Samples != n {
		t.Errorf("%d of %d samples are in the profile", profile.Total(p), n)
	}
	if len(p.Sample) > 2*most || len(p.Location) > 5*most || len(p.Mapping) > 5*most {
		t.Errorf("%d samples, %d locations, %d mappings", len(p.Sample), len(p.Location), len(p.Mapping))
	}
	if len(sum.Notes) > 64 || len(sum.Lost) > 65 || len(sum.Truncated) > 65 {
		t.Errorf("%d notes, %d causes, %d reasons", len(sum.Notes), len(sum.Lost), len(sum.Truncated))
	}
	if sum.Coarse != n-most {
		t.Errorf("%d samples have less detail, want %d", sum.Coarse, n-most)
	}
	if err := p.CheckValid(); err != nil {
		t.Error(err)
	}
}

func TestDetailIsLeftOutInSteps(t *testing.T) {
	b := profile.NewBuilder(profile.Options{Kind: profile.CPU, MaxStacks: 4})
	for i := range 40 {
		b.Add(&profile.Sample{Kind: profile.CPU, PID: 1, Weight: 1, Stack: []profile.Frame{{Kind: profile.FrameLua, Name: "f", File: "x.lua", Line: i, StartLine: 1}},
			Labels: profile.Labels{Plugin: "cors", TraceID: fmt.Sprint(i)}})
	}
	p, sum := b.Finish(testrig.SamplesBegan, time.Second)
	if len(p.Sample) != 5 || sum.Coarse != 36 {
		t.Fatalf("%d samples, %d coarse", len(p.Sample), sum.Coarse)
	}
	for _, s := range p.Sample { // each has the function and the plugin yet
		if s.Location[0].Line[0].Function.Name != "f" || profile.LabelOf(s, "plugin") != "cors" {
			t.Errorf("%v", s)
		}
	}
}

// BenchmarkAdd is what a sample of some 20 frames costs that is like one before.
func BenchmarkAdd(b *testing.B) {
	samples := testrig.Samples()
	frames := 0
	for i := range samples {
		frames += len(samples[i].Stack)
	}
	builder := profile.NewBuilder(cpu())
	for i := range samples {
		builder.Add(&samples[i])
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		builder.Add(&samples[i%len(samples)])
		i++
	}
	b.ReportMetric(float64(frames)/float64(len(samples)), "frames/op")
}
