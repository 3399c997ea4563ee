package render_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/metrics"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/trace"
)

// rows returns the cells of a table of a page: of each what it is sorted by, or else its text.
func rows(t *testing.T, page, table string) (all [][]string) {
	t.Helper()
	_, body, found := strings.Cut(page, `<table id="t-`+table+`"`)
	if !found {
		t.Fatalf("there is no table %s", table)
	}
	body, _, _ = strings.Cut(body, "\n</table>")
	for row := range strings.SplitSeq(body, "<tbody><tr>") {
		if row, _, _ = strings.Cut(row, "</tr>"); strings.HasPrefix(row, `<td class="m">`) {
			continue // of a waterfall
		}
		var cells []string
		for _, m := range regexp.MustCompile(`<td class="[^"]*"(?: data-sort="([^"]*)")?[^>]*>(.*?)</td>`).FindAllStringSubmatch(row, -1) {
			cells = append(cells, cmp.Or(m[1], m[2]))
		}
		if cells != nil {
			all = append(all, cells)
		}
	}
	return all
}

func whole(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestReportCountsEachStep compares the timeline with a count of what ended in each step,
// over windows of any length whose requests do not come in order.
func TestReportCountsEachStep(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 2))
		window := time.Duration(float64(time.Second) * (1 + r.ExpFloat64()*float64(r.IntN(10_000))))
		var all []*trace.Exchange
		for range 1 + r.IntN(2000) {
			x := &trace.Exchange{Start: at(time.Duration(r.Int64N(int64(window)))), Duration: time.Duration(r.Int64N(int64(3 * time.Second)))}
			x.Status = []int{200, 200, 204, 302, 404, 429, 500, 503, 0}[r.IntN(9)]
			all = append(all, x)
		}
		d := &render.Digest{}
		feedDigest(t, d, all, nil, trace.Summary{})
		page := written(t, &render.Report{Seen: d, Window: window})
		seconds := whole(t, regexp.MustCompile(`One step is ([0-9]+) s`).FindStringSubmatch(page)[1])
		step := time.Duration(seconds) * time.Second
		want := map[int][3]int{}
		for _, x := range all {
			from := int(x.Start.Add(x.Duration).Truncate(step).UnixNano())
			n := want[from]
			n[0]++
			switch {
			case metrics.Failed(x):
				n[2]++
			case x.Status >= 400:
				n[1]++
			}
			want[from] = n
		}
		got := rows(t, page, "steps")
		for _, row := range got {
			from := whole(t, row[0])
			if n := [3]int{whole(t, row[1]), whole(t, row[2]), whole(t, row[3])}; n != want[from] {
				t.Fatalf("seed %d, step of %v from %v: %v, want %v", seed, step, time.Unix(0, int64(from)), n, want[from])
			}
		}
		if len(got) != len(want) || len(got) > 240 || step > time.Second && step > 2*window/100 {
			t.Fatalf("seed %d: %d steps of %v, want %d", seed, len(got), step, len(want))
		}
	}
}

// TestReportTellsTheSlowest compares with sorting all of them.
func TestReportTellsTheSlowest(t *testing.T) {
	for seed := range uint64(20) {
		s := newShop(seed, 700)
		rand.New(rand.NewPCG(seed, 3)).Shuffle(len(s.exchanges), func(i, j int) { s.exchanges[i], s.exchanges[j] = s.exchanges[j], s.exchanges[i] })
		page := written(t, s.report(t))
		slices.SortStableFunc(s.exchanges, func(a, b *trace.Exchange) int { return cmp.Compare(b.Duration, a.Duration) })
		alike := map[string]int{}
		var want, got []string
		for _, x := range s.exchanges {
			node := ""
			var longest time.Duration = -1
			for _, a := range x.Attempts {
				if a.Duration > longest {
					node, longest = a.PeerName, a.Duration
				}
			}
			kind := fmt.Sprint(x.Names.RouteID, node, x.Status)
			if alike[kind]++; alike[kind] <= 10 && len(want) < 50 {
				want = append(want, fmt.Sprint(int64(x.Duration)))
			}
		}
		for _, row := range rows(t, page, "slowest") {
			got = append(got, row[0])
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: got %v\nwant %v", seed, got, want)
		}
	}
}

// TestReportGroupsEqualFailures compares with a count by hand.
func TestReportGroupsEqualFailures(t *testing.T) {
	for seed := range uint64(10) {
		s := newShop(seed, 3000)
		want := map[string]int{}
		failed := 0
		for _, x := range s.exchanges {
			if x.Status != 0 && x.Status < 400 {
				continue
			}
			failed++
			node := ""
			for _, a := range x.Attempts {
				if a.ErrType != "" || a.Status >= 400 {
					node = a.PeerName
				}
			}
			want[fmt.Sprint(x.Status, x.ErrType, x.Names.RouteID, x.Names.Plugin, node)]++
		}
		var counts []int
		for _, n := range want {
			counts = append(counts, n)
		}
		var got []int
		sum := 0
		for _, row := range rows(t, written(t, s.report(t)), "failures") {
			got = append(got, whole(t, row[0]))
			sum += whole(t, row[0])
		}
		slices.Sort(counts)
		slices.Sort(got)
		if len(want) > 50 {
			t.Fatalf("%d kinds: the test is of no use", len(want))
		}
		if !slices.Equal(got, counts) || sum != failed {
			t.Errorf("seed %d: %v, %d in all; want %v, %d", seed, got, sum, counts, failed)
		}
	}
}

// TestReportTablesAddUp compares the tables with each other, and with the requests.
func TestReportTablesAddUp(t *testing.T) {
	s := newShop(5, 4000)
	page := written(t, s.report(t))
	sum := func(table string, column int) (n int) {
		for _, row := range rows(t, page, table) {
			n += whole(t, row[column])
		}
		return n
	}
	attempts := 0
	for _, x := range s.exchanges {
		attempts += len(x.Attempts)
	}
	for _, tt := range []struct {
		what   string
		table  string
		column int
		want   int
	}{
		{"requests of steps", "steps", 1, 4000}, {"requests of routes", "routes", 2, 4000}, {"requests of workers", "workers", 1, 4000},
		{"failures of steps", "steps", 3, s.failed()}, {"failures of routes", "routes", 5, s.failed()}, {"attempts at nodes", "nodes", 2, attempts},
	} {
		if n := sum(tt.table, tt.column); n != tt.want || n == 0 {
			t.Errorf("%s: %d, want %d", tt.what, n, tt.want)
		}
	}
}
