package pages_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
	"github.com/apisixscope/apisixscope/tui"
)

// mall is what the gateway of several shops did in a minute and a half: routes that differ in
// how much they are asked for, how long they take and what fails. The same call makes the same.
func mall() []*trace.Exchange {
	r := rand.New(rand.NewPCG(5, 6))
	var all []*trace.Exchange
	for i := range 1800 {
		at := began.Add(time.Duration(i) * 50 * ms)
		wait := time.Duration(2000+r.IntN(9000)) * us
		x := served(at, fmt.Sprintf("/orders/%d", i), wait)
		x.PID = 4131 + i%3
		switch kind := i % 20; {
		case kind < 5:
			route(x, "18", "checkout", "10.0.1.7:8080")
			if i > 900 && i < 1200 { // for a while, its node was away
				x.Status, x.Source, x.ErrType = 502, trace.FromNginx, "connection_refused"
				a := &x.Attempts[0]
				a.Status, a.ErrType, a.Reason = 0, "connection_refused", "the node refused the connection (ECONNREFUSED after 203µs)"
				a.Reused, a.Wait, a.Connect = false, -1, 203*us
			}
		case kind < 7:
			route(x, "19", "search", "[2001:db8::17]:9200")
			x.Attempts[0].Wait, x.Duration = 40*wait, 40*wait+700*us
		case kind == 7:
			x = denied(at)
		case kind == 8:
			route(x, "", "", "10.0.0.5:80")
			x.Status, x.Source, x.Attempts = 404, trace.FromAPISIX, nil
		case kind == 9 && i%3 == 0:
			x = retried(at)
		case kind == 10:
			x.Attempts[0].Reused, x.Attempts[0].Connect = false, time.Duration(300+r.IntN(900))*us
		case kind == 11 && i > 1500:
			x.Names = trace.Names{From: trace.NamesUnread}
		}
		all = append(all, x)
	}
	evil := hostile(began.Add(90 * time.Second))
	route(evil, "\x1b]0;owned\x07\u202e", "\x1b[98Jroute\xff", "10.0.0.66:1")
	evil.Names.ServiceName = "\u009b98J"
	evil.Attempts[0].ErrType, evil.Attempts[0].Reason = "\x1b[98Jerror", "\x1b[98Jwhy"
	return append(all, evil)
}

func route(x *trace.Exchange, id, name, node string) {
	x.Names.RouteID, x.Names.RouteName = id, name
	x.Attempts[0].Peer, x.Attempts[0].PeerName = addr(node), node
}

// crew is what its workers did: one is replaced by another, and one's loop was blocked.
func crew() []*trace.Worker {
	r := rand.New(rand.NewPCG(7, 8))
	var all []*trace.Worker
	for second := range 91 {
		for pid := 4131; pid <= 4135; pid++ {
			w := &trace.Worker{PID: pid, Time: began.Add(time.Duration(second) * time.Second), Span: time.Second, CPU: time.Duration(120+r.IntN(200)) * ms, Conns: 40 + r.IntN(20)}
			for class := range 8 {
				w.Ticks[class] = uint64(r.IntN(2000 >> class))
			}
			w.Longest, w.Busy = time.Duration(200+r.IntN(400))*us, w.CPU*8/10
			switch pid {
			case 4132:
				w.CPU, w.Busy = 960*ms, 990*ms
				if second%20 > 14 {
					w.Ticks[trace.TickClass(34*ms)], w.Longest = 3, 34*ms
				}
				if second == 70 {
					w.Ticks[trace.TickClass(1200*ms)], w.Longest = 1, 1200*ms
				}
			case 4133: // reloaded away
				if w.Ending = second > 30; second > 60 {
					continue
				}
			case 4134:
				if second < 31 {
					continue
				}
			case 4135: // of which little is known
				w.CPU, w.Conns, w.Unwatched, w.Ticks, w.Longest, w.Busy = -1, -1, true, [trace.TickClasses]uint64{}, 0, 0
			}
			all = append(all, w)
		}
	}
	return all
}

// sampled is a profile of hostile names among others.
func sampled() tui.Profile {
	b := profile.NewBuilder(profile.Options{Kind: profile.CPU, Period: testrig.SamplePeriod})
	for _, s := range append(testrig.Samples(), profile.Sample{Kind: profile.Lost, Cause: "ring buffer full", Count: 3}) {
		s.Label()
		b.Add(&s)
	}
	p, sum := b.Finish(testrig.SamplesBegan, 4*time.Second)
	return tui.Profile{Profile: p, Summary: sum}
}
