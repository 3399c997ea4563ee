package trace

import (
	"bytes"
	"slices"
	"strconv"
	"time"
)

// spans fills x.Spans: the client's socket, the request in nginx, below it the attempts
// and calls in the order in which they began, below each the upstream's own process.
func (a *Assembler) spans(x *Exchange, w *work, c *leg) {
	root := SpanID{}
	if !c.in.Began.IsZero() && (w.request == nil || !w.request.Stream) {
		s := x.span(Span{
			Mark: MarkSystem, Role: RoleClientSide, Name: "gateway :" + strconv.Itoa(int(c.Local.Port())),
			Start: x.Start, Duration: x.Duration, PID: x.PID, Local: c.Local, Peer: c.Remote, Status: x.Status,
			Sent: c.out.Bytes, Received: c.in.Bytes, TCPSeq: c.in.Seq, ErrType: x.ErrType,
		})
		root = s.ID
	}
	if w.request != nil {
		root = x.gatewaySpan(c, root).ID
		x.phaseSpans(&w.request.Phases, root)
	}
	for i, l := range a.tries {
		x.attemptSpans(i, l, root)
	}
	for _, l := range w.legs {
		if !a.tried(l) {
			a.callSpans(x, l, root)
		}
	}
}

// span appends s to x.Spans under a new id. The pointer is good until the next one.
func (x *Exchange) span(s Span) *Span {
	s.ID = newSpanID()
	if s.Role != RoleAttempt {
		s.Attempt = -1
	}
	x.Spans = append(x.Spans, s)
	return &x.Spans[len(x.Spans)-1]
}

func (x *Exchange) gatewaySpan(c *leg, parent SpanID) *Span {
	s := Span{
		Parent: parent, Mark: MarkGateway, Role: RoleGateway, Name: "nginx request",
		Start: x.Start, Duration: x.Duration, PID: x.PID, Status: x.Status, ErrType: x.ErrType,
	}
	if parent == (SpanID{}) {
		s.Local, s.Peer = c.Local, c.Remote
	} else {
		s.Evidence, s.Confident = evidenceConnection, Exact
		if q := max(x.Timing.GatewayQueue, 0); q > 0 {
			s.Start, s.Duration = s.Start.Add(q), max(s.Duration-q, 0)
		}
	}
	return x.span(s)
}

// tried reports whether l is one of x.Attempts.
func (a *Assembler) tried(l *leg) bool { return slices.Contains(a.tries, l) }

func (x *Exchange) attemptSpans(i int, l *leg, parent SpanID) {
	t := &x.Attempts[i]
	s := Span{
		Parent: parent, Mark: MarkSystem, Role: RoleAttempt, Name: "attempt " + strconv.Itoa(i+1) + " " + t.PeerName,
		Start: t.Start, Duration: t.Duration, PID: x.PID, Local: t.Local, Peer: t.Peer, Status: t.Status,
		Sent: t.Sent, Received: t.Received, Attempt: i, ErrType: t.ErrType,
		Evidence: t.Evidence, Confident: t.Confident,
	}
	if l == nil {
		s.Mark = MarkGateway
		s.Start = x.after(i)
		x.span(s)
		return
	}
	s.TCPSeq = l.out.Seq
	x.upstreamSpan(l, x.span(s).ID)
}

// after returns when attempt i, which was not seen, may have begun: after the one before.
func (x *Exchange) after(i int) time.Time {
	for i--; i >= 0; i-- {
		if t := &x.Attempts[i]; !t.Start.IsZero() {
			return t.Start.Add(max(t.Duration, 0))
		}
	}
	return x.Start.Add(max(x.Timing.ClientRead, 0))
}

func (a *Assembler) callSpans(x *Exchange, l *leg, parent SpanID) {
	evidence, confident := l.evidence()
	status := 0
	if answer, ok := a.heads.Response(l.answered); ok {
		status = answer.Status
	}
	t := Attempt{Reused: l.reused(), Age: -1, Duration: since(l.began(), l.ended())}
	kind := ""
	if l.in.Began.IsZero() {
		kind, _ = failure(l, nil, &t)
	}
	s := x.span(Span{
		Parent: parent, Mark: MarkSystem, Role: RoleCall, Name: a.callName(l) + " " + l.Remote.String(),
		Start: l.began(), Duration: t.Duration, PID: x.PID, Local: l.Local, Peer: l.Remote, Status: status,
		Sent: l.out.Bytes, Received: l.in.Bytes, TCPSeq: l.out.Seq, ErrType: kind, Plugin: l.plugin,
		Evidence: evidence, Confident: confident,
	})
	x.upstreamSpan(l, s.ID)
}

// callName tells by the first bytes what a call speaks.
func (a *Assembler) callName(l *leg) string {
	switch h, ok := a.heads.Request(l.asked); {
	case ok && len(h.Target) > 0:
		target, _, _ := bytes.Cut(h.Target, []byte("?"))
		return string(h.Method) + " " + string(target)
	case isRecord(l.asked):
		return "tls"
	case len(l.asked) > 3 && l.asked[0] == '*' && l.asked[1] >= '0' && l.asked[1] <= '9':
		return "redis"
	case l.asked == nil:
		return "connect"
	}
	return "tcp"
}

// upstreamSpan adds the other end of a leg, where its process is on this host.
func (x *Exchange) upstreamSpan(l *leg, parent SpanID) {
	f := l.whole()
	if f == nil {
		return
	}
	name := "upstream process pid " + strconv.Itoa(f.PID)
	if f.Process != "" {
		name = "upstream process " + f.Process + " pid " + strconv.Itoa(f.PID)
	}
	status := 0
	if !f.out.Began.IsZero() {
		status = x.Spans[len(x.Spans)-1].Status // of the gateway's end
	}
	start := f.in.Began
	if start.Before(l.began()) {
		start = l.began()
	}
	end := f.out.Ended
	for _, t := range []time.Time{f.in.Ended, f.closed} {
		if f.out.Began.IsZero() && t.After(end) {
			end = t
		}
	}
	x.span(Span{
		Parent: parent, Mark: MarkSystem, Role: RoleUpstream, Name: name, Start: start, Duration: since(start, end),
		PID: f.PID, Process: f.Process, Local: f.Local, Peer: f.Remote, Status: status, Sent: f.out.Bytes,
		Received: f.in.Bytes, TCPSeq: f.in.Seq,
		Evidence: "tcp_seq " + strconv.FormatUint(uint64(f.in.Seq), 10) + " at both ends", Confident: Exact,
	})
}
