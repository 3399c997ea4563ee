package http1

// Response is a view of a response head; its slices alias the parsed bytes.
// A field that the head does not hold, or holds only in part, is nil.
type Response struct {
	Status int // 0 when the capture ends inside the status line
	Minor  int // 1 for HTTP/1.1, -1 when the capture ends inside the status line
	Reason []byte

	ContentLength  int64 // -1 when absent, malformed or given twice
	Chunked        bool
	Close          bool // the sender closes the connection after the response
	Upgrade        bool // status 101: what follows is not HTTP/1.x
	HeadLen        int  // bytes up to the end of the blank line; 0 when the capture ends before it
	Truncated      bool
	Server         []byte
	XRequestID     []byte
	UpstreamStatus []byte // X-APISIX-Upstream-Status: the upstream's own status, if it made a 5xx
}

// ParseResponse reads the response head at the beginning of b into r, which it
// overwrites. A head that is cut short is no error; bytes that cannot begin a
// response are ErrNotHTTP, and then r means nothing.
//
// An interim response (100, 103) is a response of its own: the final one begins
// at HeadLen.
func ParseResponse(b []byte, r *Response) error {
	*r = Response{ContentLength: -1, Minor: -1}
	at, err := r.parseLine(b)
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
	r.Upgrade = r.Status == 101
	return nil
}

// parseLine reads the status line and returns where the fields begin, or 0
// when the capture ends before.
func (r *Response) parseLine(b []byte) (int, error) {
	const prefix = "HTTP/1."
	n := min(len(b), len(prefix))
	if string(b[:n]) != prefix[:n] || len(b) > 7 && !isDigit(b[7]) || len(b) > 8 && b[8] != ' ' {
		return 0, ErrNotHTTP
	}
	at := len(prefix) + 2
	for at < len(b) && b[at] == ' ' {
		at++
	}
	digits := at
	status := 0
	for at < len(b) && at < digits+3 && isDigit(b[at]) {
		status = status*10 + int(b[at]-'0')
		at++
	}
	if at >= len(b) {
		return 0, nil
	}
	if at < digits+3 || status < 100 {
		return 0, ErrNotHTTP
	}
	// "HTTP/1.1 200 OK"; nginx also takes a missing reason and IIS's "200.1".
	switch b[at] {
	case ' ', '.', '\r', '\n':
	default:
		return 0, ErrNotHTTP
	}
	line, next := nextLine(b, at)
	if next == 0 {
		return 0, nil
	}
	r.Status, r.Minor = status, int(b[7]-'0')
	r.Reason = trim(line)
	return next, nil
}

// take reads one field line that this package knows, and ignores the others.
func (r *Response) take(f *framing, line []byte) {
	switch line[0] | 0x20 {
	case 'c', 't':
		f.take(line)
	case 's':
		first(&r.Server, line, "server")
	case 'x':
		first(&r.XRequestID, line, "x-request-id")
		first(&r.UpstreamStatus, line, "x-apisix-upstream-status")
	}
}

// IsResponse reports whether b, the first bytes of a message, looks like a
// response: "HTTP/1.", or as much of it as b holds.
func IsResponse(b []byte) bool {
	const prefix = "HTTP/1."
	n := min(len(b), len(prefix))
	return n > 0 && string(b[:n]) == prefix[:n]
}
