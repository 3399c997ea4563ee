package trace

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Evidence of edges, in words for people.
const (
	evidenceConnection = "the request object's connection is this socket"
	evidenceUpstream   = "ngx_event_connect_peer was called with the request's own upstream, and its connection is this socket"
	evidenceSubrequest = "ngx_event_connect_peer was called with a subrequest's upstream, and its connection is this socket"
	evidenceCosocket   = "ngx_event_connect_peer was called with the log context of this request"
	evidenceLua        = "Lua's current thread was this request's"
	evidencePeer       = "the upstream peer of the request that ran Lua last has this socket"
	evidenceTick       = "begun in the event-loop tick in which the worker read for this request"
	evidenceID         = "the X-Request-Id that the gateway made is in this request and in the response to the client"
	evidenceLine       = "a timer began it: the oldest unanswered request of this worker with the same request line"
	evidenceTwin       = "of equal requests at the same time, the one whose response is like the client's is the attempt"
	evidenceStates     = "nginx's own record of the request's attempts (upstream_states)"
)

// build makes a.x from a request that has ended; it is false when there is nothing to show.
func (a *Assembler) build(w *work) bool {
	x := &a.x
	*x = Exchange{Attempts: x.Attempts[:0], Spans: x.Spans[:0], Incomplete: x.Incomplete[:0]}
	c := w.side()
	switch {
	case w.request != nil:
		describeRequest(x, w.request)
	case w.client != nil && !w.opaque():
		if w.answer.Status == 0 && w.head.Method == nil && w.died == nil && w.client.out.Began.IsZero() {
			return false // the client closed without a word
		}
		a.describeHeads(x, w)
	default:
		if !a.describeAttempt(x, w) {
			return false
		}
	}
	x.PID = w.pid()
	if w.request != nil {
		x.PID = w.request.PID
		x.Object = Object{Address: w.request.ID, Started: w.request.Started, Ended: w.at}
	}
	x.Client, x.Server = c.Remote, c.Local
	if x.Logged != nil && !x.Client.IsValid() {
		if ip, err := netip.ParseAddr(x.Logged.RemoteAddr); err == nil {
			x.Client = netip.AddrPortFrom(ip, uint16(x.Logged.RemotePort))
		}
	}
	if x.TraceID == (TraceID{}) {
		x.TraceID = newTraceID()
	}
	a.attempts(x, w)
	if n := len(a.tries); n > 0 && a.tries[n-1] != nil {
		x.Asked, x.Answered = a.tries[n-1].asked, a.tries[n-1].answered
	}
	w.times(x, &c)
	a.judge(x, w, &c)
	a.spans(x, w, &c)
	return true
}

// side returns the client's socket as the leg that it is.
func (w *work) side() leg {
	if w.client != nil {
		return *w.client
	}
	if r := w.request; r != nil {
		return leg{
			Conn: r.Client, exchange: r.Exchange, in: r.In, out: r.Out, tick: r.Tick,
			peerClosed: r.PeerClosed, failed: r.Failed, errno: r.Errno,
		}
	}
	return leg{}
}

// describeRequest says what was asked and answered by nginx's request object.
func describeRequest(x *Exchange, r *Request) {
	x.Method, x.Path, x.Query = splitLine(r.Line)
	x.Host, x.TLS, x.Status, x.Protocol = r.Host, r.TLS, r.Status, protocolOf(r.Version)
	x.Received, x.Sent = r.Received, r.Out.Bytes
	if r.Stream || r.TLS || r.Client.Socket == 0 {
		x.Sent = -1 // other bytes are among them
	}
	describeLogged(x, r)
	x.RequestID, x.HeaderValues = r.RequestID, r.HeaderValues
	x.Names, x.Logged, x.Headers = r.Names, r.Logged, r.Headers
	x.ConnectionRequest = int(r.ConnectionRequest)
	x.TraceID, x.Parent = parseTraceParent(r.TraceParent)
	if r.LineLen > len(r.Line) {
		x.Vague = true
		x.Incomplete = append(x.Incomplete, "the request line is cut: "+strconv.Itoa(r.LineLen)+" bytes long")
	}
	switch {
	case r.Unwatched:
	case r.Client.Socket == 0:
		x.Incomplete = append(x.Incomplete, "client side: its socket was not seen")
	case r.Stream:
		x.Incomplete = append(x.Incomplete, "client side: HTTP/2 shares one socket among requests, so its system span is not told apart")
	case r.In.Began.IsZero() && r.ConnectionRequest > 1:
		x.Incomplete = append(x.Incomplete, "client side: the request was read together with the one before it, or before the window")
	case r.In.Began.IsZero():
		x.Incomplete = append(x.Incomplete, "client side: the request was read before the window")
	}
}

// describeLogged takes from what nginx logs what its sockets do not tell, or not so well.
func describeLogged(x *Exchange, r *Request) {
	l := r.Logged
	if l == nil {
		return
	}
	x.Status = l.Status
	if x.Sent < 0 {
		x.Sent = l.BytesSent
	}
}

// describeHeads says what was asked and answered by the bytes at the client's socket.
func (a *Assembler) describeHeads(x *Exchange, w *work) {
	h := &w.head
	x.Method = string(h.Method)
	x.Path, x.Query, _ = strings.Cut(originForm(string(h.Target)), "?")
	x.Host = hostOf(string(h.Host))
	if h.Minor >= 0 && h.Method != nil {
		x.Protocol = "1." + strconv.Itoa(h.Minor)
	}
	x.Status = w.answer.Status
	x.Received, x.Sent = w.client.in.Bytes, w.client.out.Bytes
	x.Vague = h.Minor < 0 || h.Host == nil
	x.RequestID = string(h.RequestID)
	if x.RequestID == "" {
		x.RequestID = string(w.answer.RequestID)
	}
	x.ConnectionRequest = w.number
	x.TraceID, x.Parent = parseTraceParent(string(h.TraceParent))
	switch {
	case w.died != nil && h.Method == nil:
		x.Incomplete = append(x.Incomplete, "client side: the request did not end in the gateway, which alone could tell what was asked")
	case h.Method == nil:
		x.Incomplete = append(x.Incomplete, "client side: what it sent is not a request that can be read")
	}
}

// describeAttempt says what was asked by what the gateway asked an upstream, because the
// client's bytes cannot be read or were not seen.
func (a *Assembler) describeAttempt(x *Exchange, w *work) bool {
	for _, l := range w.legs {
		h, ok := a.heads.Request(l.asked)
		if !ok {
			continue
		}
		x.Method = string(h.Method)
		x.Path, x.Query, _ = strings.Cut(originForm(string(h.Target)), "?")
		x.Host = hostOf(string(h.Host))
		x.RequestID = string(h.RequestID)
		x.TraceID, x.Parent = parseTraceParent(string(h.TraceParent))
		answer, _ := a.heads.Response(l.answered)
		x.Status, x.Sent = answer.Status, -1
		x.TLS = w.client != nil && !isH2(w.client.asked)
		x.Vague = true // the gateway may have rewritten it
		x.Incomplete = append(x.Incomplete, "client side: its bytes cannot be read (TLS or HTTP/2): the request is shown as it was sent upstream")
		return true
	}
	if w.died != nil && len(w.legs) > 0 {
		x.Incomplete = append(x.Incomplete, "client side: it was not seen, and the request did not end in the gateway")
		return true
	}
	return false
}

func protocolOf(version int) string {
	switch version {
	case 9:
		return "0.9"
	case 1000:
		return "1.0"
	case 1001:
		return "1.1"
	case 2000:
		return "2"
	case 3000:
		return "3"
	}
	return ""
}

// splitLine returns method, path and query of a request line; what is missing is empty.
func splitLine(line string) (method, path, query string) {
	method, rest, ok := strings.Cut(line, " ")
	if !ok {
		return "", line, ""
	}
	if i := strings.LastIndexByte(rest, ' '); i >= 0 {
		rest = rest[:i]
	}
	path, query, _ = strings.Cut(originForm(rest), "?")
	return method, path, query
}

// originForm takes scheme and host off an absolute target.
func originForm(target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	if _, rest, ok := strings.Cut(target, "://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			return rest[i:]
		}
		return "/"
	}
	return target
}

// hostOf takes the port off a Host header, and makes it lower case.
func hostOf(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.ToLower(host)
}

func newTraceID() (id TraceID) {
	putUint64(id[:8], rand.Uint64())
	putUint64(id[8:], rand.Uint64()|1) // never all zero
	return id
}

func newSpanID() (id SpanID) {
	putUint64(id[:], rand.Uint64()|1)
	return id
}

func putUint64(b []byte, n uint64) {
	for i := range b {
		b[i] = byte(n >> (8 * i))
	}
}

// parseTraceParent reads the W3C header; what is not valid is as if it were not there.
func parseTraceParent(s string) (id TraceID, parent SpanID) {
	var version, flags [1]byte
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' || !unhex(version[:], s[:2]) || !unhex(flags[:], s[53:55]) {
		return id, parent
	}
	// Later versions may go on after another dash.
	if version[0] == 0xff || len(s) > 55 && (version[0] == 0 || s[55] != '-') {
		return id, parent
	}
	if !unhex(id[:], s[3:35]) || !unhex(parent[:], s[36:52]) || id == (TraceID{}) || parent == (SpanID{}) {
		return TraceID{}, SpanID{}
	}
	return id, parent
}

// unhex reads lower-case hex, as the header must have it.
func unhex(to []byte, s string) bool {
	for i := range to {
		high, low := nibble(s[2*i]), nibble(s[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		to[i] = high<<4 | low
	}
	return true
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

func since(from, to time.Time) time.Duration {
	if from.IsZero() || to.IsZero() {
		return -1
	}
	return max(to.Sub(from), 0)
}
