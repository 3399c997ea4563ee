package logs

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// literal is a length of time in an expression, such as 200ms.
type literal struct {
	text  string
	name  string // of the identifier that stands for it
	value time.Duration
}

// takeLiterals puts identifiers in the place of the durations that source has outside of
// strings and comments, and returns the durations by where they are, counted in runes.
// Nothing else is changed, and nothing moves: the positions in errors are those of source.
func takeLiterals(source string) (string, map[int]literal) {
	found := map[int]literal{}
	var b strings.Builder
	done, runes := 0, 0
	for i := 0; i < len(source); {
		n, isLiteral := token(source[i:])
		if isLiteral {
			text := source[i : i+n]
			if d, err := time.ParseDuration(text); err == nil {
				l := literal{text: text, name: strings.Repeat("_", utf8.RuneCountInString(text)), value: d}
				found[runes] = l
				b.WriteString(source[done:i])
				b.WriteString(l.name)
				done = i + n
			}
		}
		runes += utf8.RuneCountInString(source[i : i+n])
		i += n
	}
	b.WriteString(source[done:])
	return b.String(), found
}

// token returns the length of what s begins with, in the terms of expr's lexer as far as
// they matter here, and whether that may be a duration.
func token(s string) (n int, isLiteral bool) {
	switch c := s[0]; {
	case c == '"', c == '\'':
		return quoted(s), false
	case c == '`':
		if end := strings.IndexByte(s[1:], '`'); end >= 0 {
			return end + 2, false
		}
		return len(s), false
	case strings.HasPrefix(s, "//"):
		if end := strings.IndexByte(s, '\n'); end >= 0 {
			return end, false
		}
		return len(s), false
	case strings.HasPrefix(s, "/*"):
		if end := strings.Index(s[2:], "*/"); end >= 0 {
			return end + 4, false
		}
		return len(s), false
	case '0' <= c && c <= '9':
		return numeral(s)
	}
	r, size := utf8.DecodeRuneInString(s)
	if !inName(r) {
		return size, false
	}
	return size + nameLen(s[size:]), false
}

// quoted returns the length of a string in quotes; all of s if it does not end.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return len(s)
}

// numeral returns the length of a number with what is written to it without a blank. It is
// a duration if it is more than digits: 1e3 and 0x1f are not known to be none, and left to
// time.ParseDuration, which does not know them.
func numeral(s string) (n int, isLiteral bool) {
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		fraction := r == '.' && n+1 < len(s) && '0' <= s[n+1] && s[n+1] <= '9'
		if !inName(r) && !fraction {
			break
		}
		isLiteral = isLiteral || unicode.IsLetter(r)
		n += size
	}
	return n, isLiteral
}

func nameLen(s string) int {
	for i, r := range s {
		if !inName(r) {
			return i
		}
	}
	return len(s)
}

func inName(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) }
