package trace

import (
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Values of error.type: what ended an attempt or a request without a response.
const (
	ErrRefused     = "connection_refused"
	ErrReset       = "connection_reset"
	ErrUnreachable = "unreachable"
	ErrConnect     = "connect_timeout"
	ErrTimeout     = "timeout"
	ErrClosed      = "connection_closed"
	ErrTLS         = "tls_error"
	ErrClientGone  = "client_closed"
	ErrGatewayDied = "gateway_crashed"
	ErrOther       = "_OTHER"
)

// failure says why an attempt brought no response: l is its socket, s nginx's record.
func failure(l *leg, s *UpstreamState, t *Attempt) (kind, reason string) {
	if l == nil {
		return failureByClock(s)
	}
	errno := l.errno
	if errno == 0 {
		errno = l.connectErrno
	}
	where := t.condition()
	switch {
	case errno != 0:
		return failureByErrno(syscall.Errno(errno), l, where)
	case l.out.Began.IsZero() && l.Established.IsZero() && !t.Reused:
		return ErrConnect, "no answer to connect within " + took(t.Duration) + ": the gateway gave up (timeout.connect)"
	case !l.peerClosed.IsZero() && isTLS(l.asked) && l.in.Bytes < 512 && !t.Reused:
		return ErrTLS, "the node closed the connection during the TLS handshake"
	case !l.peerClosed.IsZero():
		return ErrClosed, "the node closed the connection without an answer, " +
			took(since(l.out.Ended, l.peerClosed)) + " after the request" + where
	case l.closed.IsZero():
		return "", "" // still under way
	case l.out.Began.IsZero():
		return ErrOther, "the gateway closed the connection before it sent the request" + where
	case !l.in.Began.IsZero():
		return ErrTimeout, "the response stopped after " + strconv.FormatInt(l.in.Bytes, 10) +
			" bytes: the gateway gave up after " + took(since(l.out.Ended, l.closed)) + " (timeout.read)"
	}
	return ErrTimeout, "no response within " + took(since(l.out.Ended, l.closed)) + ": the gateway gave up (timeout.read)" + where
}

func failureByErrno(errno syscall.Errno, l *leg, where string) (kind, reason string) {
	after := took(since(l.began(), l.failed))
	switch errno {
	case syscall.ECONNREFUSED:
		return ErrRefused, "the node refused the connection (ECONNREFUSED after " + after + ")"
	case syscall.ECONNRESET, syscall.EPIPE:
		return ErrReset, "the node reset the connection (" + errnoName(errno) + " after " + after + ")" + where
	case syscall.ETIMEDOUT:
		return ErrConnect, "the node did not answer (ETIMEDOUT after " + after + ")"
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EADDRNOTAVAIL:
		return ErrUnreachable, "the node cannot be reached (" + errnoName(errno) + ")"
	}
	return ErrOther, "the connection failed: " + errno.Error() + " (" + errnoName(errno) + ")" + where
}

// failureByClock knows nginx's own record alone.
func failureByClock(s *UpstreamState) (kind, reason string) {
	switch {
	case s == nil || s.Header >= 0:
		return "", ""
	case s.Connect < 0 && !strings.ContainsAny(s.Peer, ":/"):
		// nginx names the upstream where it chose no peer (ngx_http_upstream_connect).
		return ErrUnreachable, "no node was tried: nginx takes all of them for failed (no live upstreams)"
	case s.Status == 504 && s.Connect < 0:
		return ErrConnect, "no answer to connect within " + took(s.Response)
	case s.Status == 504:
		return ErrTimeout, "no response within " + took(s.Response)
	}
	if s.Connect < 0 {
		return ErrOther, "the gateway could not connect; its socket was not seen, so the cause is not known"
	}
	return ErrOther, "the node gave no answer; its socket was not seen, so the cause is not known"
}

func errnoName(e syscall.Errno) string {
	switch e {
	case syscall.ECONNRESET:
		return "ECONNRESET"
	case syscall.EPIPE:
		return "EPIPE"
	case syscall.EHOSTUNREACH:
		return "EHOSTUNREACH"
	case syscall.ENETUNREACH:
		return "ENETUNREACH"
	case syscall.EADDRNOTAVAIL:
		return "EADDRNOTAVAIL"
	}
	return "errno " + strconv.Itoa(int(e))
}

// condition says on what kind of connection an attempt was made.
func (t *Attempt) condition() string {
	switch {
	case !t.Reused:
		return ", on a new connection"
	case t.Age >= 0:
		return ", on a reused connection, " + took(t.Age) + " old, at its " + ordinal(t.Exchange) + " request"
	}
	return ", on a reused connection, older than the window"
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// took writes a duration with the three digits that matter.
func took(d time.Duration) string {
	if d < 0 {
		return "an unknown time"
	}
	digits := time.Duration(1)
	for d/digits >= 1000 {
		digits *= 10
	}
	return d.Round(digits).String()
}
