package replay

import (
	"strings"
	"unicode/utf8"

	"github.com/apisixscope/apisixscope/internal/text"
)

// appendString appends s as a JSON string that gives back s, whatever it is. Bytes that are no
// UTF-8 are written as Python's surrogateescape has them: \udc80 to \udcff, which no text has.
func appendString(b []byte, s string) []byte {
	if utf8.ValidString(s) {
		return text.AppendJSON(b, s)
	}
	b = append(b, '"')
	for len(s) > 0 {
		n := 0 // bytes of good text
		for n < len(s) {
			r, size := utf8.DecodeRuneInString(s[n:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			n += size
		}
		quoted := len(b)
		b = text.AppendJSON(b, s[:n])
		b = append(b[:quoted], b[quoted+1:len(b)-1]...) // without its quotes
		if s = s[n:]; s != "" {
			const digits = "0123456789abcdef"
			b = append(b, `\udc`...)
			b = append(b, digits[s[0]>>4], digits[s[0]&15])
			s = s[1:]
		}
	}
	return append(b, '"')
}

// unquote returns what stands between a string's quotes; ok is false if it is no JSON.
func unquote(s string) (out string, ok bool) {
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			b.WriteString(s)
			return b.String(), true
		}
		b.WriteString(s[:i])
		if s = s[i+1:]; s == "" {
			return "", false
		}
		c := s[0]
		if c == 'u' {
			if s, ok = unescape(&b, s[1:]); !ok {
				return "", false
			}
			continue
		}
		at := strings.IndexByte(`"\/bfnrt`, c)
		if at < 0 {
			return "", false
		}
		b.WriteByte("\"\\/\b\f\n\r\t"[at])
		s = s[1:]
	}
}

// unescape adds what the hex digits at the beginning of s stand for, and returns the rest.
func unescape(b *strings.Builder, s string) (rest string, ok bool) {
	unit, ok := unit(s)
	if !ok {
		return "", false
	}
	s = s[4:]
	switch {
	case unit >= 0xdc80 && unit <= 0xdcff:
		b.WriteByte(byte(unit))
	case unit >= 0xd800 && unit <= 0xdbff:
		low, ok := lowHalf(s)
		if !ok {
			b.WriteRune(utf8.RuneError)
			return s, true
		}
		b.WriteRune(0x10000 + (unit-0xd800)<<10 + low - 0xdc00)
		s = s[6:]
	case unit >= 0xdc00 && unit <= 0xdfff:
		b.WriteRune(utf8.RuneError)
	default:
		b.WriteRune(unit)
	}
	return s, true
}

// lowHalf returns the second half of a pair of surrogates.
func lowHalf(s string) (rune, bool) {
	if !strings.HasPrefix(s, `\u`) {
		return 0, false
	}
	low, ok := unit(s[2:])
	return low, ok && low >= 0xdc00 && low <= 0xdfff
}

// unit reads four hex digits.
func unit(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
