package trace

import (
	"net/netip"
	"strconv"
	"time"
)

// attempts fills x.Attempts, and remembers in each of them which leg it is.
func (a *Assembler) attempts(x *Exchange, w *work) {
	a.tries = a.tries[:0]
	if w.request != nil {
		a.byStates(x, w)
		return
	}
	a.byLines(x, w)
}

// byStates pairs nginx's record of each attempt with the socket that it used. nginx and
// the sockets have them in the same order, but an attempt may have had no socket: where no
// node was alive, or over a UNIX socket.
func (a *Assembler) byStates(x *Exchange, w *work) {
	next := 0
	for i := range w.request.Attempts {
		s := &w.request.Attempts[i]
		peer, _ := netip.ParseAddrPort(s.Peer)
		l := w.attemptAt(&next, peer)
		a.try(x, l, s, peer)
	}
	for l := w.nextAttempt(&next); l != nil; l = w.nextAttempt(&next) {
		a.try(x, l, nil, l.Remote) // more than the kernel side copies
	}
	if t := x.lastAttempt(); t != nil && len(x.Attempts) > len(w.request.Attempts) && t.Status == 0 && t.Received > 0 {
		t.Status, t.ErrType, t.Reason = w.request.Status, "", ""
	}
	if all := w.request.AttemptsLen; all > len(x.Attempts) {
		x.Incomplete = append(x.Incomplete, "attempts: "+strconv.Itoa(all-len(x.Attempts))+" of "+strconv.Itoa(all)+
			" are not shown: nginx has a record of more than are copied")
	}
}

// attemptAt returns the next of nginx's own legs if it leads to peer.
func (w *work) attemptAt(next *int, peer netip.AddrPort) *leg {
	at := *next
	l := w.nextAttempt(&at)
	// After a connect that failed at once, the kernel has forgotten the address.
	if l == nil || peer.IsValid() && l.Remote != peer && l.Remote.Port() != 0 || !peer.IsValid() {
		return nil
	}
	*next = at
	return l
}

func (w *work) nextAttempt(next *int) *leg {
	for *next < len(w.legs) {
		l := w.legs[*next]
		*next++
		if l.proxies() {
			return l
		}
	}
	return nil
}

// proxies reports whether l is known to be an attempt of nginx's upstream module.
func (l *leg) proxies() bool { return l.owner.How == OwnerUpstream || l.owner.How == OwnerPeer }

// byLines tells attempts from other calls by what was sent: the last HTTP request is the
// attempt that was answered; those before it with the same request line, which were over
// when it began, failed. What ran beside it is a mirror's, the others are plugins' calls.
func (a *Assembler) byLines(x *Exchange, w *work) {
	for i, l := range w.legs {
		if !l.proxies() {
			continue
		}
		if n := len(x.Attempts); n > 0 && a.another(x, l) {
			// The rest of them, and of their calls, is not this request's.
			for _, other := range w.legs[i:] {
				a.forget(other)
			}
			w.legs = w.legs[:i]
			x.Sent = -1
			x.Incomplete = append(x.Incomplete, "client side: requests came in one piece (pipelined), which sockets alone do not tell apart: the first one is shown")
			return
		}
		a.try(x, l, nil, l.Remote)
	}
	if len(x.Attempts) > 0 {
		return
	}
	var last *leg
	for _, l := range w.legs {
		if !l.owner.proved() && a.asks(l) {
			last = l
		}
	}
	if last == nil {
		return
	}
	last = a.original(w, last)
	for _, l := range w.legs {
		if l == last || !l.owner.proved() && a.sameAs(l, last) {
			a.try(x, l, nil, l.Remote)
		}
	}
}

// another reports whether l is no further attempt of x, but of a request that was read
// together with it: the attempt before was answered, and nginx does not ask again.
func (a *Assembler) another(x *Exchange, l *leg) bool {
	prev, answer := a.tries[len(a.tries)-1], x.Attempts[len(x.Attempts)-1].Status
	return answer >= 200 && answer < 400 || answer >= 400 && prev != nil && !a.sameLine(l, prev)
}

// asks reports whether l may be an attempt at an upstream.
func (a *Assembler) asks(l *leg) bool {
	if l.asked == nil {
		return l.errno+l.connectErrno != 0
	}
	_, ok := a.heads.Request(l.asked)
	return ok || isRecord(l.asked)
}

// original returns the attempt among equal requests that ran beside last, of which the
// others are a mirror's: the one whose response is like that to the client. Nothing proves
// it, so all of them are in doubt.
func (a *Assembler) original(w *work, last *leg) *leg {
	best := last
	for _, l := range w.legs {
		if l == last || l.owner.proved() || !l.ended().After(last.began()) || !a.sameLine(l, last) {
			continue
		}
		l.doubt, last.doubt = true, true
		if a.resembles(w, l) && (!a.resembles(w, best) || l.began().Before(best.began())) {
			best = l
		}
	}
	return best
}

// resembles reports whether a node's response has the status and length that the client got.
func (a *Assembler) resembles(w *work, l *leg) bool {
	if l.in.Began.After(w.client.out.Began) {
		return false // the client had its response before
	}
	h, ok := a.heads.Response(l.answered)
	return ok && h.Status == w.answer.Status && h.Body == w.answer.Body
}

// sameAs reports whether l was an earlier attempt at what last asks.
func (a *Assembler) sameAs(l, last *leg) bool {
	if l.ended().After(last.began()) {
		return false
	}
	if l.asked == nil { // it did not come so far as to ask
		return l.errno+l.connectErrno != 0 || !l.closed.IsZero()
	}
	return a.sameLine(l, last)
}

// sameLine reports whether two legs ask for the same.
func (a *Assembler) sameLine(l, k *leg) bool {
	// The parser may use its room again, so the strings are compared one by one.
	h, ok := a.heads.Request(l.asked)
	method, target := string(h.Method), string(h.Target)
	g, also := a.heads.Request(k.asked)
	return ok && also && method == string(g.Method) && target == string(g.Target)
}

// try appends an attempt: l is its socket, s nginx's record of it; one may be missing.
func (a *Assembler) try(x *Exchange, l *leg, s *UpstreamState, peer netip.AddrPort) {
	x.Attempts = append(x.Attempts, Attempt{
		Peer: peer, Confident: Exact, Evidence: evidenceStates,
		Age: -1, Connect: -1, TLS: -1, Send: -1, Wait: -1, Read: -1, Duration: -1,
	})
	a.tries = append(a.tries, l)
	t := &x.Attempts[len(x.Attempts)-1]
	if s != nil {
		t.PeerName, t.Sent, t.Received, t.Duration = s.Peer, s.Sent, s.Received, s.Response
		if s.Header >= 0 {
			t.Status = s.Status
		}
	} else if peer.IsValid() {
		t.PeerName = peer.String()
	}
	if l == nil {
		t.byClock(s)
		return
	}
	if s == nil {
		answer, _ := a.heads.Response(l.answered)
		t.Status = answer.Status
	}
	t.Evidence, t.Confident = l.evidence()
	t.bySocket(l, s)
}

// byClock takes the times that nginx has of an attempt whose socket was not seen.
func (t *Attempt) byClock(s *UpstreamState) {
	t.Connect = s.Connect
	if s.Header >= 0 {
		t.Wait = s.Header - max(s.Connect, 0)
		t.Read = max(s.Response-s.Header, 0)
	}
	t.ErrType, t.Reason = failure(nil, s, t)
}

// bySocket takes an attempt's times and addresses from its socket.
func (t *Attempt) bySocket(l *leg, s *UpstreamState) {
	t.Local, t.Start, t.Reused = l.Local, l.began(), l.reused()
	t.Exchange = int(l.exchange)
	if s == nil {
		t.Sent, t.Received = l.out.Bytes, l.in.Bytes
	}
	ready, heard := l.out.Began, l.in.Began
	if t.Reused {
		t.Connect = 0
		t.Age = since(l.Opened, l.out.Began)
	} else {
		t.Age = 0
		t.Connect = since(l.Opened, l.Established)
		if !l.Established.IsZero() && !ready.IsZero() {
			ready = l.Established // the worker may be slow to notice
		}
		if isTLS(l.asked) {
			ready, heard = t.handshake(l, s)
		}
	}
	sent, end := l.out.Ended, l.ended()
	if t.Status == 101 {
		sent = l.out.Began // what followed went through the tunnel
	}
	t.Send = since(ready, sent)
	switch {
	case !heard.IsZero():
		t.Wait, t.Read = since(sent, heard), since(heard, l.in.Ended)
	case !ready.IsZero():
		t.Wait = since(l.out.Ended, end)
	case t.Connect < 0:
		t.Connect = since(l.Opened, end)
	}
	t.Duration = since(t.Start, end)
	if t.Status == 0 && (s != nil || !l.sealed()) {
		t.ErrType, t.Reason = failure(l, s, t)
	}
}

// handshake takes the TLS handshake off a new connection's messages and returns when the
// connection was ready and when the response began. The last turn of writing holds the client's Finished and
// the request; the first bytes after it may be session tickets, so nginx's own clock tells
// where the response cannot have begun yet.
func (t *Attempt) handshake(l *leg, s *UpstreamState) (ready, heard time.Time) {
	t.TLS = since(l.out.Began, l.out.Turned)
	if l.in.Turned.After(l.out.Turned) {
		heard = l.in.Turned
	}
	if s != nil && s.Header >= 0 && !heard.IsZero() {
		head := l.began().Add(s.Header - time.Millisecond)
		if head.After(heard) {
			heard = head
			if l.in.Ended.Before(heard) {
				heard = l.in.Ended
			}
		}
	}
	return l.out.Turned, heard
}

// evidence says how a leg was tied to its request, and whether that is proof.
func (l *leg) evidence() (string, Confidence) {
	switch {
	case l.doubt:
		return evidenceTwin, Inferred
	case l.how == byID:
		return evidenceID, Exact
	case l.how == byLine:
		return evidenceLine, Inferred
	case l.owner.How == OwnerUpstream:
		return evidenceUpstream, Exact
	case l.owner.How == OwnerSubrequest:
		return evidenceSubrequest, Exact
	case l.owner.How == OwnerCosocket:
		return evidenceCosocket, Exact
	case l.owner.How == OwnerLua:
		return evidenceLua, Exact
	case l.owner.How == OwnerPeer, l.owner.How == OwnerSubpeer:
		return evidencePeer, Exact
	}
	return evidenceTick, Inferred
}
