package otlp

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
)

// The attribute functions append one KeyValue and a comma; what is empty or was not seen
// adds nothing. Keys are ours and need no escaping.

func textAttr(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	b = attr(b, key, `"stringValue":`)
	return append(text.AppendJSON(b, s), "}},"...)
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
