package logs

import (
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
	aborted := f.GaveUp != "" && f.GaveUp != ByUpstream && uploadAborted(x)
	switch l := x.Logged; {
	case f.Reason == "" && l != nil && l.ClientTimedOut:
		f.Reason = "the client was too slow, so nginx gave up (client_body_timeout, send_timeout)"
	case f.Reason == "" && f.GaveUp == ByClient && f.Status == 0:
		f.Reason = "the client went away before the gateway answered"
	case f.Reason == "" && f.GaveUp == ByClient && f.Status == 499:
		f.Reason = "the client went away while the gateway worked"
	case f.Reason == "" && f.GaveUp == ByClient:
		f.Reason = "the client's connection failed before it had all of the response"
	case f.Reason == "" && f.Status == 0:
		f.Reason = "the client got no response"
	}
	if aborted {
		f.Reason += "; of its body of " + contentLength(x) + " bytes not all had come"
	}
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
