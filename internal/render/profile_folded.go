package render

import (
	"bufio"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/profile"
)

// writeFolded writes a line for each stack, from the root, as flamegraph.pl reads it. The
// number is of samples, or of blocked microseconds.
func writeFolded(w io.Writer, g *profilePage) error {
	sums := map[string]int64{}
	for _, s := range g.p.Sample {
		n := s.Value[0]
		if g.sum.Kind != profile.CPU {
			n = s.Value[1] / 1000
		}
		sums[folded(g, s)] += n
	}
	out := bufio.NewWriter(w)
	for _, stack := range slices.Sorted(maps.Keys(sums)) {
		out.WriteString(stack)
		out.WriteByte(' ')
		out.WriteString(strconv.FormatInt(sums[stack], 10))
		out.WriteByte('\n')
	}
	return out.Flush()
}

func folded(g *profilePage, s *pprof.Sample) string {
	var b strings.Builder
	if g.apart() {
		b.WriteString(foldedWord(g.group(s)))
	}
	for _, l := range slices.Backward(s.Location) {
		if b.Len() > 0 {
			b.WriteByte(';')
		}
		b.WriteString(foldedWord(frameName(l)))
		b.WriteString(foldedKind(profile.KindOf(l)))
	}
	return b.String()
}

// foldedWord has nothing that the format or a terminal would take for its own.
func foldedWord(s string) string {
	return strings.ReplaceAll(text.Clean(s), ";", ":")
}

// foldedKind is the mark of a kind. flamegraph.pl --color=java paints kernel and jit.
func foldedKind(k profile.FrameKind) string {
	switch k {
	case profile.FrameKernel:
		return "_[k]"
	case profile.FrameJIT:
		return "_[j]"
	case profile.FrameLua:
		return "_[l]"
	case profile.FrameC:
		return "_[c]"
	}
	return ""
}
