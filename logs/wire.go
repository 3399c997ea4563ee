package logs

import (
	"bytes"
	"strconv"
)

// bodies takes the beginnings of both bodies from what was seen on the wire: of HTTP/1 alone,
// which TLS hides.
func (e *Entry) bodies(most int) {
	e.RequestBody = bodyOf(e.Exchange.Asked, " HTTP/1.", most)
	e.ResponseBody = bodyOf(e.Exchange.Answered, "HTTP/1.", most)
}

// bodyOf returns the beginning of a message's body. The first line of the message's head has
// sign in it: other bytes are no message.
func bodyOf(message []byte, sign string, most int) Body {
	head, rest, whole := bytes.Cut(message, []byte("\r\n\r\n"))
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	if !whole || !bytes.Contains(line, []byte(sign)) {
		return Body{}
	}
	b := Body{Seen: true, Size: -1, First: rest}
	var chunked bool
	for field := range bytes.SplitSeq(fields, []byte("\r\n")) {
		name, value, _ := bytes.Cut(field, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
				b.Size = n
			}
		case bytes.EqualFold(name, []byte("content-encoding")):
			b.Encoding = string(value)
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	if chunked {
		b.First, b.Size = unchunk(rest)
	}
	if len(b.First) == 0 && b.Size <= 0 {
		return Body{} // there is none
	}
	if b.Size >= 0 && int64(len(b.First)) > b.Size {
		b.First = b.First[:b.Size] // what follows is another message
	}
	b.First = b.First[:min(len(b.First), most)]
	return b
}

// unchunk takes the sizes of chunks out of the beginning of a body (RFC 9112, section 7.1). It
// returns the body's size if the last chunk is there, else -1.
func unchunk(b []byte) (body []byte, size int64) {
	for {
		line, rest, ok := bytes.Cut(b, []byte("\r\n"))
		hex, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(hex)), 16, 32)
		switch {
		case !ok || err != nil:
			return body, -1
		case n == 0:
			return body, int64(len(body))
		case uint64(len(rest)) < n+2:
			return append(body, rest[:min(uint64(len(rest)), n)]...), -1
		}
		body, b = append(body, rest[:n]...), rest[n+2:]
	}
}
