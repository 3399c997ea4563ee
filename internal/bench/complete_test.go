package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

const (
	completeFor  = 10 * time.Second
	completeRate = 10_000 // requests per second, at least
)

// TestBenchComplete tells whether every request is traced, once, at full load; and when
// the kernel side cannot keep up, whether those that are not traced are counted as lost.
func TestBenchComplete(t *testing.T) {
	needBench(t)
	t.Run("full-load", benchFullLoad)
	t.Run("overload", benchOverload)
}

func benchFullLoad(t *testing.T) {
	program := build(t)
	rig := testrig.StartT(t, testrig.Options{Cheap: true})
	out, err := os.Create(filepath.Join(t.TempDir(), "traces.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	tool := watch(t, program, rig, out, "trace", "-o", "json")
	res, err := rig.Wrk(t.Context(), testrig.Wrk{Duration: completeFor})
	if err != nil {
		t.Fatal(err)
	}
	lines := settledLog(t, rig)
	tool.stopWell()

	balance := map[identity]int{}
	for _, l := range lines {
		balance[loggedIdentity(l)]++
	}
	traces := 0
	sum, err := readOutput(out.Name(), func(x *traced, _ []byte) {
		traces++
		balance[x.identity()]--
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.0f requests/s for %s: %d lines in the access log, %d traces, %d seen, lost %v",
		res.PerSecond, completeFor, len(lines), traces, sum.Seen, sum.Lost)
	if res.PerSecond < completeRate {
		t.Errorf("this machine reached %.0f requests/s, less than the %d that were to be watched", res.PerSecond, completeRate)
	}
	if traces != len(lines) || lost(sum) != 0 {
		t.Errorf("%d lines in the access log, but %d traces; lost %v", len(lines), traces, sum.Lost)
	}
	if odd := oddOnes(balance); len(odd) > 0 {
		t.Errorf("%d lines or traces have no counterpart:\n%s", len(odd), strings.Join(odd[:min(len(odd), 10)], "\n"))
	}
}

// oddOnes lists what the log and the traces do not have in the same number.
func oddOnes(balance map[identity]int) []string {
	var odd []string
	for id, n := range balance {
		switch {
		case n > 0:
			odd = append(odd, fmt.Sprintf("%d more in the access log: %+v", n, id))
		case n < 0:
			odd = append(odd, fmt.Sprintf("%d more among the traces: %+v", -n, id))
		}
	}
	return odd
}

// settledLog reads the access log once it has stopped to grow, which a buffered one does
// a second after the last request.
func settledLog(t *testing.T, rig *testrig.Rig) []testrig.AccessLine {
	t.Helper()
	const quiet = 2500 * time.Millisecond
	path := filepath.Join(rig.Dir(), "access.log")
	for size, since := -1, time.Now(); time.Since(since) < quiet; time.Sleep(100 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n != size {
			size, since = n, time.Now()
		}
	}
	lines, err := rig.AccessLog()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
