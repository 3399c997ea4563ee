package render_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// sampledExchanges met two samples, one, and none; of the last nothing is known.
func sampledExchanges() []*trace.Exchange {
	const period = time.Second / 99
	all := []*trace.Exchange{retriedExchange(), plainExchange(), plainExchange(), refusedExchange()}
	for i, n := range []int{2, 1, 0} {
		all[i].CPU = trace.CPU{Period: period, Samples: n, Time: time.Duration(n) * period}
	}
	return all
}

func TestCPUGolden(t *testing.T) {
	for _, width := range []int{80, 140} {
		testrig.Golden(t, fmt.Sprintf("cpu-table-%d.txt", width), string(shown(t, "table", render.Options{Width: width, CPU: true}, sampledExchanges()...)))
		testrig.Golden(t, fmt.Sprintf("cpu-groups-%d.txt", width), grouped(t, "table", render.Options{Width: width, CPU: true}, sampledExchanges()...))
	}
	testrig.Golden(t, "cpu-tree.txt", string(shown(t, "tree", render.Options{CPU: true}, sampledExchanges()...)))
	testrig.Golden(t, "cpu.json", string(shown(t, "json", render.Options{CPU: true}, sampledExchanges()...))+grouped(t, "json", render.Options{}, sampledExchanges()...))
}

func TestCPUFitsTheTerminal(t *testing.T) {
	for width := 40; width < 200; width += 3 {
		o := render.Options{Width: width, CPU: true}
		out := grouped(t, "table", o, sampledExchanges()...)
		for _, format := range []string{"tree", "table"} {
			out += string(shown(t, format, o, sampledExchanges()...))
		}
		for line := range strings.Lines(out) {
			if w := text.Width(strings.TrimSuffix(line, "\n")); w > width {
				t.Errorf("at %d: %d columns: %s", width, w, line)
			}
		}
	}
}

func TestCPUSummary(t *testing.T) {
	const period = time.Second / 999
	for _, tt := range []struct {
		use  trace.CPUUse
		want string
	}{
		{trace.CPUUse{}, ""},
		{trace.CPUUse{Period: period}, "cpu: no sample of a worker, at one each 1.00ms of CPU time\n"},
		{trace.CPUUse{Period: period, Samples: 2000, Shown: 824, Others: 62},
			"cpu: 2.00s in 2,000 samples of the workers: 41.2% in Lua for the requests shown, 3.1% for others, 55.7% names no request\n"},
	} {
		var b strings.Builder
		if err := render.Summary(&b, trace.Summary{Seen: 2, Shown: 2, Window: time.Second, CPU: tt.use}); err != nil {
			t.Fatal(err)
		}
		if want := "seen 2 requests in 1.00s, shown 2; lost 0\n" + tt.want; b.String() != want {
			t.Errorf("%q, want %q", b.String(), want)
		}
	}
	// The last line of JSON has the same.
	var b strings.Builder
	sink, err := render.Trace("json", &b, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Summary(trace.Summary{CPU: trace.CPUUse{Period: period, Samples: 9, Shown: 4, Others: 2}}); err != nil {
		t.Fatal(err)
	}
	if want := `"cpu":{"samples":9,"shown":4,"others":2,"none":3,"period_ns":1001001}`; !strings.Contains(b.String(), want) {
		t.Errorf("%s, want it to have %s", b.String(), want)
	}
}
