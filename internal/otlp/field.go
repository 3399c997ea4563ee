package otlp

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// The attribute functions append one KeyValue and a comma; what is empty or was not seen
// adds nothing. Keys are ours and need no escaping.

func textAttr(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	b = attr(b, key, `"stringValue":`)
	return append(quote(b, s), "}},"...)
}

// intAttr writes 64-bit numbers as strings, as the JSON encoding of protobuf does.
func intAttr(b []byte, key string, n int64) []byte {
	b = attr(b, key, `"intValue":"`)
	b = strconv.AppendInt(b, n, 10)
	return append(b, `"}},`...)
}

func countAttr(b []byte, key string, n int64) []byte {
	if n <= 0 {
		return b
	}
	return intAttr(b, key, n)
}

func nsAttr(b []byte, key string, d time.Duration) []byte {
	if d < 0 {
		return b
	}
	return intAttr(b, key, int64(d))
}

func boolAttr(b []byte, key string, v bool) []byte {
	b = attr(b, key, `"boolValue":`)
	b = strconv.AppendBool(b, v)
	return append(b, "}},"...)
}

func addrAttrs(b []byte, addrKey, portKey string, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return b
	}
	b = attr(b, addrKey, `"stringValue":"`)
	b = a.Addr().Unmap().AppendTo(b)
	b = append(b, `"}},`...)
	return countAttr(b, portKey, int64(a.Port()))
}

func attr(b []byte, key, kind string) []byte {
	b = append(b, `{"key":"`...)
	b = append(b, key...)
	b = append(b, `","value":{`...)
	return append(b, kind...)
}

func idField(b []byte, key string, id []byte) []byte {
	b = append(b, key...)
	b = append(b, '"')
	b = hex.AppendEncode(b, id)
	return append(b, '"', ',')
}

func timeField(b []byte, key string, t time.Time) []byte {
	b = append(b, key...)
	b = append(b, '"')
	b = strconv.AppendInt(b, t.UnixNano(), 10)
	return append(b, '"', ',')
}

// shut ends an object or array in place of the last comma.
func shut(b []byte, end byte) []byte {
	if b[len(b)-1] == ',' {
		b[len(b)-1] = end
		return b
	}
	return append(b, end)
}

// quote appends s as a JSON string. Invalid UTF-8 becomes U+FFFD; control characters are
// written as \u escapes, since a line may end up on a terminal.
func quote(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c < ' ' || c == 0x7f:
				b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
			default:
				b = append(b, c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if unicode.IsControl(r) { // C1: a terminal obeys it
			b = append(b, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		} else {
			b = utf8.AppendRune(b, r)
		}
		i += size
	}
	return append(b, '"')
}
