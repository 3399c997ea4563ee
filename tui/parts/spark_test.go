package parts_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/apisixscope/apisixscope/tui/parts"
)

func TestSpark(t *testing.T) {
	for _, tt := range []struct {
		counts  []uint32
		columns int
		want    string
	}{
		{[]uint32{0, 1, 2, 3, 4, 5, 6, 7, 8}, 9, " ▁▂▃▄▅▆▇█"},
		{[]uint32{1, 1, 0, 0, 1000, 0}, 3, "▁ █"},
		{[]uint32{9, 1, 1, 1, 1}, 2, "█▃"}, // 10 and 3: the last column is of the last ones
		{[]uint32{1}, 3, "  █"},
		{[]uint32{0, 0}, 2, "  "},
		{nil, 2, "  "},
		{[]uint32{1 << 31, 1 << 31, 1 << 31, 1 << 31}, 2, "██"},
		{[]uint32{1, 2, 3}, 0, ""},
	} {
		got := ansi.Strip(parts.NewLine(20).Spark(tt.counts, make([]uint32, len(tt.counts)), tt.columns).String())
		if got != tt.want {
			t.Errorf("%v in %d columns: %q, want %q", tt.counts, tt.columns, got, tt.want)
		}
	}
	if got, want := parts.NewLine(9).Spark([]uint32{4, 4}, []uint32{0, 1}, 2).String(), "\x1b[36m█\x1b[0m\x1b[31m█\x1b[0m"; got != want {
		t.Errorf("where some failed it is %q, want %q", got, want)
	}
}

func TestSparkIsNeverWider(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		counts := make([]uint32, r.IntN(301))
		for i := range counts {
			counts[i] = r.Uint32() >> r.IntN(32)
		}
		width, columns := r.IntN(100), r.IntN(120)
		if got := ansi.StringWidth(parts.NewLine(width).Spark(counts, counts, columns).String()); got != min(width, columns) {
			t.Fatalf("%d columns on a line of %d: %d", columns, width, got)
		}
	}
}

func TestHeat(t *testing.T) {
	l := parts.NewLine(40)
	for _, d := range []time.Duration{0, 999 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, 99 * time.Millisecond, 100 * time.Millisecond, time.Second, time.Hour} {
		l.Heat(parts.DurationHeat(d))
	}
	l.Heat(parts.HeatNone, parts.HeatUnknown)
	for _, n := range []uint64{0, 1, 7, 8, 63, 64, 511, 512, 4095, 4096, 1 << 63} {
		l.Shade(parts.Plain, n)
	}
	if got, want := ansi.Strip(l.String()), "··░▒▒▓██ ? ··░░▒▒▓▓██"; got != want {
		t.Errorf("heat is %q, want %q", got, want)
	}
	if got := ansi.Strip(parts.NewLine(60).DurationHeats().String()); got != "· < 1ms  ░ 1ms  ▒ 10ms  ▓ 100ms  █ 1s  " {
		t.Errorf("the legend is %q", got)
	}
}
