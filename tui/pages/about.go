package pages

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/tui/parts"
)

// rule is the line above what is told of the row under the cursor.
func rule(words string, width int) string {
	l := parts.NewLine(width).Put(parts.Dim, "── ").Put(parts.Bold, text.Truncate(words, width-6)).Put(parts.Dim, " ")
	return l.Put(parts.Dim, strings.Repeat("─", max(l.Left(), 0))).String()
}

// told is a line of it.
func told(what, words string, width int) string {
	return parts.NewLine(width).Put(parts.Dim, " "+text.Pad(what, 13)).Put(parts.Plain, strings.TrimSpace(words)).String()
}

// counted lists what there was how often, the most at first.
func counted(counts map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	var all []string
	for _, name := range names {
		all = append(all, text.Clean(name)+" "+amount(counts[name]))
	}
	return strings.Join(all, ", ")
}

// below puts the lines of about at the end of the page.
func below(lines, about []string, height int) []string {
	for len(lines) < height-len(about) {
		lines = append(lines, "")
	}
	return firstLines(append(lines, about...), height)
}

func firstLines(lines []string, height int) []string { return lines[:max(min(len(lines), height), 0)] }
