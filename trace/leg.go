package trace

import "time"

// A leg is one exchange at one socket, as far as it was told: of a worker with a node or
// with what Lua asked, of an upstream's process with the gateway, or, where the request
// object is not read, of a worker with a client.
type leg struct {
	Conn
	exchange     uint32
	latest       uint32 // the last exchange, as the kernel side counts, that is part of it
	owner        Owner
	plugin       string  // that ran for the owner when it began
	out, in      Flow    // as seen from the process that owns the socket
	past         [2]Flow // of them, by Direction, what came before latest
	asked        []byte
	answered     []byte // first bytes of the request and of the response
	tick         time.Time
	peerClosed   time.Time
	failed       time.Time
	closed       time.Time
	errno        int
	connectErrno int

	work   *work  // whose it is; nil for nobody's
	prev   *leg   // the exchange before it at the same socket, until that was shown
	far    *leg   // the same exchange in the upstream's own process
	near   *leg   // of a far leg, the gateway's
	next   *leg   // of a far leg, the exchange after it at the same socket
	seq    uint32 // its key in Assembler.seqs
	id     string
	twin   *leg   // another one with the same id, which began earlier
	longer bool   // several exchanges, as the kernel side sees it, are one
	done   bool   // it was shown, or is nobody's
	doubt  bool   // it may be the attempt, or a mirror's
	how    linked // how work was found, when the owner does not say it
}

// linked tells how a leg was tied to its request in user space.
type linked uint8

const (
	byOwner linked = iota
	byID           // the request id that the gateway made is in both
	byLine         // same worker and request line
)

func newLeg(m *Message) *leg {
	return &leg{Conn: m.Conn, exchange: m.Exchange, latest: m.Exchange, owner: m.Owner, plugin: m.Plugin, tick: m.Tick}
}

// take adds what a message tells: its own beginning, and the end of the one before.
func (l *leg) take(m *Message) {
	if m.Exchange != l.latest { // only the kernel side took it for a new exchange
		l.latest = m.Exchange
		l.past = [2]Flow{In: l.in, Out: l.out}
	} else if l.latest == l.exchange {
		l.Conn, l.owner, l.plugin = m.Conn, m.Owner, m.Plugin
	}
	request := (m.Side == SideConnected) == (m.Direction == Out)
	switch {
	case request && l.asked == nil:
		l.asked = append(l.asked, m.Head...)
	case !request && l.answered == nil:
		l.answered = append(l.answered, m.Head...)
	}
	if m.Joined && l.asked == nil {
		l.asked = append(l.asked, m.Asked...)
	}
	l.flow(m.Direction, m.Flow)
	if m.Joined || !m.Starts {
		l.flow(1-m.Direction, m.Before)
	}
}

// flow takes one direction of the latest exchange, unless more of it is known already.
func (l *leg) flow(d Direction, now Flow) {
	f := &l.in
	if d == Out {
		f = &l.out
	}
	past := l.past[d]
	if now.Calls == 0 || now.Calls+past.Calls < f.Calls {
		return
	}
	if past.Calls == 0 {
		*f = now
		return
	}
	f.Ended, f.Turned = now.Ended, now.Turned
	f.Bytes, f.Calls = past.Bytes+now.Bytes, past.Calls+now.Calls
}

// end takes what came last of this leg from the first message of the next one.
func (l *leg) end(m *Message) {
	if m.Exchange == l.latest+1 && !m.Joined {
		l.flow(1-m.Direction, m.Before)
	}
}

// tail takes both directions as they were when the tail was taken: a message may have
// told more since. The tail may be of an exchange before l.
func (l *leg) tail(t *Tail) {
	for ; l != nil; l = l.prev {
		if t.Exchange == l.latest {
			l.flow(In, t.In)
			l.flow(Out, t.Out)
			return
		}
	}
}

// shut takes the end of the socket.
func (l *leg) shut(at time.Time, c *Close) {
	if c.Exchange != l.latest {
		return
	}
	if l.latest == l.exchange {
		l.Conn, l.owner, l.plugin = c.Conn, c.Owner, c.Plugin
	}
	l.flow(In, c.In)
	l.flow(Out, c.Out)
	if l.asked == nil {
		l.asked = append(l.asked, c.Asked...)
	}
	l.closed, l.peerClosed, l.failed = at, c.PeerClosed, c.Failed
	l.errno, l.connectErrno = c.Errno, c.ConnectErrno
}

// over reports whether the leg has been answered, or never will be.
func (l *leg) over() bool { return !l.in.Began.IsZero() || !l.closed.IsZero() }

// reused reports whether the connection had served before this leg.
func (l *leg) reused() bool { return l.exchange > 1 || l.Opened.IsZero() }

// began is when the leg's work began: a new connection's with connect.
func (l *leg) began() time.Time {
	if !l.reused() {
		return l.Opened
	}
	if l.out.Began.IsZero() {
		return l.in.Began
	}
	return l.out.Began
}

// ended is the last time that anything is known to have happened.
func (l *leg) ended() time.Time {
	last := l.out.Ended
	if l.in.Ended.After(last) {
		last = l.in.Ended
	}
	if l.in.Began.IsZero() || l.errno != 0 {
		// It ended without a response, so its end is what ended it.
		for _, t := range []time.Time{l.peerClosed, l.failed} {
			if t.After(last) {
				last = t
			}
		}
		if l.peerClosed.IsZero() && l.failed.IsZero() && l.closed.After(last) {
			last = l.closed
		}
	}
	if last.Before(l.began()) {
		return l.began()
	}
	return last
}
