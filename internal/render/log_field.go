package render

import (
	"encoding/hex"
	"net"
	"strconv"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
)

// appendURL appends the URL as a string, as APISIX's loggers write it: always with a port.
func appendURL(b []byte, e *logs.Entry) []byte {
	b = append(b, '"')
	b = append(append(b, e.Scheme...), "://"...)
	b = appendInner(b, e.Host)
	b = appendInner(append(b, ':'), port(e))
	return append(appendInner(b, e.URI), '"')
}

// port is the server's, or, where its socket was not watched, what the client took it for.
func port(e *logs.Entry) string {
	if n := e.Exchange.Server.Port(); n != 0 {
		return strconv.Itoa(int(n))
	}
	if l := e.Exchange.Logged; l != nil {
		if _, port, err := net.SplitHostPort(l.HTTPHost); err == nil && port != "" {
			return port
		}
	}
	if e.Scheme == "https" {
		return "443"
	}
	return "80"
}

// appendInner appends a part of a JSON string.
func appendInner(b []byte, s string) []byte {
	at := len(b)
	b = text.AppendJSON(b, s)
	return append(b[:at], b[at+1:len(b)-1]...)
}

// msField appends milliseconds, with a fraction where it is known.
func msField(b []byte, key string, d time.Duration) []byte {
	if d < 0 {
		return b
	}
	b = append(b, key...)
	if d%time.Millisecond == 0 {
		return append(strconv.AppendInt(b, d.Milliseconds(), 10), ',')
	}
	return append(strconv.AppendFloat(b, float64(d)/1e6, 'f', -1, 64), ',')
}

// bodyFields appends the beginning of a body: as text, or in hex where it is none.
func bodyFields(b []byte, body *logs.Body) []byte {
	if !body.Seen {
		return b
	}
	if s, ok := body.Text(); ok {
		b = append(text.AppendJSON(append(b, `"body":`...), s), ',')
	} else {
		b = hex.AppendEncode(append(b, `"body_hex":"`...), body.First)
		b = append(b, '"', ',')
	}
	b = textField(b, `"body_encoding":`, body.Encoding)
	if body.Size < 0 {
		return b
	}
	return intField(b, `"body_size":`, body.Size)
}
