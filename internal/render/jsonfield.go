package render

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
)

// The field functions append one member of an object, and a comma. A key is given with
// its quotes and colon; shut replaces the last comma.

func textField(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	b = append(b, key...)
	return append(text.AppendJSON(b, s), ',')
}

func intField(b []byte, key string, n int64) []byte {
	b = append(b, key...)
	return append(strconv.AppendInt(b, n, 10), ',')
}

// countField leaves out what is not positive.
func countField(b []byte, key string, n int64) []byte {
	if n <= 0 {
		return b
	}
	return intField(b, key, n)
}

// nsField leaves out what was not seen.
func nsField(b []byte, key string, d time.Duration) []byte {
	if d < 0 {
		return b
	}
	return intField(b, key, int64(d))
}

func boolField(b []byte, key string, v bool) []byte {
	b = append(b, key...)
	return append(strconv.AppendBool(b, v), ',')
}

func idField(b []byte, key string, id []byte) []byte {
	b = append(b, key...)
	b = append(b, '"')
	b = hex.AppendEncode(b, id)
	return append(b, '"', ',')
}

// addrFields appends an address and its port; an invalid address adds nothing.
func addrFields(b []byte, addrKey, portKey string, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return b
	}
	b = append(b, addrKey...)
	b = append(b, '"')
	b = a.Addr().Unmap().AppendTo(b)
	b = append(b, '"', ',')
	return countField(b, portKey, int64(a.Port()))
}

// shut ends an object or array, which began with one byte.
func shut(b []byte, end byte) []byte {
	if b[len(b)-1] == ',' {
		b[len(b)-1] = end
		return b
	}
	return append(b, end)
}

// stamper writes times; it remembers the last second's text.
type stamper struct {
	second int64
	text   []byte // up to the fraction's dot
}

// field appends a time in RFC 3339 with nine digits, in UTC; a zero time adds nothing.
func (s *stamper) field(b []byte, key string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	if u := t.Unix(); u != s.second || len(s.text) == 0 {
		s.second = u
		s.text = t.UTC().AppendFormat(s.text[:0], "2006-01-02T15:04:05.")
	}
	b = append(b, key...)
	b = append(b, '"')
	b = append(b, s.text...)
	b = append(b, "000000000"...)
	for n, i := t.Nanosecond(), len(b)-1; n > 0; i-- {
		b[i] += byte(n % 10)
		n /= 10
	}
	return append(b, 'Z', '"', ',')
}
