package text

import (
	"unicode"
	"unicode/utf8"
)

// AppendJSON appends s as a JSON string. Invalid UTF-8 becomes U+FFFD. Whatever a terminal
// would obey instead of draw is written as \u escapes, which a decoder gives back.
func AppendJSON(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if !(r == utf8.RuneError && size == 1) && unicode.IsGraphic(r) {
				i += size
				continue
			}
			b = append(b, s[from:i]...)
			b = escapeRune(b, r)
			i += size
			from = i
			continue
		}
		b = append(b, s[from:i]...)
		if c == '"' || c == '\\' {
			b = append(b, '\\', c)
		} else {
			b = escapeUnit(b, uint16(c))
		}
		i++
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

func escapeRune(b []byte, r rune) []byte {
	if r < 1<<16 {
		return escapeUnit(b, uint16(r))
	}
	r -= 1 << 16
	b = escapeUnit(b, uint16(0xd800+r>>10))
	return escapeUnit(b, uint16(0xdc00+r&0x3ff))
}

func escapeUnit(b []byte, u uint16) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
}
