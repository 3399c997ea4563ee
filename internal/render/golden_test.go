package render_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

func shown(t *testing.T, format string, o render.Options, all ...*trace.Exchange) []byte {
	t.Helper()
	var b bytes.Buffer
	sink, err := render.Trace(format, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	show(t, sink, all...)
	return b.Bytes()
}

// show has a sink show a whole window.
func show(t *testing.T, sink trace.Sink, all ...*trace.Exchange) {
	t.Helper()
	for _, x := range all {
		if err := sink.Show(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := sink.Summary(summary()); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTraceGolden(t *testing.T) {
	for _, width := range []int{80, 140} {
		for _, format := range []string{"tree", "table"} {
			testrig.Golden(t, fmt.Sprintf("%s-%d.txt", format, width), string(shown(t, format, render.Options{Width: width}, samples()...)))
		}
		testrig.Golden(t, fmt.Sprintf("evidence-%d.txt", width), string(shown(t, "tree", render.Options{Width: width, Evidence: true}, samples()...)))
	}
	testrig.Golden(t, "tree-color.txt", string(shown(t, "tree", render.Options{Color: true}, refusedExchange(), inferredExchange())))
	testrig.Golden(t, "table-color.txt", string(shown(t, "table", render.Options{Color: true}, refusedExchange(), plainExchange())))
	testrig.Golden(t, "trace.json", string(shown(t, "json", render.Options{}, samples()...)))
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	for width := 40; width < 200; width += 3 {
		for _, format := range []string{"tree", "table"} {
			out := string(shown(t, format, render.Options{Width: width, Evidence: true}, samples()...))
			for line := range strings.Lines(out) {
				if w := text.Width(strings.TrimSuffix(line, "\n")); w > width {
					t.Errorf("%s at %d: %d columns: %s", format, width, w, line)
				}
			}
		}
	}
}

func TestNoControlBytesReachTheTerminal(t *testing.T) {
	for _, format := range render.TraceFormats() {
		for _, c := range shown(t, format, render.Options{Evidence: true}, samples()...) {
			if c < ' ' && c != '\n' || c == 0x7f {
				t.Errorf("%s has the byte %#x", format, c)
			}
		}
	}
}

func TestUnknownFormatIsMisuse(t *testing.T) {
	_, err := render.Trace("xml", nil, render.Options{})
	if !hint.IsMisuse(err) || !strings.Contains(err.Error(), "json, table, tree") {
		t.Errorf("Trace(xml) = %v, want a misuse that names the formats", err)
	}
}

func TestSummary(t *testing.T) {
	unmatched := trace.Summary{Seen: 123, Removed: map[string]uint64{"--status": 3, "--host": 120, "--path": 0}, Window: summary().Window}
	for _, tt := range []struct {
		in   trace.Summary
		want string
	}{
		{summary(), "seen 12,345 requests in 30.0s, shown 17; lost 3 events: ring buffer full 3\nnote: tracefs was mounted \\x1bprivately\n"},
		{unmatched, "no request matched: 123 seen in 30.0s; --host removed 120, --status removed 3; lost 0\n"},
		{trace.Summary{Window: summary().Window}, "no request finished in the window of 30.0s; lost 0\n"},
	} {
		var b strings.Builder
		if err := render.Summary(&b, tt.in); err != nil || b.String() != tt.want {
			t.Errorf("Summary = %q, %v, want %q", b.String(), err, tt.want)
		}
	}
}
