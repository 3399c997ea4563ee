package trace_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// A tale is a story and its gist: for each exchange "METHOD path status source [error.type]".
// All that the assembler makes of it is in testdata/<group>/<name>.txt.
type tale struct {
	name   string
	probes bool
	gist   string // of several exchanges, joined by "; "
	tell   func(*story)
}

func TestRequests(t *testing.T)        { runTales(t, "request", requestTales()) }
func TestBodies(t *testing.T)          { runTales(t, "body", bodyTales()) }
func TestAttempts(t *testing.T)        { runTales(t, "attempt", attemptTales()) }
func TestCalls(t *testing.T)           { runTales(t, "call", callTales()) }
func TestEnds(t *testing.T)            { runTales(t, "end", endTales()) }
func TestTLS(t *testing.T)             { runTales(t, "tls", tlsTales()) }
func TestSocketsAlone(t *testing.T)    { runTales(t, "alone", aloneTales()) }
func TestSocketsAloneEnd(t *testing.T) { runTales(t, "alone", aloneEndTales()) }

func allTales() []tale {
	return slices.Concat(requestTales(), bodyTales(), attemptTales(), callTales(), endTales(), tlsTales(), aloneTales(), aloneEndTales())
}

func runTales(t *testing.T, group string, tales []tale) {
	for _, tt := range tales {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.told(t, 0)
			if !tt.probes { // those of one sweep come in no order
				slices.SortStableFunc(s.shown, func(x, y trace.Exchange) int { return x.Start.Compare(y.Start) })
			}
			var gists []string
			all := ""
			for i := range s.shown {
				gists = append(gists, gist(&s.shown[i]))
				all += dump(s.began, &s.shown[i])
			}
			if got := strings.Join(gists, "; "); got != tt.gist {
				t.Errorf("shown: %s\nwant:  %s", got, tt.gist)
			}
			file := strings.NewReplacer(" ", "_", ",", "", "'", "").Replace(tt.name)
			testrig.Golden(t, group+"/"+file+".txt", all)
		})
	}
}

// told tells the whole of a tale, its sockets numbered from first on.
func (tt tale) told(t testing.TB, first int) *story {
	s := newStory(t, tt.probes)
	s.first = first
	s.worker += first
	tt.tell(s)
	s.end()
	return s
}

// retold returns the dumps, in alphabetical order, of what events make.
func retold(t testing.TB, began time.Time, events []trace.Event) []string {
	t.Helper()
	s := newStory(t, true)
	for _, e := range events {
		s.add(e)
	}
	if err := s.a.Flush(); err != nil {
		t.Error(err)
	}
	dumps := []string{}
	for i := range s.shown {
		dumps = append(dumps, dump(began, &s.shown[i]))
	}
	slices.Sort(dumps)
	return dumps
}

// TestTalesRetold tells each tale once more, in ways that must not matter.
func TestTalesRetold(t *testing.T) {
	for how, change := range map[string]func([]trace.Event) []trace.Event{
		"twice":           twice,
		"with old tails":  withOldTails,
		"with tails soon": withTailsSoon,
	} {
		for _, tt := range allTales() {
			t.Run(how+"/"+tt.name, func(t *testing.T) {
				s := tt.told(t, 0)
				got, want := retold(t, s.began, change(s.events)), retold(t, s.began, s.events)
				checkSame(t, tt.name, got, want)
			})
		}
	}
}

// twice doubles messages and tails.
func twice(events []trace.Event) (out []trace.Event) {
	for _, e := range events {
		out = append(out, e)
		if e.Kind == trace.KindMessage || e.Kind == trace.KindTail {
			out = append(out, e)
		}
	}
	return out
}

// withOldTails adds after each message what its socket's tail was at the message before.
func withOldTails(events []trace.Event) (out []trace.Event) {
	tails := map[trace.SocketID]*trace.Tail{}
	for _, e := range events {
		out = append(out, e)
		if e.Kind != trace.KindMessage {
			continue
		}
		m := e.Message
		if old := tails[m.Socket]; old != nil {
			out = append(out, trace.Event{Kind: trace.KindTail, Tail: old})
		}
		now := trace.Tail{Conn: m.Conn, Exchange: m.Exchange, In: m.Flow}
		if m.Joined || !m.Starts {
			now.Out = m.Before // else it is of the exchange before
		}
		if m.Direction == trace.Out {
			now.In, now.Out = now.Out, now.In
		}
		tails[m.Socket] = &now
	}
	return out
}

// withTailsSoon moves each tail up to the first message of its exchange.
func withTailsSoon(events []trace.Event) (out []trace.Event) {
	for _, e := range events {
		at := -1
		if e.Kind == trace.KindTail {
			at = slices.IndexFunc(out, func(o trace.Event) bool {
				return o.Kind == trace.KindMessage && o.Message.Socket == e.Tail.Socket && o.Message.Exchange == e.Tail.Exchange
			})
		}
		if at < 0 {
			out = append(out, e)
			continue
		}
		out = slices.Insert(out, at+1, e)
	}
	return out
}

// TestTalesInterleaved tells two tales at once: each must come out as if it were alone.
func TestTalesInterleaved(t *testing.T) {
	for _, probes := range []bool{true, false} {
		tales := slices.DeleteFunc(allTales(), func(tt tale) bool { return tt.probes != probes })
		for i, tt := range tales {
			a, b := tt.told(t, 0), tales[(i+1)%len(tales)].told(t, 400)
			one, other := unswept(a.events), unswept(b.events)
			both := slices.Concat(one, other)
			slices.SortStableFunc(both, func(x, y trace.Event) int { return x.Time.Compare(y.Time) })
			got := retold(t, a.began, append(both, a.events[len(a.events)-1], b.events[len(b.events)-1]))
			want := append(retold(t, a.began, append(one, a.events[len(a.events)-1])), retold(t, b.began, append(other, b.events[len(b.events)-1]))...)
			slices.Sort(want)
			checkSame(t, tt.name, got, want)
		}
	}
}

func unswept(events []trace.Event) []trace.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e trace.Event) bool { return e.Kind == trace.KindSwept })
}

// checkSame compares dumps and shows where they begin to differ.
func checkSame(t *testing.T, name string, got, want []string) {
	t.Helper()
	g, w := strings.Split(strings.Join(got, ""), "\n"), strings.Split(strings.Join(want, ""), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Errorf("%s: line %d is told as\n%s\nand not as\n%s", name, i+1, at(g, i), at(w, i))
			return
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end)"
}
