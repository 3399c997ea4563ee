package trace_test

import (
	"slices"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/trace"
)

// FuzzAssembler tells stories by chance, then again with events that are lost, doubled,
// moved or spoiled, as a full ring or another kernel might. Whatever is told, nothing
// panics, every exchange is a sound one, and nothing is kept in the end.
func FuzzAssembler(f *testing.F) {
	f.Add(true, []byte("a plain story, of a few requests that go well and then some that do not"), []byte{})
	f.Add(false, []byte("the same without the request object, so that ticks alone must tell"), []byte{})
	f.Add(true, []byte("a story that suffers on its way, 0123456789"), []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 200, 100})
	f.Add(false, []byte("another one, by sockets alone, ABCDEFGHIJKLMNOP"), []byte{7, 3, 9, 1, 250, 4, 2, 6, 5, 0, 8})
	f.Add(true, []byte("0010200102000011700001270010700017700107"), []byte("000X001"))
	f.Add(true, []byte("0010200000011700102001270010001"), []byte("X"))
	f.Add(false, []byte("0010000011700107001"), []byte("00000X02"))
	f.Add(false, []byte("001020010001000001170010001"), []byte("000000c2"))
	f.Fuzz(func(t *testing.T, probes bool, course, mishaps []byte) {
		d := dice(course)
		p := playOf(t, &d, probes)
		last := p.now.Add(time.Second)
		if probes { // by ticks, a guess may be wrong
			p.now = last
			p.sweep()
			p.check()
		}
		p.end()
		if len(mishaps) > 0 {
			tellSpoiled(t, p, mishaps, last)
		}
	})
}

func tellSpoiled(t *testing.T, p *play, mishaps []byte, last time.Time) {
	s := newStory(t, p.probes)
	s.a = trace.NewAssembler(&cmd.Heads{}, s.show)
	m := dice(mishaps)
	told := slices.DeleteFunc(slices.Clone(p.events), func(e trace.Event) bool { return e.Kind == trace.KindClose })
	for i := 0; i < len(told) && i < 4000; i++ {
		e := told[i]
		switch m.roll(12) {
		case 1: // lost
			continue
		case 2: // doubled
			s.add(e)
		case 3: // late
			if j := i + 1 + m.roll(8); j < len(told) {
				told[i], told[j] = told[j], told[i]
				e = told[i]
			}
		case 4:
			e = garbled(e, &m)
		}
		s.add(e)
	}
	s.now = last
	for _, c := range p.sockets {
		s.add(trace.Event{Kind: trace.KindClose, Time: last, Close: &trace.Close{
			Conn: c.conn, Exchange: c.exchange, In: c.flows[trace.In], Out: c.flows[trace.Out], Owner: c.owner,
		}})
	}
	s.exits(p.worker, 9)
	s.sweep()
	s.now = last.Add(time.Hour)
	s.sweep()
	if err := s.a.Flush(); err != nil {
		t.Error(err)
	}
	if held := held(s.a); held != "" {
		t.Errorf("all is closed, and the assembler holds %s", held)
	}
}

// garbled returns e with some of what it says changed.
func garbled(e trace.Event, m *dice) trace.Event {
	e = lend(&e)
	when := time.Unix(int64(m.roll(256)), 0)
	switch e.Kind {
	case trace.KindMessage:
		g := e.Message
		switch m.roll(8) {
		case 0:
			g.Flow = trace.Flow{Began: when, Calls: 1}
		case 1:
			g.Flow.Began, g.Flow.Calls = when, 1+m.roll(9)
		case 2:
			g.Before = trace.Flow{Began: when, Ended: when.Add(-1), Bytes: -5, Calls: 1 << 30, Seq: g.Flow.Seq}
		case 3:
			g.Exchange += uint32(m.roll(5)) - 2
		case 4:
			g.Starts = !g.Starts
		case 5:
			g.Direction = 1 - g.Direction
		case 6:
			g.Head = [][]byte{nil, []byte(clientHello), []byte(closeNotify), []byte("PRI * HTTP/2.0\r\n\r\n"), []byte(goOn), {0}}[m.roll(6)]
		case 7:
			g.Owner = trace.Owner{How: trace.OwnerHow(m.roll(9)), Socket: trace.SocketID(m.roll(4)) << 10, Exchange: uint32(m.roll(4))}
		}
	case trace.KindTail:
		e.Tail.Exchange = uint32(m.roll(5))
		e.Tail.In = trace.Flow{Began: when, Calls: m.roll(9)}
	case trace.KindRequest:
		r := *e.Request
		r.Status, r.Version, r.Line = m.roll(256)*4, m.roll(3)*1000, []string{"", " ", "GET", r.Line}[m.roll(4)]
		r.TLS, r.Stream, r.Started = m.roll(2) == 1, m.roll(2) == 1, when
		r.In.Turned, r.Out.Ended, r.Tick = when, when.Add(-time.Hour), when.Add(time.Hour)
		for i := range r.Attempts {
			r.Attempts = slices.Clone(r.Attempts)
			r.Attempts[i] = trace.UpstreamState{Peer: []string{"", node2, "unix:/x", node1}[m.roll(4)], Header: -1, Connect: 1 << 40, Response: -1}
		}
		e.Request = &r
	}
	return e
}
