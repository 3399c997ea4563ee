package profile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

func TestStallsTellWhatBlockedTheLoop(t *testing.T) {
	began := testrig.SamplesBegan
	collect, each := lua("collect", "/a/apisix/plugins/prometheus/exporter.lua"), lua("each", "/a/prometheus.lua")
	tick := func(pid int, at, length time.Duration, stacks ...[]profile.Frame) (out []profile.Sample) {
		for _, s := range stacks {
			out = append(out, profile.Sample{Kind: profile.Stall, PID: pid, Weight: time.Millisecond, Stack: s, Tick: profile.Tick{Start: began.Add(at), Length: length}})
		}
		return out
	}
	a := []profile.Frame{native("lj_str_new"), each, each, collect, native("ngx_process_events_and_timers"), native("main")}
	b := []profile.Frame{native("memcpy"), collect, native("ngx_process_events_and_timers"), native("main")}
	c := []profile.Frame{native("read"), native("ngx_reload"), native("main")}
	first, second := tick(1, 0, 34*time.Millisecond, a, a, b, b), tick(2, time.Millisecond, 12*time.Millisecond, c)
	samples := []profile.Sample{first[0], second[0], first[1], first[2], first[3]} // of two workers, mixed
	samples = append(samples, tick(1, time.Second, 50*time.Millisecond, a, c)...)
	samples = append(samples, tick(1, 2*time.Second, 11*time.Millisecond, []profile.Frame{native("x")}, []profile.Frame{native("y")})...)
	p, sum := built(profile.Options{Kind: profile.Stall, Period: time.Millisecond}, samples)
	var got []string
	for i := range sum.Stalls {
		got = append(got, sum.Stalls[i].String())
	}
	want := []string{
		"the loop of worker 1 was blocked for 50ms at 12:14:46.000 by main",
		"the loop of worker 1 was blocked for 34ms at 12:14:45.000 by prometheus's collect (/a/apisix/plugins/prometheus/exporter.lua)",
		"the loop of worker 2 was blocked for 12ms at 12:14:45.001 by read",
		"the loop of worker 1 was blocked for 11ms at 12:14:47.000 (2 samples)",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || sum.Ticks != 4 {
		t.Errorf("%d ticks:\n%s\nwant\n%s", sum.Ticks, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if p.SampleType[1].Type != "stall" || p.Sample[0].NumLabel["tick"][0] == 0 {
		t.Errorf("types %v, first sample %v", p.SampleType, p.Sample[0])
	}
	if !strings.Contains(strings.Join(p.Comments, "\n"), want[1]) {
		t.Errorf("comments are %q", p.Comments)
	}
}

func TestStallsKeepsTheLongest(t *testing.T) {
	var samples []profile.Sample
	for i := range 500 {
		samples = append(samples, profile.Sample{Kind: profile.Stall, PID: i % 3, Stack: []profile.Frame{native("f")},
			Tick: profile.Tick{Start: testrig.SamplesBegan.Add(time.Duration(i) * time.Second), Length: time.Duration(i*7919%500+1) * time.Millisecond}})
	}
	_, sum := built(profile.Options{Kind: profile.Stall}, samples)
	if sum.Ticks != 500 || len(sum.Stalls) != 20 || sum.Stalls[0].Tick.Length != 500*time.Millisecond || sum.Stalls[19].Tick.Length != 481*time.Millisecond {
		t.Errorf("%d ticks, %d told, from %v", sum.Ticks, len(sum.Stalls), sum.Stalls[0].Tick.Length)
	}
}
