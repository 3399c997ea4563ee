package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// Summary writes, for people, what a window saw and what it could not see.
func Summary(w io.Writer, s trace.Summary) error {
	var b strings.Builder
	switch window := text.Duration(s.Window); {
	case s.Seen == 0:
		fmt.Fprintf(&b, "no request finished in the window of %s", window)
	case s.Shown == 0:
		fmt.Fprintf(&b, "no request matched: %s seen in %s; %s", count(s.Seen), window, removals(s.Removed))
	default:
		fmt.Fprintf(&b, "seen %s requests in %s, shown %s", count(s.Seen), window, count(s.Shown))
	}
	fmt.Fprintf(&b, "; lost %s\n", losses(s.Lost))
	if s.CPU.Period > 0 {
		fmt.Fprintf(&b, "%s\n", cpuUse(&s.CPU))
	}
	for _, note := range s.Notes {
		fmt.Fprintf(&b, "note: %s\n", text.Clean(note))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// removals tells which filter removed how many, the greatest first.
func removals(removed map[string]uint64) string {
	var out []string
	for _, name := range byCount(removed) {
		out = append(out, name+" removed "+count(removed[name]))
	}
	return strings.Join(out, ", ")
}

func losses(lost map[string]uint64) string {
	var sum uint64
	var causes []string
	for _, cause := range byCount(lost) {
		sum += lost[cause]
		causes = append(causes, text.Clean(cause)+" "+count(lost[cause]))
	}
	if sum == 0 {
		return "0"
	}
	return count(sum) + " events: " + strings.Join(causes, ", ")
}

// byCount returns the names of what is not 0, the greatest first.
func byCount(counts map[string]uint64) []string {
	names := slices.Sorted(maps.Keys(counts))
	names = slices.DeleteFunc(names, func(n string) bool { return counts[n] == 0 })
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case counts[a] > counts[b]:
			return -1
		case counts[a] < counts[b]:
			return 1
		}
		return 0
	})
	return names
}

// count writes 12345 as 12,345.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
