package trace

import (
	"strconv"
	"strings"
)

// judge says who made the response, and why, where it is not a plain one.
func (a *Assembler) judge(x *Exchange, w *work, c *leg) {
	last := x.lastAttempt()
	answered := last != nil && last.Status != 0
	switch {
	case w.died != nil:
		x.Source, x.ErrType = FromNginx, ErrGatewayDied
		x.excuse(ErrGatewayDied, "the worker died while it waited")
		x.Reason = "worker " + strconv.Itoa(w.died.PID) + " ended while the request was under way" + signalOf(w.died.Status)
		return
	case x.Status == 0 || x.Status == 499 || w.silent(c):
		w.unanswered(x, c)
	case answered && last.Status == x.Status:
		x.Source = FromUpstream
	case answered && x.Status < 400:
		x.Source = FromUpstream // 206, 304: nginx's filters cut the node's answer
	case answered && w.client != nil && string(w.answer.UpstreamStatus) == "":
		x.Source, x.Reason = FromAPISIX, "the node answered "+strconv.Itoa(last.Status)+", the gateway made "+strconv.Itoa(x.Status)+" of it"
	case answered:
		x.Source, x.Reason = FromAPISIX, "the node answered "+strconv.Itoa(last.Status)+", a plugin made "+strconv.Itoa(x.Status)+" of it"
	case last != nil && a.sealed(len(x.Attempts)-1):
		x.Source = FromUpstream
		if x.Status >= 400 {
			x.Source, x.Reason = FromUnknown, "the node's answer is TLS, which only nginx's request object tells"
		}
	case last != nil:
		x.Source = FromNginx
		x.ErrType = last.ErrType
		x.Reason = failed(x)
	default:
		w.unproxied(x)
	}
	if x.ErrType == "" && x.Status >= 500 {
		x.ErrType = strconv.Itoa(x.Status)
	}
}

// silent reports whether nothing at all was sent to the client, whatever status nginx gave
// the request: it makes a 400 or 408 of one that did not come whole, and sends it to nobody.
func (w *work) silent(c *leg) bool {
	r := w.request
	if r != nil && r.Logged != nil && r.Logged.BytesSent == 0 && r.Logged.ClientFailed {
		return true
	}
	return r != nil && !r.Stream && !r.TLS && c.Socket != 0 && c.out.Began.IsZero() && (!c.peerClosed.IsZero() || c.errno != 0)
}

// sealed reports whether an attempt brought an answer that cannot be read.
func (a *Assembler) sealed(i int) bool {
	l := a.tries[i]
	return l != nil && l.sealed()
}

// sealed reports whether there is an answer that cannot be read. One that came in the
// handshake is none.
func (l *leg) sealed() bool {
	return isRecord(l.asked) && !l.in.Began.IsZero() && (!isTLS(l.asked) || l.out.Turned.After(l.out.Began))
}

// unanswered is for clients that got no response: most have gone away themselves.
func (w *work) unanswered(x *Exchange, c *leg) {
	x.Source = FromNginx
	gone := c.peerClosed
	how := "closed its connection"
	if c.errno != 0 {
		how = "reset its connection"
		if gone.IsZero() {
			gone = c.failed
		}
	}
	switch last := x.lastAttempt(); {
	case !gone.IsZero() || x.Status == 499 || x.Logged != nil && x.Logged.ClientFailed:
		x.ErrType = ErrClientGone
		x.Reason = "the client " + how
		if d := since(c.in.Ended, gone); d >= 0 {
			x.Reason += " " + took(d) + " after its request"
		}
		switch {
		case last != nil && last.Status == 0:
			x.Reason += ", while the gateway waited for " + last.PeerName
			x.excuse(ErrClientGone, "the client had gone, so the gateway gave up")
		case last == nil:
			x.Reason += ", before the gateway asked an upstream"
		}
	case w.request != nil && w.request.Line == "":
		x.ErrType, x.Reason = ErrOther, "the connection ended before a whole request had come"
	default:
		x.ErrType, x.Reason = ErrOther, "the gateway closed the connection without a response"
	}
}

// excuse says why the last attempt has no answer, where the node has not failed.
func (x *Exchange) excuse(kind, reason string) {
	if last := x.lastAttempt(); last != nil && last.Status == 0 && last.ErrType == ErrTimeout {
		last.ErrType, last.Reason = kind, reason
	}
}

// failed explains nginx's answer to a request of which no attempt succeeded.
func failed(x *Exchange) string {
	last := x.lastAttempt()
	why := last.PeerName + ": " + last.Reason
	if last.Reason == "" {
		why = last.PeerName + " gave no answer"
	}
	switch n := len(x.Attempts); {
	case n == 2:
		why += "; the attempt before it failed, too"
	case n > 2:
		why += "; the " + strconv.Itoa(n-1) + " attempts before it failed, too"
	}
	return why
}

// unproxied is for responses without an attempt: who made them, Lua or nginx?
func (w *work) unproxied(x *Exchange) {
	if x.Status < 400 {
		x.Source = FromAPISIX
		return
	}
	if why := nginxOwn(x); why != "" || w.plainServer() {
		if why == "" {
			why = "nginx answered before Lua saw the request: it is malformed, or too large"
		}
		x.Source, x.Reason = FromNginx, why
		return
	}
	x.Source = FromAPISIX
	switch {
	case w.request != nil && w.request.Upstream != 0 && x.Status >= 500:
		x.Reason = "no node was tried: the balancer found none, or failed (see error.log)"
	case x.Status == 404:
		x.Reason = "no upstream was asked: no route matched, or a plugin answered"
	case x.Status >= 500:
		x.Reason = "no upstream was asked: a plugin answered, or Lua failed (see error.log)"
	default:
		x.Reason = "no upstream was asked: a plugin answered"
	}
}

// plainServer reports whether nginx made a 4xx before Lua saw the request: then it has no
// context of Lua's, and its response bears the name that nginx gives itself, where APISIX
// would have put its own.
func (w *work) plainServer() bool {
	if w.request != nil {
		return w.request.NoLua
	}
	s := string(w.answer.Server)
	return w.answer.Status < 500 && (strings.HasPrefix(s, "nginx") || strings.HasPrefix(s, "openresty"))
}

// nginxOwn names the statuses that nginx itself makes before Lua sees a request
// (src/http/ngx_http_request.c), "" for others.
func nginxOwn(x *Exchange) string {
	switch x.Status {
	case 400:
		if x.Method == "" || x.Protocol == "0.9" || x.Protocol == "1.1" && x.Host == "" {
			return "the request is malformed"
		}
	case 408:
		return "the client did not send a whole request in time (client_header_timeout, client_body_timeout)"
	case 413:
		return "the request body is larger than client_max_body_size"
	case 414:
		return "the request line is longer than large_client_header_buffers"
	case 494:
		return "the request headers are larger than large_client_header_buffers"
	case 495, 496:
		return "the client's certificate was refused"
	case 497:
		return "the client spoke plain HTTP to a TLS port"
	case 505:
		return "the protocol version is not supported"
	}
	return ""
}

// signalOf reads a wait(2) status.
func signalOf(status int) string {
	if n := status & 0x7f; n != 0 {
		return " (signal " + strconv.Itoa(n) + ")"
	}
	return ""
}
