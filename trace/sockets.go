package trace

import (
	"bytes"
	"time"
)

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
		l = newLeg(m)
		a.legs[m.Socket] = l
	} else if l.latest != m.Exchange {
		return // its beginning was lost
	}
	l.take(m)
	if l.done {
		return
	}
	if m.Direction == Out {
		a.seqs[m.Flow.Seq] = l
	}
	if l.work == nil {
		a.link(l)
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
	l.longer = isTLS(l.asked) || bytes.HasPrefix(l.answered, []byte("HTTP/1.1 101"))
	return l.longer
}

// retire ends a leg whose socket goes on with another one. Nobody's needs no keeping.
func (a *Assembler) retire(l *leg) {
	if l.work == nil {
		a.forget(l)
	}
}

// upstream takes a message at a socket that an upstream's process accepted. The same
// bytes have left the gateway before, so its end of them is known, or is none of ours.
func (a *Assembler) upstream(m *Message) {
	l := a.far[m.Socket]
	if m.Direction == In && (l == nil || m.Starts) {
		near := a.seqs[m.Flow.Seq]
		switch {
		case near != nil && near.far == nil:
			if l != nil {
				l.end(m)
			}
			l = newLeg(m)
			l.near, near.far = near, l
			a.far[m.Socket] = l
		case l != nil && l.near.far == l && a.legs[l.near.Socket] == l.near:
			// A TLS handshake or a tunnel: for the gateway one exchange, for this end many.
			l.take(m)
			return
		default:
			if l != nil {
				l.end(m)
				delete(a.far, m.Socket)
			}
			return
		}
	}
	if l != nil && l.latest == m.Exchange {
		l.take(m)
	}
}

// incoming takes a message at a client's socket, where the request object is not read.
func (a *Assembler) incoming(m *Message) {
	w := a.clients[m.Socket]
	if m.Direction == In && m.Starts && (w == nil || w.client.latest != m.Exchange) {
		if w != nil && w.goesOn(m.Head, a.heads) {
			w.take(m, a.heads)
			a.works[workKey{socket: m.Socket, exchange: m.Exchange}] = w
			return
		}
		if w != nil {
			w.client.end(m)
			w.at = m.Flow.Began
			a.queue(w)
		}
		if w = a.open(workKey{socket: m.Socket, exchange: m.Exchange}); w == nil {
			return
		}
		w.client = newLeg(m)
		a.clients[m.Socket] = w
	}
	if w == nil || w.client.latest != m.Exchange {
		return // its request came before the window
	}
	w.take(m, a.heads)
	w.at = m.Flow.Began
	if m.Direction == Out {
		a.claim(w)
	}
}

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
	if l := a.legs[t.Socket]; l != nil {
		l.tail(t)
		return
	}
	if l := a.far[t.Socket]; l != nil {
		l.tail(t)
		return
	}
	if w := a.clients[t.Socket]; w != nil {
		w.client.tail(t)
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
			l = &leg{exchange: c.Exchange, latest: c.Exchange, tick: c.Tick}
		}
		l.shut(at, c)
		if l.work == nil && !l.done {
			a.link(l)
		}
		a.retire(l)
	case c.Gateway:
		if w := a.clients[c.Socket]; w != nil {
			w.client.shut(at, c)
			w.at = at
			a.queue(w)
		}
	default:
		if l := a.far[c.Socket]; l != nil {
			l.shut(at, c)
			delete(a.far, c.Socket)
		}
	}
}
