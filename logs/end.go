package logs

import (
	"cmp"
	"strconv"

	"github.com/apisixscope/apisixscope/trace"
)

// Who ended a request before its time.
const (
	ByClient   = "client"
	ByGateway  = "gateway"
	ByUpstream = "upstream"
)

// end finds who gave up first, and says why where the exchange does not.
func (f *Fields) end(x *trace.Exchange) {
	f.GaveUp = gaveUp(x, f.Status)
	f.Reason = cmp.Or(f.Reason, why(x, f.GaveUp, f.Status))
}

// why says what nginx's record of a request alone tells of its end; "" for a good one.
func why(x *trace.Exchange, by string, status int) string {
	switch l := x.Logged; {
	case l != nil && l.ClientTimedOut:
		return "the client was too slow, so nginx gave up (client_body_timeout, send_timeout)"
	case by == ByClient && uploadAborted(x):
		return "the client went away in the middle of its upload: of " + contentLength(x) + " bytes not all had come"
	case by == ByClient && status == 0:
		return "the client went away before the gateway answered"
	case by == ByClient && status == 499:
		return "the client went away while the gateway worked"
	case by == ByClient:
		return "the client's connection failed before it had all of the response"
	case status == 0:
		return "the client got no response"
	}
	return ""
}

func gaveUp(x *trace.Exchange, status int) string {
	l := x.Logged
	switch {
	case x.ErrType == trace.ErrGatewayDied:
		return ByGateway
	case l != nil && l.ClientTimedOut, status == 408:
		return ByGateway
	case x.ErrType == trace.ErrClientGone, status == 499, l != nil && l.ClientFailed:
		return ByClient
	}
	switch x.ErrType {
	case trace.ErrTimeout, trace.ErrConnect:
		return ByGateway
	case trace.ErrRefused, trace.ErrReset, trace.ErrClosed:
		return ByUpstream
	}
	return ""
}

// uploadAborted reports whether a body was announced of which not all came. What was
// received has the head in it, so that this errs for none that came whole.
func uploadAborted(x *trace.Exchange) bool {
	n, err := strconv.ParseInt(contentLength(x), 10, 64)
	return err == nil && x.Received > 0 && n > x.Received
}

func contentLength(x *trace.Exchange) string { return headerOf(x, request, "content-length") }

// Ended reports whether the line needs a word more: the request did not come to its own end.
func (f *Fields) Ended() bool { return f.GaveUp != "" || f.Status == 0 }
