// Package text writes durations, sizes and strangers' strings for a terminal, and the
// strings for JSON that may end up on one.
//
//	bytes from the wire -> Clean -> Truncate -> Pad -> a table's cell
//
// Widths are display columns, not bytes or runes.
package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns s safe to show on a terminal: whatever a terminal would obey
// instead of draw is spelled out. Control bytes and invalid UTF-8 become \xNN;
// C1 controls, bidirectional overrides, line separators and other code points
// with no picture become \u{NNNN}. Tab and newline are controls too: the result
// is always one line. A harmless s is returned as it is, without allocation.
//
// Clean is for eyes, not for machines: a backslash stays single, so the result
// cannot be read back.
func Clean(s string) string {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' || c == 0x7f {
				return escape(s, i)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !drawn(r, size) {
			return escape(s, i)
		}
		i += size
	}
	return s
}

// escape is Clean's slow path: s is harmless before index from.
func escape(s string, from int) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:from])
	for i := from; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r < ' ' || r == 0x7f || r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !drawn(r, size):
			fmt.Fprintf(&b, `\u{%04x}`, r)
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// drawn reports whether a terminal draws r. Joiners have no picture of their
// own but make up emoji and Indic and Persian words, and obey nothing.
func drawn(r rune, size int) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	if r == utf8.RuneError && size == 1 {
		return false
	}
	return unicode.IsGraphic(r) || r == nonJoiner || r == joiner
}
