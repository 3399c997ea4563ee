package profile

import (
	"strings"
	"unicode"
)

// The longest texts that a profile holds, in bytes. Names are of the gateway's files and
// labels of its requests: neither has a bound of its own.
const (
	maxName  = 256
	maxPath  = 1 << 10
	maxLabel = 256
)

// cut returns s in at most n bytes; it does not copy. The mark of a cut is clean's work.
func cut(s string, n int) string {
	if len(s) > n {
		return s[:n+1] // which is too long, and so is cut again
	}
	return s
}

// clean returns a copy of s in at most n bytes that is good to be kept: it does not hold
// on to what s is a part of, and has nothing that a terminal would obey, for "go tool
// pprof" writes names as they are.
func clean(s string, n int) string {
	const mark = "…"
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n-len(mark)], "") + mark
	}
	return strings.Clone(strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s))
}
