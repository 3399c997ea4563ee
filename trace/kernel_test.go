package trace_test

import "github.com/apisixscope/apisixscope/trace"

// What socket.bpf.c makes of bytes that move: which of them begin a message, whose it is,
// and what is told of it.

// next is whose an exchange would be that began now.
func (c *socket) next() trace.Owner {
	if p := c.s.pending; p != nil {
		c.s.pending = nil
		return *p
	}
	o := c.s.current
	o.How = trace.OwnerNone
	if o.Socket != 0 {
		o.How = trace.OwnerTick
	}
	return o
}

// isAttempt, as turns and joins, is the function of that name in socket.bpf.c.
func isAttempt(o trace.Owner) bool {
	switch o.How {
	case trace.OwnerUpstream, trace.OwnerSubrequest, trace.OwnerPeer, trace.OwnerSubpeer:
		return true
	}
	return false
}

func (c *socket) turns(d trace.Direction) bool {
	if c.conn.Side == trace.SideAccepted {
		return d == trace.In && (!c.moved || !c.silent() && c.last == trace.Out)
	}
	if d == trace.In || c.fresh || c.moved && c.last == trace.Out {
		return false
	}
	o := c.next()
	if c.moved && isAttempt(c.owner) && (!isAttempt(o) ||
		o.Socket == c.owner.Socket && o.Exchange == c.owner.Exchange && o.Request == c.owner.Request) {
		return false
	}
	c.owner = o
	return true
}

func (c *socket) joins() bool {
	return !c.conn.Gateway || c.s.probes && c.conn.Side == trace.SideConnected && isAttempt(c.owner)
}

// silent is a socket of which only the end of a request tells.
func (c *socket) silent() bool {
	return c.conn.Gateway && c.conn.Side == trace.SideAccepted && c.s.probes
}

// saysGoodbye is a TLS alert after an answer, of which nothing is told.
func (c *socket) saysGoodbye(d trace.Direction, head string) bool {
	return d == trace.Out && c.conn.Side == trace.SideConnected && c.moved && c.last == trace.In && c.conn.Gateway &&
		len(c.asked) > 0 && c.asked[0] >= 0x14 && c.asked[0] <= 0x17 && head[0] == 0x15
}

// move moves size bytes, of which head are the first.
func (c *socket) move(d trace.Direction, head string, size int) {
	c.s.t.Helper()
	s, before := c.s, c.flows[1-d]
	if c.saysGoodbye(d, head) {
		return
	}
	starts := c.turns(d)
	if starts {
		c.exchange++
		c.flows, c.tick = [2]trace.Flow{}, s.ticked
	} else if c.fresh {
		starts = true
	}
	turned := !c.moved || c.last != d
	c.fresh, c.moved, c.last = false, true, d
	switch {
	case !c.conn.Gateway:
	case c.conn.Side == trace.SideAccepted:
		s.current = trace.Owner{Socket: c.conn.Socket, Exchange: c.exchange}
	default:
		s.current = c.owner
	}
	f := &c.flows[d]
	if f.Calls == 0 {
		f.Began, f.Seq = s.now, c.base+uint32(c.sent)
		if d == trace.In && c.peer != nil {
			f.Seq = c.peer.base + uint32(c.got)
		}
	}
	if turned {
		f.Turned = s.now
	}
	f.Ended, f.Calls, f.Bytes = s.now, f.Calls+1, f.Bytes+int64(size)
	if d == trace.Out {
		c.sent += int64(size)
	} else {
		c.got += int64(size)
	}
	if c.tick.IsZero() {
		c.tick = s.ticked
	}
	if c.silent() {
		return
	}
	if f.Calls > 1 {
		c.tails[c.exchange] = c.tail()
		return
	}
	limit := 1024
	switch {
	case !c.conn.Gateway:
		limit = 0
	case s.probes && (c.owner.How == trace.OwnerUpstream || c.owner.How == trace.OwnerPeer):
		limit = 16
	case s.probes:
		limit = 128
	}
	m := &trace.Message{
		Conn: c.conn, Exchange: c.exchange, Starts: starts, Direction: d, Flow: *f, Before: before,
		Owner: c.owner, Tick: c.tick, Head: []byte(head[:min(len(head), limit)]),
	}
	asks := (d == trace.Out) == (c.conn.Side == trace.SideConnected)
	if asks && c.conn.Gateway {
		c.asked = nil
		if len(head) >= 8 {
			c.asked = []byte(head[:8])
		}
	}
	if c.joins() {
		if asks { // the request waits for the response
			if !c.conn.Gateway {
				c.tails[c.exchange] = c.tail()
			}
			return
		}
		m.Starts, m.Joined, m.Asked = true, true, c.asked
		if !c.conn.Gateway {
			delete(c.tails, c.exchange)
		}
	}
	if s.lost > 0 {
		s.lost--
		return
	}
	s.add(trace.Event{Kind: trace.KindMessage, Time: s.now, Message: m})
}
