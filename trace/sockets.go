package trace

import "time"

// outgoing takes a message at a socket that a worker opened.
func (a *Assembler) outgoing(m *Message) {
	l := a.legs[m.Socket]
	if l != nil && l.tunnels(m) {
		l.take(m)
		return
	}
	if l == nil || m.Starts && l.latest != m.Exchange {
		if l != nil {
			l.end(m)
			a.retire(l)
		} else if len(a.legs) >= maxLegs {
			a.lost["assembler_sockets_full"]++
			return
		}
		prev := l
		l = newLeg(m)
		if prev != nil && !prev.done {
			l.prev = prev
		}
		a.legs[m.Socket] = l
	} else if l.latest != m.Exchange {
		return // its beginning was lost
	}
	l.take(m)
	if l.done {
		return
	}
	a.meet(l)
	if l.work == nil {
		a.link(l)
	}
}

// meet ties a worker's leg to the upstream's end of it, whichever was told first: the
// sequence number of the first byte is the same.
func (a *Assembler) meet(l *leg) {
	if l.out.Began.IsZero() || l.far != nil {
		return
	}
	a.unmeet(l)
	l.seq = l.out.Seq
	a.seqs[l.seq] = l
	if f := a.strangers[l.out.Seq]; f != nil {
		delete(a.strangers, l.out.Seq)
		l.far, f.near = f, l
	}
}

// unmeet takes back what meet has noted.
func (a *Assembler) unmeet(l *leg) {
	if a.seqs[l.seq] == l {
		delete(a.seqs, l.seq)
	}
}

// retire ends a leg whose socket goes on with another one. Nobody's needs no keeping.
func (a *Assembler) retire(l *leg) {
	if l.work == nil {
		a.forget(l)
	}
}

// tunnels reports whether a message belongs to l's exchange though the kernel side took it
// for a new one: without the request object, it cannot tell a TLS handshake or a WebSocket
// from requests that follow each other.
func (l *leg) tunnels(m *Message) bool {
	if l.work == nil || l.work.queued || l.work.client == nil {
		return false
	}
	if !m.Starts {
		return l.longer && m.Exchange == l.latest
	}
	if isAlert(m.Head) { // TLS close_notify
		l.longer = true
		return true
	}
	o, p := l.owner, m.Owner
	if o.Socket != p.Socket || o.Exchange != p.Exchange && p.Exchange > l.work.last {
		return false
	}
	l.longer = isTLS(l.asked) || isUpgrade(l.answered)
	return l.longer
}

// upstream takes a message at a socket that an upstream's process accepted.
func (a *Assembler) upstream(m *Message) {
	l := a.far[m.Socket]
	switch {
	case l != nil && (l.latest == m.Exchange || l.near != nil && isUpgrade(l.near.answered)):
		l.take(m)
	case m.Starts:
		n := newLeg(m)
		n.take(m)
		if l != nil && l.near != nil && !l.near.done {
			l.next, n.near = n, l.near // if it is the same exchange for the gateway, see whole
		}
		a.leave(l)
		a.arrive(n)
	}
}

// whole returns an upstream's end of l: what the gateway sent in one exchange, a TLS
// handshake and a request, may be many for the process.
func (l *leg) whole() *leg {
	f := l.far
	if f == nil {
		return nil
	}
	sum := *f
	for n := f.next; n != nil && n.in.Seq-l.out.Seq < uint32(l.out.Bytes); n = n.next {
		sum.in.Ended, sum.in.Turned = n.in.Ended, n.in.Turned
		sum.in.Bytes += n.in.Bytes
		if n.out.Calls > 0 {
			sum.out.Ended, sum.out.Turned = n.out.Ended, n.out.Turned
			sum.out.Bytes += n.out.Bytes
		}
		sum.closed = n.closed
	}
	return &sum
}

// arrive takes note of an upstream's end of an exchange.
func (a *Assembler) arrive(l *leg) {
	a.far[l.Socket] = l
	if near := a.seqs[l.in.Seq]; near != nil && near.far == nil {
		l.near, near.far = near, l
		return
	}
	a.strangers[l.in.Seq] = l
}

// leave lets go of an upstream's end of an exchange that is over.
func (a *Assembler) leave(l *leg) {
	if l == nil {
		return
	}
	delete(a.far, l.Socket)
	if a.strangers[l.in.Seq] == l {
		delete(a.strangers, l.in.Seq)
	}
}

// incoming takes a message at a client's socket, where the request object is not read.
func (a *Assembler) incoming(m *Message) {
	w := a.clients[m.Socket]
	if m.Direction == In && m.Starts && (w == nil || w.client.latest != m.Exchange) {
		if w != nil && w.goesOn() {
			w.take(m, a.heads)
			a.works[workKey{socket: m.Socket, exchange: m.Exchange}] = w
			return
		}
		if w != nil {
			w.client.end(m)
			w.at = m.Flow.Began
			a.queue(w)
		}
		if a.numbers[m.Socket] == lingers {
			return
		}
		if w = a.open(workKey{socket: m.Socket, exchange: m.Exchange}); w == nil {
			return
		}
		w.client = newLeg(m)
		a.numbers[m.Socket]++
		if !m.Opened.IsZero() { // else there were others before the window
			w.number = a.numbers[m.Socket]
		}
		a.clients[m.Socket] = w
	}
	if w == nil || w.client.latest != m.Exchange {
		return // its request came before the window
	}
	w.take(m, a.heads)
	w.at = m.Flow.Began
	if m.Direction == Out {
		a.claim(w)
		if w.answer.Close && w.answer.Status >= 200 {
			a.numbers[m.Socket] = lingers
		}
	}
}

// lingers stands for the number of requests of a socket whose last response said that the
// connection ends: what comes then, nginx reads and throws away (lingering_close).
const lingers = -1

// open returns the work under key, which it makes if need be; nil if there are too many.
func (a *Assembler) open(key workKey) *work {
	if w := a.works[key]; w != nil {
		return w
	}
	if len(a.works) >= maxWorks {
		a.lost["assembler_requests_full"]++
		return nil
	}
	w := &work{key: key, last: key.exchange}
	a.works[key] = w
	return w
}

func (a *Assembler) tail(t *Tail) {
	switch w := a.clients[t.Socket]; {
	case w != nil:
		w.client.tail(t)
	case t.Side == SideConnected:
		a.legs[t.Socket].tail(t)
	case !t.Gateway:
		l := a.far[t.Socket]
		if l == nil || l.latest < t.Exchange {
			// The request that it tells was not answered yet.
			a.leave(l)
			l = &leg{Conn: t.Conn, exchange: t.Exchange, latest: t.Exchange}
			l.tail(t)
			a.arrive(l)
			return
		}
		l.tail(t)
	}
}

func (a *Assembler) close(at time.Time, c *Close) {
	switch {
	case c.Side == SideConnected:
		l := a.legs[c.Socket]
		delete(a.legs, c.Socket)
		if l == nil || l.latest != c.Exchange {
			if c.Exchange == 0 {
				return // it was open before the window, and nothing moved
			}
			prev := l
			if prev != nil {
				a.retire(prev)
			}
			l = &leg{exchange: c.Exchange, latest: c.Exchange, tick: c.Tick}
			if prev != nil && !prev.done {
				l.prev = prev
			}
		}
		l.shut(at, c)
		if !l.done {
			a.meet(l)
		}
		if l.work == nil && !l.done {
			a.link(l)
		}
		a.retire(l)
	case c.Gateway:
		a.clientLeaves(at, c)
	default:
		l := a.far[c.Socket]
		if l == nil || l.latest < c.Exchange {
			a.leave(l)
			l = &leg{Conn: c.Conn, exchange: c.Exchange, latest: c.Exchange}
			l.shut(at, c)
			a.arrive(l)
		}
		l.shut(at, c)
		delete(a.far, c.Socket)
		if a.strangers[l.in.Seq] == l {
			a.gone = append(a.gone, l) // the gateway's end may be told yet
		}
	}
}

// clientLeaves takes the end of a client's socket. With the request object it is told only
// of a worker that died, whose end comes next.
func (a *Assembler) clientLeaves(at time.Time, c *Close) {
	w := a.clients[c.Socket]
	known := a.numbers[c.Socket] != 0
	delete(a.numbers, c.Socket)
	switch {
	case w != nil:
		w.client.shut(at, c)
		w.at = at
		a.queue(w)
	case !known && !c.In.Began.IsZero():
		l := &leg{Conn: c.Conn, exchange: c.Exchange, latest: c.Exchange, tick: c.Tick}
		l.shut(at, c)
		a.leaving = append(a.leaving, l)
	}
}
