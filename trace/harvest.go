package trace

import "time"

// harvest takes from a client's connection whose bytes cannot be read, TLS or HTTP/2, the
// requests that were over before t. They are known by what was done for them alone; several
// may be under way at once, so the request object that Lua named tells them apart.
func (a *Assembler) harvest(w *work, t time.Time) {
	open := map[uint64]bool{}
	for _, l := range w.legs {
		if !l.over() || l.ended().After(t) {
			open[l.owner.Request] = l.owner.Request != 0 || open[l.owner.Request]
		}
	}
	var rest []*leg
	parts := map[uint64]*work{}
	for _, l := range w.legs {
		r := l.owner.Request
		if open[r] || !w.queued && (!l.over() || l.ended().After(t)) {
			rest = append(rest, l)
			continue
		}
		part := parts[r]
		if part == nil || r == 0 || part.answered() {
			part = &work{key: w.key, queued: true, client: &leg{Conn: w.client.Conn, asked: w.client.asked}}
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
