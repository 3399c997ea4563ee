package cmd_test

import (
	"context"
	"math"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestGatewayTraceCPU asks for paths that say for how many milliseconds their Lua runs, in the
// access phase or after it, several at a time and with pauses in which others run. Each
// request must have its own samples, and those without Lua none.
func TestGatewayTraceCPU(t *testing.T) {
	testrig.NeedBPF(t)
	tool := buildTool(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	if err := rig.ResetTruth(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := start(t, tool, "trace", "--pid", strconv.Itoa(rig.MasterPID()), "-d", "0", "-o", "json", "--cpu", "--hz", "999", "-v")
	r.says(t, "tracing until Ctrl-C")
	const rounds, conns = 200, 4
	load := make(chan error, conns)
	for c := range conns {
		go func() {
			load <- burn(t.Context(), rig, rounds/conns, c)
		}()
	}
	for range conns {
		if err := <-load; err != nil {
			t.Fatal(err)
		}
	}
	truth, err := rig.Truth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	r.Process.Signal(syscall.SIGINT)
	lines := r.ends(t, 0).traces(t)

	got := map[string]*burned{}
	for _, x := range lines["trace"] {
		path, _ := x["url.path"].(string)
		if got[path] == nil {
			got[path] = &burned{}
		}
		got[path].add(t, x)
	}
	for path, name := range map[string]string{"/burn/20": "burn", "/burn-in-log/10": "burn in log"} {
		got[path].check(t, path, rounds, truth[name])
	}
	if light := got["/light"]; light == nil || light.requests != rounds || light.samples != 0 {
		t.Errorf("/light: %+v, want %d requests without Lua, and without a sample", light, rounds)
	}
	// Their Lua does next to nothing: a sample may meet it, and there is an end.
	if idle := got["/burn/0"]; idle == nil || idle.requests != rounds || idle.samples > rounds/5 {
		t.Errorf("/burn/0: %+v, want %d requests with next to no sample", idle, rounds)
	}
	t.Logf("%s", r.errs.String())
	checkCPUSummary(t, lines["summary"][0], got)
}

// burn asks for each path in turn, so many times.
func burn(ctx context.Context, rig *testrig.ProfileRig, rounds, first int) error {
	paths := []string{"/burn/20", "/light", "/burn-in-log/10", "/burn/0"}
	for i := range rounds * len(paths) {
		if _, err := rig.Get(ctx, paths[(first+i)%len(paths)]); err != nil {
			return err
		}
	}
	return nil
}

// burned is what requests for one path have used.
type burned struct {
	requests, samples, none int
	time                    time.Duration
}

func (b *burned) add(t *testing.T, x map[string]any) {
	cpu, ok := x["cpu"].(map[string]any)
	if !ok {
		t.Errorf("a request without CPU time: %v", x)
		return
	}
	samples, _ := cpu["samples"].(float64)
	spent, _ := cpu["time_ns"].(float64)
	period, _ := cpu["period_ns"].(float64)
	if period != 1_001_001 || spent != samples*period {
		t.Errorf("%v is not what so many samples at 999 Hz stand for", cpu)
	}
	b.requests++
	b.samples += int(samples)
	b.time += time.Duration(spent)
	if samples == 0 {
		b.none++
	}
}

// check compares with what the requests themselves have measured.
func (b *burned) check(t *testing.T, path string, requests int, truth time.Duration) {
	t.Helper()
	if b == nil || b.requests != requests || truth == 0 {
		t.Fatalf("%s: %+v, want %d requests; by their own clock they used %v", path, b, requests, truth)
	}
	const period = time.Second / 999
	mean, want := b.time/time.Duration(requests), truth/time.Duration(requests)
	sigma := time.Duration(math.Sqrt(float64(b.samples)) * float64(period) / float64(requests))
	t.Logf("%s: %v a request by %d samples, %v by their own clock; %d without a sample; sigma %v", path, mean, b.samples, want, b.none, sigma)
	// A sample's own cost is in it too: a thirtieth of the time, at 999 Hz on a busy machine.
	if off := (mean - want).Abs(); off > 3*sigma+want/20 {
		t.Errorf("%s: %v a request, but %v by their own clock", path, mean, want)
	}
	if b.none > 0 {
		t.Errorf("%s: %d requests without a sample", path, b.none)
	}
}

// checkCPUSummary wants the samples of the requests that were shown to be told as theirs.
func checkCPUSummary(t *testing.T, summary map[string]any, got map[string]*burned) {
	t.Helper()
	use, _ := summary["cpu"].(map[string]any)
	shown := 0
	for _, b := range got {
		shown += b.samples
	}
	// A stack of which too little could be told for its phase may be left over.
	if others, _ := use["others"].(float64); use["shown"] != float64(shown) || others > 2 || len(summary["lost"].(map[string]any)) != 0 {
		t.Errorf("%d samples of requests that were shown, but the summary says %v, lost %v", shown, use, summary["lost"])
	}
}
