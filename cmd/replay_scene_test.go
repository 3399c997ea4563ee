package cmd_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

// A repeated window yields the same events and samples whenever it is opened. Its clock is
// synctest's: it begins and ends at the same nanosecond each time.
type repeated struct {
	events  []trace.Event
	samples []profile.Sample
}

// enter lets env look at it.
func (w repeated) enter(env *cmd.Env) {
	scene("shop").enter(env)
	env.OpenTrace = func(_ context.Context, o bpf.Options) (trace.Source, error) {
		return &replayed{events: w.events, asked: o}, nil
	}
	env.OpenProfile = func(_ context.Context, o cmd.Sampling) (profile.Source, error) {
		return &sampled{scene: "shop", all: w.samples}, nil
	}
}

// replayed yields events as the kernel side would: what was not asked for is not in them.
type replayed struct {
	events []trace.Event
	asked  bpf.Options
	next   int
}

func (r *replayed) Next(ctx context.Context) (trace.Event, error) {
	if r.next >= len(r.events) {
		<-ctx.Done()
		return trace.Event{}, io.EOF
	}
	e := r.events[r.next]
	r.next++
	if e.Kind != trace.KindExchange {
		return e, nil
	}
	e.Exchange = e.Exchange.Clone() // whoever gets it may change it
	if !r.asked.Logged {
		e.Exchange.Logged = nil
	}
	if !r.asked.AllHeaders {
		e.Exchange.Headers = nil
	}
	return e, nil
}

func (r *replayed) Close() error { return nil }

// finished are the requests of several scenes, as an assembler makes them.
func finished(t *testing.T) []*trace.Exchange {
	t.Helper()
	var all []*trace.Exchange
	for _, events := range [][]trace.Event{shop(), triedEvents(), loggedShop(bpf.Options{Logged: true, AllHeaders: true})} {
		a := trace.NewAssembler(&cmd.Heads{}, func(x *trace.Exchange) error {
			all = append(all, x.Clone())
			return nil
		})
		for _, e := range events {
			if err := a.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 10 {
		t.Fatalf("%d requests: that is too few to show anything", len(all))
	}
	return all
}

// busyWindow has many requests of all kinds, workers and losses among them, and samples of
// some of the requests.
func busyWindow(t *testing.T) repeated {
	t.Helper()
	of := finished(t)
	w := repeated{samples: testrig.Samples()}
	for n := range 250 {
		x := of[n%len(of)].Clone()
		x.Start = began.Add(time.Duration(n) * 7 * time.Millisecond)
		x.Object = trace.Object{Address: uint64(0x1000 + n%9*64), Started: x.Start.Truncate(time.Millisecond), Ended: x.Start.Add(x.Duration)}
		x.TraceID[0], x.PID = byte(n), 4132+n%2
		x.Names.Plugins, x.Names.Labels = []string{"cors", "key-auth"}, []trace.Label{{Key: "team", Value: fmt.Sprint("t", n%3)}}
		switch n % 11 {
		case 1:
			x.Query = "page=2&api_key=hunter2"
		case 2:
			x.Path, x.Vague = "/bytes/\xff\xfe\x1b[31m\u202e", true
		case 3:
			x.Client = netip.MustParseAddrPort("[fe80::1%eth0]:443")
		case 4:
			x.Asked = []byte("POST /in HTTP/1.1\r\nAuthorization: Basic hunter2\r\nContent-Length: 5\r\n\r\nhello")
			x.Answered = []byte("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")
		case 5:
			x.Status, x.ErrType, x.Reason = 504, trace.ErrTimeout, "127.0.0.1:80: no response within 50ms"
		}
		w.events = append(w.events, trace.Event{Kind: trace.KindExchange, Exchange: x})
		if n%50 == 0 {
			w.events = append(w.events, trace.Event{Kind: trace.KindWorker, Worker: &trace.Worker{PID: x.PID, Time: x.Start, CPU: time.Millisecond, Ticks: [trace.TickClasses]uint64{3, 0, 7}}})
		}
		if n%5 == 0 {
			w.samples = append(w.samples, profile.Sample{
				Kind: profile.CPU, Time: x.Start.Add(x.Duration / 2), PID: x.PID, TID: x.PID, Count: 2, Weight: 2 * time.Second / 99,
				Labels: profile.Labels{Request: x.Object.Address, Started: x.Object.Started, Phase: "access", Plugin: "cors"},
			})
		}
	}
	slices.SortStableFunc(w.samples, func(a, b profile.Sample) int { return a.Time.Compare(b.Time) }) // as they are taken
	w.events = append(w.events,
		trace.Event{Kind: trace.KindLost, Cause: "requests_ring_full", Count: 3},
		trace.Event{Kind: trace.KindNote, Note: "the request object is not known: \x1b[31msockets alone are traced"},
		trace.Event{Kind: trace.KindRemoved, Cause: "--route", Count: 12})
	w.samples = append(w.samples, profile.Sample{Kind: profile.Lost, Cause: "ring buffer full", Count: 3}, profile.Sample{Kind: profile.Note, Cause: "libfoo.so has no symbols"})
	w.events = append(w.events, trace.Event{Kind: trace.KindSwept, Time: began.Add(time.Hour)})
	w.samples = append(w.samples, profile.Sample{Kind: profile.Swept, Time: began.Add(2 * time.Hour)})
	return w
}

// shown runs a command in a window whose clock begins anew, and returns what it wrote.
func (w repeated) shown(t *testing.T, term bool, args ...string) (out, errs string, err error) {
	t.Helper()
	state := t.TempDir()
	synctest.Test(t, func(*testing.T) {
		env, o, e := terminal("shop")
		env.OutTerm, env.ErrTerm, env.Began = term, term, time.Now()
		env.Getenv = func(string) string { return state } // where windows are left for admin health
		w.enter(&env)
		err = cmd.Execute(context.Background(), env, args)
		out, errs = o.String(), e.String()
	})
	return out, errs, err
}
