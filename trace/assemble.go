package trace

import (
	"cmp"
	"slices"
	"time"
)

const (
	// maxWorks bounds the requests under way that are remembered, maxLegs the sockets.
	maxWorks = 1 << 16
	maxLegs  = 1 << 17
	// quietFor ends a request without a length, once nothing has moved for so long.
	quietFor = 300 * time.Millisecond
	// ageEvery is for how long a request is remembered whose end may have been lost.
	ageEvery = time.Minute
)

// Assembler joins the events of one request into an Exchange. It is fed by Add, in
// kernel order, and shows each exchange once all of its bytes were told.
type Assembler struct {
	heads Heads
	show  func(*Exchange) error
	x     Exchange // the one that is shown; its slices are used again
	tries []*leg   // the sockets of x.Attempts; nil for one without

	works map[workKey]*work
	legs  map[SocketID]*leg // the current exchange of each socket that a worker opened
	far   map[SocketID]*leg // the same of sockets that an upstream's process accepted
	seqs  map[uint32]*leg   // of legs, by the sequence number of their first byte out

	strangers map[uint32]*leg // of far, by their first byte in: no leg is known to have sent it
	gone      []*leg          // strangers whose socket was closed
	leaving   []*leg          // client's sockets that were closed in the middle of something
	aged      time.Time       // when the works were last looked through

	// Where the request object is not read:
	clients map[SocketID]*work // the current request of each client's socket
	numbers map[SocketID]int   // how many requests it has had
	ids     map[string]*leg    // attempts, by the request id in their head

	ready []*work // have ended, in that order
	lost  map[string]uint64
}

// NewAssembler returns an assembler that reads heads with h and calls show for each
// exchange. The exchange is only valid during the call; an error ends the call of Add.
func NewAssembler(h Heads, show func(*Exchange) error) *Assembler {
	return &Assembler{
		heads: h, show: show,
		works: map[workKey]*work{}, legs: map[SocketID]*leg{}, far: map[SocketID]*leg{},
		seqs: map[uint32]*leg{}, strangers: map[uint32]*leg{}, numbers: map[SocketID]int{}, clients: map[SocketID]*work{}, ids: map[string]*leg{},
		lost: map[string]uint64{},
	}
}

// Add takes the next event. Requests may interleave; events must be in kernel order.
func (a *Assembler) Add(e Event) error {
	switch e.Kind {
	case KindMessage:
		switch m := e.Message; {
		case m.Side == SideConnected:
			a.outgoing(m)
		case m.Gateway:
			a.incoming(m)
		default:
			a.upstream(m)
		}
	case KindTail:
		a.tail(e.Tail)
	case KindClose:
		a.close(e.Time, e.Close)
	case KindRequest:
		a.request(e.Time, e.Request)
	case KindProcess:
		a.process(e.Time, e.Process)
	case KindSwept:
		return a.swept(e.Time)
	}
	return nil
}

// Flush shows what has ended and was not shown yet. What is still under way is not.
func (a *Assembler) Flush() error {
	for _, w := range a.clients {
		if w.opaque() || w.whole() || w.quiet(w.client.out.Ended) {
			a.queue(w)
		}
	}
	return a.emit()
}

// Lost returns what the assembler itself could not keep, by cause.
func (a *Assembler) Lost() map[string]uint64 { return a.lost }

// request takes the end of a request, as nginx's request object tells it.
func (a *Assembler) request(at time.Time, r *Request) {
	key := keyOf(r.PID, r.Client.Socket, r.Exchange, r.ID)
	w := a.works[key]
	if w == nil {
		w = &work{key: key}
	}
	delete(a.works, key)
	if a.clients[key.socket] == w {
		delete(a.clients, key.socket) // it began before the request object was read
	}
	w.request, w.at = r, at
	w.queued = true
	a.ready = append(a.ready, w)
}

// process takes the end of a worker: what it had under way will not end any more.
func (a *Assembler) process(at time.Time, p *Process) {
	if !p.Exited {
		return
	}
	end := *p // the event's is not ours to keep
	p = &end
	for _, l := range a.leaving {
		if w := a.open(workKey{socket: l.Socket, exchange: l.exchange}); w != nil && l.PID == p.PID {
			w.client = l
		}
	}
	a.leaving = nil
	for key, w := range a.works {
		switch {
		case w.pid() != p.PID:
		case p.Status == 0 && w.client == nil: // it has finished its requests, or their ends were lost
			for _, l := range w.legs {
				a.forget(l)
			}
			delete(a.works, key)
		default:
			w.died, w.at = p, at
			a.queue(w)
		}
	}
	for _, w := range a.ready {
		// Its sockets were told before it: nothing else closed them.
		if w.client != nil && w.client.PID == p.PID && w.client.closed.Equal(at) && w.answer.Status == 0 {
			w.died = p
		}
	}
	for s, l := range a.legs {
		if l.PID == p.PID {
			a.forget(l)
			delete(a.legs, s)
		}
	}
	for _, l := range a.far {
		if l.PID == p.PID {
			a.leave(l)
		}
	}
}

// pid returns the worker's; 0 when nothing tells.
func (w *work) pid() int {
	switch {
	case w.client != nil:
		return w.client.PID
	case len(w.legs) > 0:
		return w.legs[0].PID
	}
	return 0
}

// began returns the first time that was seen of w at a socket, zero when none was.
func (w *work) began() time.Time {
	switch {
	case w.client != nil:
		return w.client.in.Began
	case w.request != nil:
		return w.request.In.Began
	case len(w.legs) > 0:
		return w.legs[0].began()
	}
	return time.Time{}
}

// queue puts an ended request in line to be shown.
func (a *Assembler) queue(w *work) {
	if w.queued {
		return
	}
	w.queued = true
	for x := w.key.exchange; ; x++ {
		delete(a.works, workKey{w.key.socket, x, w.key.pid, w.key.request})
		if x >= w.last {
			break
		}
	}
	if w.client != nil && a.clients[w.client.Socket] == w {
		delete(a.clients, w.client.Socket)
	}
	if w.opaque() {
		a.harvest(w, w.at)
		return
	}
	a.ready = append(a.ready, w)
}

// swept shows what has ended: all bytes up to t were told.
func (a *Assembler) swept(t time.Time) error {
	for _, w := range a.clients {
		switch {
		case w.opaque():
			a.harvest(w, t.Add(-quietFor))
		case w.whole() || w.quiet(t.Add(-quietFor)):
			a.queue(w)
		}
	}
	a.sweepGone(t.Add(-quietFor))
	a.leaving = nil
	if t.Sub(a.aged) >= ageEvery {
		a.aged = t
		a.age(t.Add(-ageEvery))
	}
	return a.emit()
}

// age forgets what was done before t for requests whose end was lost, if ever it comes.
func (a *Assembler) age(t time.Time) {
	for key, w := range a.works {
		if w.client != nil {
			continue
		}
		rest := w.legs[:0]
		for _, l := range w.legs {
			// A tunnel may be quiet.
			if !l.over() || l.ended().After(t) || a.legs[l.Socket] == l {
				rest = append(rest, l)
			} else {
				a.forget(l)
			}
		}
		clear(w.legs[len(rest):])
		if w.legs = rest; len(rest) == 0 {
			delete(a.works, key)
		}
	}
}

// sweepGone forgets the strangers that were closed before t: the gateway's end of their
// exchange would have been told by now.
func (a *Assembler) sweepGone(t time.Time) {
	rest := a.gone[:0]
	for _, l := range a.gone {
		switch {
		case a.strangers[l.in.Seq] != l:
		case l.closed.Before(t):
			delete(a.strangers, l.in.Seq)
		default:
			rest = append(rest, l)
		}
	}
	clear(a.gone[len(rest):])
	a.gone = rest
}

// emit shows the requests that are ready, in the order in which they ended; of those that
// ended with their worker, in which they began.
func (a *Assembler) emit() error {
	slices.SortStableFunc(a.ready, func(v, w *work) int {
		return cmp.Or(v.at.Compare(w.at), v.began().Compare(w.began()))
	})
	for i, w := range a.ready {
		a.ready[i] = nil
		shown := a.build(w)
		for _, l := range w.legs {
			a.forget(l)
		}
		if !shown {
			continue
		}
		if err := a.show(&a.x); err != nil {
			a.ready = a.ready[i+1:]
			return err
		}
	}
	a.ready = a.ready[:0]
	return nil
}

// forget lets go of what leads to a leg by its bytes.
func (a *Assembler) forget(l *leg) {
	a.unmeet(l)
	if l.far != nil && a.far[l.far.Socket] == l.far {
		delete(a.far, l.far.Socket)
	}
	for p := l; p.prev != nil && p.prev.done; {
		p.prev = p.prev.prev
	}
	if l.id != "" {
		delete(a.ids, l.id)
	}
	l.done = true
	l.prev, l.far, l.twin, l.work = nil, nil, nil, nil
}
