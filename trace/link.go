package trace

// link ties a leg to the request that it is done for, if that can be known yet.
func (a *Assembler) link(l *leg) {
	o := l.owner
	key := keyOf(l.PID, o.Socket, o.Exchange, o.Request)
	switch w := a.clients[o.Socket]; {
	case w != nil && w.opaque():
		a.give(l, w, byOwner)
	case a.works[key] == nil && a.numbers[o.Socket] != 0:
		// That request was shown already. A mirror may have been slow to connect; a
		// tick may have gone on with another's work.
		if o.proved() {
			a.forget(l)
			return
		}
	case o.Socket != 0 || o.Request != 0:
		if w := a.open(key); w != nil {
			a.give(l, w, byOwner)
		}
	}
	if len(a.clients) == 0 || l.asked == nil || l.id != "" || l.owner.proved() {
		return
	}
	// Sockets alone speak. A timer may have begun this work, in the tick of another
	// request or in one of its own.
	h, ok := a.heads.Request(l.asked)
	if !ok {
		return
	}
	if w := l.work; w != nil && w.answer.Status >= 200 {
		w.drop(l) // that request has its answer already: the tick went on with another's
	}
	if len(h.RequestID) > 0 {
		l.id = string(h.RequestID)
		l.twin, a.ids[l.id] = a.ids[l.id], l
	}
	if l.work == nil {
		if w := a.likely(l, h); w != nil {
			a.give(l, w, byLine)
		}
	}
}

// proved reports whether the owner is a fact, not merely likely.
func (o Owner) proved() bool { return o.How != OwnerNone && o.How != OwnerTick }

func (a *Assembler) give(l *leg, w *work, how linked) {
	if l.work != nil {
		l.work.drop(l)
	}
	l.work, l.how = w, how
	i := len(w.legs)
	for i > 0 && w.legs[i-1].began().After(l.began()) {
		i--
	}
	w.legs = append(w.legs, nil)
	copy(w.legs[i+1:], w.legs[i:])
	w.legs[i] = l
}

// likely returns the oldest request of the same worker that asks for the same, has not
// been answered, and of which no attempt is under way.
func (a *Assembler) likely(l *leg, h RequestHead) *work {
	var best *work
	for _, w := range a.clients {
		if w.client.PID != l.PID || w.answer.Status != 0 || len(w.legs) > 0 || w.client.in.Began.After(l.began()) {
			continue
		}
		if string(w.head.Method) != string(h.Method) || string(w.head.Target) != string(h.Target) {
			continue
		}
		if best == nil || w.client.in.Began.Before(best.client.in.Began) {
			best = w
		}
	}
	return best
}

// claim looks at the request id in the response to w. Where the gateway made it, it is
// in the attempts of this request and in no other's, whatever the ticks said.
func (a *Assembler) claim(w *work) {
	if len(w.answer.RequestID) < 16 || len(w.head.RequestID) > 0 {
		return
	}
	id := string(w.answer.RequestID)
	for i := len(w.legs) - 1; i >= 0; i-- {
		l := w.legs[i]
		switch {
		case l.id == "":
		case l.id == id:
			l.how = byID
		default:
			w.drop(l)
		}
	}
	for l := a.ids[id]; l != nil; l = l.twin {
		if l.work != w {
			a.give(l, w, byID)
		}
	}
}
