package trace_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// TestUnknownSockets: what is said of sockets that nothing was heard of shows nothing, and
// is not kept.
func TestUnknownSockets(t *testing.T) {
	flow := trace.Flow{Began: time.Unix(1, 0), Ended: time.Unix(2, 0), Bytes: 9, Calls: 3, Seq: 77}
	for _, conn := range []trace.Conn{
		{Socket: 5, Side: trace.SideAccepted, Gateway: true},
		{Socket: 5, Side: trace.SideAccepted},
		{Socket: 5, Side: trace.SideConnected, Gateway: true},
		{Socket: 5},
	} {
		s := newStory(t, true)
		tail := &trace.Tail{Exchange: 3, In: flow, Out: flow}
		tail.Conn = conn
		s.add(trace.Event{Kind: trace.KindTail, Tail: tail})
		for _, exchange := range []uint32{0, 3} {
			s.add(trace.Event{Kind: trace.KindClose, Time: s.now, Close: &trace.Close{Conn: conn, Exchange: exchange, In: flow, Out: flow}})
		}
		s.add(trace.Event{Kind: trace.KindMessage, Message: &trace.Message{Conn: conn, Exchange: 4, Direction: trace.Out, Flow: flow}})
		s.add(trace.Event{Kind: trace.KindProcess, Time: s.now, Process: &trace.Process{PID: 1, Parent: 2}})
		s.add(trace.Event{Kind: trace.KindClose, Time: s.now, Close: &trace.Close{Conn: conn, Exchange: 4}})
		s.add(trace.Event{Kind: trace.Kind(99)})
		s.end()
		if len(s.shown) != 0 {
			t.Errorf("%+v: %s is shown", conn, gist(&s.shown[0]))
		}
	}
}

// TestLostMessages loses one message after the other of the same exchange. What remains
// must still be true, and the next exchange whole.
func TestLostMessages(t *testing.T) {
	for _, probes := range []bool{true, false} {
		whole, last := 0, 0
		for lost := 0; ; lost++ {
			s := newStory(t, probes)
			s.probes = probes
			c := s.accepts(aClient)
			n := s.pooled(node1, time.Second)
			up := n.served("orders", 991)
			told := 0
			step := func(us int, move func(string), b string) {
				s.at(us)
				if told++; told == lost {
					s.lost = 1
				}
				move(b)
				s.lost = 0
			}
			for us := 0; us < 2000; us += 1000 {
				s.tick(us)
				step(us, c.reads, orders)
				if probes {
					s.by(c, trace.OwnerUpstream)
				}
				step(us+100, n.writes, orders)
				step(us+200, up.reads, orders)
				step(us+300, up.writes, ok)
				s.tick(us + 400)
				step(us+400, n.reads, ok)
				step(us+500, c.writes, ok)
				if probes {
					s.ends(c, get("/orders", 200, state(node1, 200, 0, 0, 0)))
				}
				s.sweep()
			}
			t.Run(fmt.Sprintf("probes %v, without message %d", probes, lost), func(t *testing.T) { s.t = t; s.end() })
			if lost > told {
				break
			}
			if probes && len(s.shown) != 2 {
				t.Errorf("without message %d: %d are shown", lost, len(s.shown))
			}
			if lost == 0 {
				whole = len(s.shown)
			}
			if n := len(s.shown); lost <= told/2 && n > 0 {
				x := &s.shown[n-1] // the second lost nothing
				if x.Start != s.began.Add(time.Millisecond) || x.Duration != 500*time.Microsecond || len(x.Attempts) != 1 ||
					x.Attempts[0].Wait != 300*time.Microsecond {
					t.Errorf("probes %v, without message %d, the next exchange is\n%s", probes, lost, dump(s.began, x))
				}
			}
			last = len(s.shown)
		}
		if whole != 2 || last == 0 {
			t.Errorf("probes %v: %d are shown of all, %d of all but the last", probes, whole, last)
		}
	}
}

// TestHalfKnownCall: what was asked was not told, but the answer says when and how much.
func TestHalfKnownCall(t *testing.T) {
	s := newStory(t, true)
	redis, c := s.pooled(redisAddr, time.Second), s.asks(0)
	s.at(200)
	s.by(c, trace.OwnerLua)
	s.lost = 1
	redis.writes(incr)
	s.tick(700)
	redis.reads(":7\r\n")
	s.answered(c, 200)
	s.end()
	call := s.shown[0].Spans[2]
	if call.Start != s.began.Add(200*time.Microsecond) || call.Duration != 500*time.Microsecond || call.Sent != int64(len(incr)) ||
		call.Confident != trace.Exact || call.Role != trace.RoleCall {
		t.Errorf("got\n%s", dump(s.began, &s.shown[0]))
	}
}

// TestAnswerToWhatCameBeforeTheWindow belongs to nobody, whatever was read in the same tick.
func TestAnswerToWhatCameBeforeTheWindow(t *testing.T) {
	for _, probes := range []bool{true, false} {
		s := newStory(t, probes)
		old, n, c := s.pooled(node2, 0), s.pooled(node1, time.Second), s.accepts(aClient)
		s.tick(0)
		c.reads(orders)
		old.reads(ok)
		s.at(100)
		s.by(c, trace.OwnerUpstream)
		n.writes(orders)
		s.tick(500)
		n.reads(ok)
		c.writes(ok)
		if probes {
			s.ends(c, get("/orders", 200, state(node1, 200, 0, 0, 0)))
		}
		s.end()
		if spans := s.shown[0].Spans; spans[len(spans)-1].Role != trace.RoleAttempt {
			t.Errorf("probes %v: shown is\n%s", probes, dump(s.began, &s.shown[0]))
		}
	}
}

// TestShownInOrderWithTheirWorker: what a worker leaves behind ends at one time, and is shown
// in the order in which it began.
func TestShownInOrderWithTheirWorker(t *testing.T) {
	for _, probes := range []bool{true, false} {
		s := newStory(t, probes)
		var want []string
		for i := range 20 {
			c := s.accepts("10.0.0.9:" + strconv.Itoa(50000+i))
			want = append(want, c.conn.Remote.String())
			s.tick(i * 1000)
			c.reads(orders)
			s.by(c, trace.OwnerUpstream)
			s.pooled(node1, time.Second).writes(orders)
		}
		s.exits(s.worker, 9)
		s.sweep()
		var got []string
		for i := range s.shown {
			got = append(got, s.shown[i].Client.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("probes %v: shown are %v", probes, got)
		}
		s.end()
	}
}

// TestShownInTheOrderOfTheirEnds, also where the request object is not read.
func TestShownInTheOrderOfTheirEnds(t *testing.T) {
	for _, probes := range []bool{true, false} {
		s := newStory(t, probes)
		var want []string
		for i := range 20 {
			c, n := s.accepts(aClient), s.pooled(node1, time.Second)
			path := "/" + string(rune('a'+i))
			if want = append(want, path); probes {
				s.served(c, n, i*1000, path)
			} else {
				s.relayed(c, n, i*1000, path)
			}
		}
		s.sweep()
		s.end()
		var got []string
		for i := range s.shown {
			got = append(got, s.shown[i].Path)
		}
		if !slices.Equal(got, want) {
			t.Errorf("probes %v: shown are %v", probes, got)
		}
	}
}
