package trace

import "time"

// times fills x's start, duration and parts from the client's socket c and the attempts.
func (w *work) times(x *Exchange, c *leg) {
	t := &x.Timing
	*t = Timing{ClientRead: -1, Gateway: -1, GatewayQueue: -1, GatewayResponse: -1, ClientWrite: -1}
	if w.request != nil {
		t.Lua = w.request.Phases.Lua
	}
	if w.request != nil && w.request.Stream || c.in.Began.IsZero() {
		w.coarseTimes(x, c)
		return
	}
	x.Clock = "ns"
	read, asked := c.in.Began, c.in.Ended
	if x.TLS { // the first request of a connection has the handshake before it
		read = w.decrypted(c)
	}
	x.Start = read
	if q := since(c.tick, c.in.Began); q >= 0 && read.Equal(c.in.Began) {
		t.GatewayQueue = q
		x.Start = c.tick
	}
	first, last := x.firstAttempt(), x.lastAttempt()
	answered := c.out.Began
	if last != nil && answered.Before(last.Start) || x.TLS {
		answered = c.out.Turned // 100 Continue, or the handshake, went out before
	}
	// What came from the client after the work had begun is a body that is passed on as it
	// comes, or a tunnel.
	if first != nil && asked.After(first.Start) {
		asked = read
	} else if !answered.IsZero() && asked.After(answered) {
		asked = read
	}
	if w.request != nil && w.request.Status == 408 {
		asked = w.at // nginx waited for the rest
		if !answered.IsZero() {
			asked = answered
		}
	}
	t.ClientRead = since(read, asked)
	end := c.out.Ended
	if end.IsZero() {
		end = w.at
	}
	until := answered
	if until.IsZero() {
		until = end
	}
	if first != nil {
		until = first.Start
	}
	t.Gateway = max(since(asked, until)-x.unseen(), 0) + max(t.GatewayQueue, 0)
	if !answered.IsZero() {
		t.ClientWrite = since(answered, end)
	}
	t.GatewayResponse = last.untilAnswer(answered)
	x.Duration = since(x.Start, end)
}

// coarseTimes is for requests whose own bytes at the client's socket were not seen.
func (w *work) coarseTimes(x *Exchange, c *leg) {
	x.Clock = "ms"
	switch {
	case w.request != nil:
		x.Start = w.request.Started
	case len(w.legs) > 0:
		x.Start, x.Clock = w.legs[0].began(), "ns"
	default:
		x.Start = w.at
	}
	end := w.at
	if w.request != nil && !w.request.Stream && !c.out.Ended.IsZero() {
		end = c.out.Ended
	}
	if first := x.firstAttempt(); first != nil && first.Start.Before(x.Start) {
		x.Start = first.Start // nginx's clock stands still within a tick
	}
	x.Duration = since(x.Start, end)
	if first := x.firstAttempt(); first != nil {
		x.Timing.Gateway = since(x.Start, first.Start)
	} else {
		x.Timing.Gateway = max(x.Duration-x.unseen(), 0)
	}
	if last := x.lastAttempt(); last != nil && !last.Start.IsZero() {
		x.Timing.GatewayResponse = since(last.Start.Add(max(last.Duration, 0)), end)
	}
}

// decrypted returns when the request began on a TLS connection: with the client's last
// turn, unless nginx's clock knows better.
func (w *work) decrypted(c *leg) time.Time {
	read := c.in.Turned
	if w.request != nil && read.Sub(w.request.Started) > 5*time.Millisecond {
		return w.request.Started // the last turn is a body
	}
	return read
}

// unseen returns the time of the attempts whose sockets were not seen, by nginx's clock;
// it is 0 where one was, since only then is their place in time known.
func (x *Exchange) unseen() (sum time.Duration) {
	if x.firstAttempt() != nil {
		return 0
	}
	for i := range x.Attempts {
		sum += max(x.Attempts[i].Duration, 0)
	}
	return sum
}

func (x *Exchange) firstAttempt() *Attempt {
	for i := range x.Attempts {
		if !x.Attempts[i].Start.IsZero() {
			return &x.Attempts[i]
		}
	}
	return nil
}

func (x *Exchange) lastAttempt() *Attempt {
	if len(x.Attempts) == 0 {
		return nil
	}
	return &x.Attempts[len(x.Attempts)-1]
}

// untilAnswer returns the time from the first byte of a node's response, or its failure,
// to the first byte to the client.
func (t *Attempt) untilAnswer(answered time.Time) time.Duration {
	if t == nil || t.Start.IsZero() || answered.IsZero() {
		return -1
	}
	came := t.Start.Add(max(t.Duration, 0))
	if t.Status != 0 && t.Read >= 0 {
		came = came.Add(-t.Read)
	}
	return since(came, answered)
}
