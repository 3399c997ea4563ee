// Package http1 reads HTTP/1.x message heads out of captured bytes, which may
// end anywhere.
//
//	first bytes of a message -> ParseRequest, ParseResponse -> views into them
//
// It is as lenient as nginx, whose traffic it sees: bare LF ends a line, blank
// lines may come before a request, a line that is no field is passed over.
// Nothing is allocated, and nothing is copied: all results alias the input.
package http1

import (
	"bytes"
	"errors"
)

// ErrNotHTTP means that the bytes cannot begin an HTTP/1.x message.
var ErrNotHTTP = errors.New("not an HTTP/1.x message")

// maxMethod is the longest method taken for one.
const maxMethod = 32

// Request is a view of a request head; its slices alias the parsed bytes.
// A field that the head does not hold, or holds only in part, is nil.
type Request struct {
	Method []byte
	Target []byte // as sent; the part captured, when Minor is -1
	Host   []byte // with its port; an absolute-form target's counts before the header
	Minor  int    // 1 for HTTP/1.1, -1 when the capture ends inside the request line

	ContentLength  int64 // -1 when absent, malformed or given twice
	Chunked        bool
	Close          bool // the client wants the connection closed after the response
	Upgrade        bool // the client asks to switch protocols
	ExpectContinue bool
	HeadLen        int // bytes up to the end of the blank line; 0 when the capture ends before it
	Truncated      bool
	TraceParent    []byte
	XRequestID     []byte
	B3             []byte
	SW8            []byte
}

// ParseRequest reads the request head at the beginning of b into r, which it
// overwrites. A head that is cut short is no error; bytes that cannot begin a
// request are ErrNotHTTP, and then r means nothing.
func ParseRequest(b []byte, r *Request) error {
	*r = Request{ContentLength: -1, Minor: -1}
	at := skipBlank(b)
	at, err := r.parseLine(b, at)
	if err != nil {
		return err
	}
	if at == 0 {
		r.Truncated = true
		return nil
	}

	f := framing{length: -1}
	for {
		line, next := nextLine(b, at)
		if next == 0 {
			r.Truncated = true
			break
		}
		at = next
		if len(line) == 0 {
			r.HeadLen = at
			break
		}
		r.take(&f, line)
	}
	r.ContentLength, r.Chunked = f.contentLength(), f.chunked
	r.Close = f.closes(r.Minor)
	r.Upgrade = f.upgrade && f.upgradeTo
	if host := absoluteHost(r.Target); host != nil {
		r.Host = host
	}
	return nil
}

// parseLine reads the request line at b[at:] and returns where the fields
// begin, or 0 when the capture ends before.
func (r *Request) parseLine(b []byte, at int) (int, error) {
	start := at
	for at < len(b) && class[b[at]]&token != 0 {
		at++
	}
	if at-start > maxMethod {
		return 0, ErrNotHTTP
	}
	if at == len(b) {
		return 0, nil
	}
	if at == start || b[at] != ' ' {
		return 0, ErrNotHTTP
	}
	r.Method = b[start:at:at]
	for at < len(b) && b[at] == ' ' {
		at++
	}
	if at == len(b) {
		return 0, nil
	}
	if class[b[at]]&targetStart == 0 {
		return 0, ErrNotHTTP
	}

	start = at
	for {
		for at < len(b) && class[b[at]]&visible != 0 {
			at++
		}
		r.Target = b[start:at:at]
		if at == len(b) {
			return 0, nil
		}
		if b[at] != ' ' {
			return 0, ErrNotHTTP
		}
		for at < len(b) && b[at] == ' ' {
			at++
		}
		next, minor, isVersion := version(b, at)
		if isVersion {
			r.Minor = minor
			return next, nil
		}
		// nginx before 1.21.1 takes a space for a part of the target.
		if at < len(b) && class[b[at]]&visible == 0 {
			return 0, ErrNotHTTP
		}
	}
}

// version reads "HTTP/1.x" and the line's end at b[at:]. It returns where the
// next line begins, and a next of 0 and a minor of -1 when the capture ends
// inside what may become a version.
func version(b []byte, at int) (next, minor int, ok bool) {
	const prefix = "HTTP/1."
	rest := b[at:]
	if len(rest) <= len(prefix) {
		return 0, -1, string(rest) == prefix[:len(rest)]
	}
	if string(rest[:len(prefix)]) != prefix {
		return 0, -1, false
	}
	i := len(prefix)
	for i < len(rest) && i < len(prefix)+2 && '0' <= rest[i] && rest[i] <= '9' {
		minor = minor*10 + int(rest[i]-'0')
		i++
	}
	if i == len(prefix) {
		return 0, -1, false
	}
	for i < len(rest) && (rest[i] == ' ' || rest[i] == '\r') {
		i++
	}
	if i == len(rest) {
		return 0, -1, true
	}
	return at + i + 1, minor, rest[i] == '\n'
}

// take reads one field line that this package knows, and ignores the others.
func (r *Request) take(f *framing, line []byte) {
	switch line[0] | 0x20 {
	case 'c', 't', 'u':
		if f.take(line) {
			return
		}
		first(&r.TraceParent, line, "traceparent")
	case 'h':
		first(&r.Host, line, "host")
	case 'e':
		if v, ok := value(line, "expect"); ok && equalFold(v, "100-continue") {
			r.ExpectContinue = true
		}
	case 'x':
		first(&r.XRequestID, line, "x-request-id")
	case 'b':
		first(&r.B3, line, "b3")
	case 's':
		first(&r.SW8, line, "sw8")
	}
}

// absoluteHost returns the host and port of an absolute-form target, or nil.
func absoluteHost(target []byte) []byte {
	if len(target) == 0 || class[target[0]]&letter == 0 {
		return nil
	}
	_, rest, ok := bytes.Cut(target, []byte("://"))
	if !ok {
		return nil
	}
	if i := bytes.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if i := bytes.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if len(rest) == 0 {
		return nil
	}
	return rest[:len(rest):len(rest)]
}

// IsRequest reports whether b, the first bytes of a message, looks like a
// request: a method, a space, and what may begin a target. It looks no further
// than that, and also takes a b that ends before it can tell.
func IsRequest(b []byte) bool {
	start := skipBlank(b)
	at := start
	for at < len(b) && class[b[at]]&token != 0 {
		at++
	}
	if at-start > maxMethod {
		return false
	}
	if at == len(b) {
		return at > 0
	}
	if at == start || b[at] != ' ' {
		return false
	}
	for at < len(b) && b[at] == ' ' {
		at++
	}
	return at == len(b) || class[b[at]]&targetStart != 0
}
