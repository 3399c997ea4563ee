package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

func grouped(t *testing.T, format string, o render.Options, all ...*trace.Exchange) string {
	t.Helper()
	var b bytes.Buffer
	sink, err := render.Groups(format, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		if err := sink.Show(x); err != nil {
			t.Fatal(err)
		}
	}
	if b.Len() > 0 {
		t.Errorf("wrote before the end: %s", &b)
	}
	if err := sink.Summary(summary()); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// busy is many requests for orders, and the samples.
func busy() []*trace.Exchange {
	all := samples()
	for i := range 2000 {
		x := plainExchange()
		x.Path = fmt.Sprintf("/orders/%d", i)
		x.Duration = time.Duration(i+1) * 50 * us
		all = append(all, x)
	}
	return all
}

func TestGroupsGolden(t *testing.T) {
	for _, width := range []int{80, 140} {
		testrig.Golden(t, fmt.Sprintf("groups-%d.txt", width), grouped(t, "table", render.Options{Width: width}, busy()...))
	}
	testrig.Golden(t, "groups.json", grouped(t, "json", render.Options{}, busy()...))
}

func TestGroupsFitTheTerminal(t *testing.T) {
	for width := 40; width < 200; width += 7 {
		for line := range strings.Lines(grouped(t, "table", render.Options{Width: width}, busy()...)) {
			if w := text.Width(strings.TrimSuffix(line, "\n")); w > width {
				t.Errorf("at %d: %d columns: %s", width, w, line)
			}
		}
	}
}

func TestGroupsAreBounded(t *testing.T) {
	var all []*trace.Exchange
	for i := range 1500 {
		x := plainExchange()
		x.Path = fmt.Sprintf("/scan/x%d", i)
		all = append(all, x)
	}
	table := grouped(t, "table", render.Options{}, all...)
	if n := strings.Count(table, "\n"); n != 1+50+2 {
		t.Errorf("the table has %d lines", n)
	}
	if n := strings.Count(table, "(other)"); n != 3 {
		t.Errorf("(other) is there %d times, want a row and two notes:\n%s", n, table[strings.Index(table, "(other)"):])
	}
	var requests, lines int
	for line := range strings.Lines(grouped(t, "json", render.Options{}, all...)) {
		var g struct {
			Type     string
			Requests int
		}
		if err := json.Unmarshal([]byte(line), &g); err != nil {
			t.Fatal(err)
		}
		if g.Type == "group" {
			lines++
			requests += g.Requests
		}
	}
	if lines != 1001 || requests != 1500 {
		t.Errorf("%d groups of %d requests, want 1001 of 1500", lines, requests)
	}
}

func TestGroupsCollapseIDs(t *testing.T) {
	for path, want := range map[string]string{
		"/":           "/",
		"":            "",
		"/orders/17":  "/orders/{id}",
		"/orders/17/": "/orders/{id}/",
		"/v2/orders":  "/v2/orders",
		"/a//1":       "/a//{id}",
		"/u/2f1d6c4e-90ab-4cde-8f01-23456789abcd/x": "/u/{id}/x",
		"/blobs/5f4dcc3b5aa765d61d8327deb882cf99":   "/blobs/{id}",
		"/face/deadbeefdeadbeef":                    "/face/deadbeefdeadbeef", // a word, for want of a digit
		"/beef/cafe1":                               "/beef/cafe1",
		"/1-2-3":                                    "/1-2-3",
	} {
		x := plainExchange()
		x.Path = path
		var g map[string]any
		line, _, _ := strings.Cut(grouped(t, "json", render.Options{}, x), "\n")
		if err := json.Unmarshal([]byte(line), &g); err != nil {
			t.Fatal(err)
		}
		if got, _ := g["url.template"].(string); got != want {
			t.Errorf("%s becomes %q, want %q", path, got, want)
		}
	}
}

// TestGroupsNameTheLargestPart that the exchange itself names: a response that is passed on
// as it comes is the node's time, not the client's.
func TestGroupsNameTheLargestPart(t *testing.T) {
	x := plainExchange()
	x.Duration = 100 * ms
	x.Attempts[0].Start, x.Attempts[0].Duration = x.Start, 95*ms
	x.Attempts[0].Read, x.Timing.ClientWrite = 90*ms, 95*ms
	var g map[string]any
	line, _, _ := strings.Cut(grouped(t, "json", render.Options{}, x), "\n")
	if err := json.Unmarshal([]byte(line), &g); err != nil {
		t.Fatal(err)
	}
	if got, want := g["largest_part"], x.Largest().Name; got != want {
		t.Errorf("the group's largest part is %v, the exchange's %s", got, want)
	}
}

func TestGroupQuantilesAreOffByLessThan3Percent(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	var xs []*trace.Exchange
	for range 5000 {
		x := plainExchange()
		x.Duration = time.Duration(math.Exp(r.NormFloat64()*2) * float64(ms))
		all = append(all, x.Duration)
		xs = append(xs, x)
	}
	slices.Sort(all)
	var g map[string]any
	line, _, _ := strings.Cut(grouped(t, "json", render.Options{}, xs...), "\n")
	if err := json.Unmarshal([]byte(line), &g); err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]float64{"p50_ns": 0.5, "p90_ns": 0.9, "p99_ns": 0.99} {
		want := float64(all[int(math.Ceil(q*float64(len(all))))-1])
		got, _ := g[name].(float64)
		if math.Abs(got-want) > 0.03*want {
			t.Errorf("%s is %v, want %v", name, time.Duration(got), time.Duration(want))
		}
	}
	if got, _ := g["max_ns"].(float64); time.Duration(got) != all[len(all)-1] {
		t.Errorf("max_ns is %v, want %v", got, all[len(all)-1])
	}
}

func TestGroupsOfUnknownFormatAreMisuse(t *testing.T) {
	if _, err := render.Groups("tree", io.Discard, render.Options{}); !hint.IsMisuse(err) {
		t.Errorf("Groups(tree) = %v, want a misuse", err)
	}
}

func TestGroupsAllocateNothing(t *testing.T) {
	sink, err := render.Groups("table", io.Discard, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := retriedExchange()
	if n := testing.AllocsPerRun(100, func() { sink.Show(x) }); n != 0 {
		t.Errorf("Show allocates %v times", n)
	}
}

func BenchmarkGroups(b *testing.B) {
	sink, err := render.Groups("table", io.Discard, render.Options{})
	if err != nil {
		b.Fatal(err)
	}
	x := retriedExchange()
	for b.Loop() {
		sink.Show(x)
	}
}
