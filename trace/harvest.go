package trace

import "time"

// harvest takes from a client's connection whose bytes cannot be read, TLS or HTTP/2, the
// requests that were over before t. They are known by what was done for them alone; several
// may be under way at once, so the request object that Lua named tells them apart.
func (a *Assembler) harvest(w *work, t time.Time) {
	type request struct {
		address uint64
		stream  uint32
	}
	of := func(l *leg) request { return request{l.owner.Request, l.owner.Exchange} }
	open := map[request]bool{}
	for _, l := range w.legs {
		if l.owner.Request != 0 && (!l.over() || l.ended().After(t)) {
			open[of(l)] = true
		}
	}
	var rest []*leg
	parts := map[request]*work{}
	for _, l := range w.legs {
		r := of(l)
		if !w.queued && (open[r] || !l.over() || l.ended().After(t)) {
			rest = append(rest, l)
			continue
		}
		part := parts[r]
		if part == nil || r.address == 0 || part.answered() {
			part = &work{key: w.key, queued: true, client: w.client.common()}
			parts[r] = part
			a.ready = append(a.ready, part)
		}
		l.work = part
		part.legs = append(part.legs, l)
		if l.ended().After(part.at) {
			part.at = l.ended()
		}
	}
	w.legs = rest
}

// common returns what all requests of a connection whose bytes cannot be read share.
func (l *leg) common() *leg {
	return &leg{Conn: l.Conn, asked: l.asked, closed: l.closed, peerClosed: l.peerClosed, failed: l.failed, errno: l.errno}
}

// answered reports whether an attempt for w brought a response: what the same request
// object does afterwards, it does for another request.
func (w *work) answered() bool {
	for _, l := range w.legs {
		if l.proxies() && !l.in.Began.IsZero() {
			return true
		}
	}
	return false
}
