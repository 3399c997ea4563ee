package http1

import (
	"bytes"
	"iter"
	"math"
)

// framing gathers the fields that say how a message's body is delimited and
// what becomes of its connection.
type framing struct {
	length    int64
	lengths   int
	chunked   bool
	close     bool
	keepAlive bool
	upgrade   bool // Connection: upgrade
	upgradeTo bool // an Upgrade field
}

func (f *framing) take(line []byte) bool {
	if v, ok := value(line, "content-length"); ok {
		f.length = parseLength(v)
		f.lengths++
		return true
	}
	if v, ok := value(line, "connection"); ok {
		f.close = f.close || hasToken(v, "close")
		f.keepAlive = f.keepAlive || hasToken(v, "keep-alive")
		f.upgrade = f.upgrade || hasToken(v, "upgrade")
		return true
	}
	if v, ok := value(line, "transfer-encoding"); ok {
		f.chunked = f.chunked || hasToken(v, "chunked")
		return true
	}
	if v, ok := value(line, "upgrade"); ok {
		f.upgradeTo = len(v) > 0
		return true
	}
	return false
}

// contentLength is -1 beside a chunked coding, which overrides it (RFC 9112,
// 6.3), and when it was given twice, which nginx refuses.
func (f *framing) contentLength() int64 {
	if f.chunked || f.lengths != 1 {
		return -1
	}
	return f.length
}

func (f *framing) closes(minor int) bool {
	return f.close || minor == 0 && !f.keepAlive
}

// parseLength returns a Content-Length, or -1 for anything but digits that fit.
func parseLength(v []byte) int64 {
	if len(v) == 0 {
		return -1
	}
	var n int64
	for _, c := range v {
		if !isDigit(c) || n > (math.MaxInt64-int64(c-'0'))/10 {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// Headers yields the name and value of each complete field of the request or
// response head at the beginning of b, as views into b. It ends at the blank
// line or where b does. Lines that are no field, folded ones among them, are
// passed over, as nginx does.
func Headers(b []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		_, at := nextLine(b, skipBlank(b))
		for at > 0 {
			line, next := nextLine(b, at)
			if next == 0 || len(line) == 0 {
				return
			}
			at = next
			n := bytes.IndexByte(line, ':')
			if n > 0 && isToken(line[:n]) && !yield(line[:n:n], trim(line[n+1:])) {
				return
			}
		}
	}
}

// Header returns the value of the first complete field with this name, in any
// case, of the request or response head at the beginning of b.
func Header(b []byte, name string) ([]byte, bool) {
	_, at := nextLine(b, skipBlank(b))
	for at > 0 {
		line, next := nextLine(b, at)
		if next == 0 || len(line) == 0 {
			break
		}
		at = next
		if len(line) > len(name) && line[len(name)] == ':' && len(name) > 0 && equalFold(line[:len(name)], name) {
			return trim(line[len(name)+1:]), true
		}
	}
	return nil, false
}

// nextLine returns the line at b[at:] without its end, and where the next one
// begins; next is 0 when the capture ends before the line does.
func nextLine(b []byte, at int) (line []byte, next int) {
	n := bytes.IndexByte(b[at:], '\n')
	if n < 0 {
		return nil, 0
	}
	end := at + n
	if n > 0 && b[end-1] == '\r' {
		end--
	}
	return b[at:end:end], at + n + 1
}

// skipBlank returns where the first line begins: nginx passes over blank lines
// before a request.
func skipBlank(b []byte) int {
	at := 0
	for at < len(b) && (b[at] == '\r' || b[at] == '\n') {
		at++
	}
	return at
}

// first sets *to to the line's value, if the line has this name and *to is unset.
func first(to *[]byte, line []byte, name string) {
	if v, ok := value(line, name); ok && *to == nil {
		*to = v
	}
}

// value returns the trimmed value of a field line with this lower-case name.
func value(line []byte, name string) ([]byte, bool) {
	n := len(name)
	if len(line) <= n || line[n] != ':' || !equalLower(line[:n], name) {
		return nil, false
	}
	return trim(line[n+1:]), true
}

// hasToken reports whether the comma-separated list v holds a lower-case word.
func hasToken(v []byte, word string) bool {
	for len(v) > 0 {
		item := v
		if i := bytes.IndexByte(v, ','); i >= 0 {
			item, v = v[:i], v[i+1:]
		} else {
			v = nil
		}
		if item = trim(item); len(item) == len(word) && equalLower(item, word) {
			return true
		}
	}
	return false
}

// equalLower reports whether b, in any case, is the lower-case word s of equal length.
func equalLower(b []byte, s string) bool {
	for i := range len(s) {
		if c := b[i]; c != s[i] && (c|0x20 != s[i] || class[c]&letter == 0) {
			return false
		}
	}
	return true
}

// equalFold compares ASCII in any case.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range len(s) {
		if x, y := b[i], s[i]; x != y && (x|0x20 != y|0x20 || class[x]&letter == 0) {
			return false
		}
	}
	return true
}

func trim(v []byte) []byte {
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	n := len(v)
	for n > 0 && (v[n-1] == ' ' || v[n-1] == '\t' || v[n-1] == '\r') {
		n--
	}
	return v[:n:n]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isToken(b []byte) bool {
	for _, c := range b {
		if class[c]&token == 0 {
			return false
		}
	}
	return true
}

const (
	letter      = 1 << iota
	token       // RFC 9110, 5.6.2
	visible     // neither space nor control; bytes over 0x7f count, as in nginx
	targetStart // "/", "*", a scheme, or an authority
)

var class = func() (t [256]uint8) {
	for i := range t {
		c := byte(i)
		if 'a' <= c|0x20 && c|0x20 <= 'z' {
			t[i] |= letter | token | targetStart
		}
		if isDigit(c) {
			t[i] |= token | targetStart
		}
		if bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0 {
			t[i] |= token
		}
		if bytes.IndexByte([]byte("/*["), c) >= 0 {
			t[i] |= targetStart
		}
		if c > ' ' && c != 0x7f {
			t[i] |= visible
		}
	}
	return t
}()
