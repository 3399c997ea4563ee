package trace_test

import (
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// checkExchange proves what holds for every exchange, whatever was told.
func checkExchange(t testing.TB, x *trace.Exchange) {
	t.Helper()
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: "+format, append([]any{gist(x)}, args...)...)
	}
	if x.TraceID == (trace.TraceID{}) {
		fail("no trace id")
	}
	switch x.Source {
	case trace.FromAPISIX, trace.FromNginx, trace.FromUpstream, trace.FromUnknown:
	default:
		fail("source %q", x.Source)
	}
	if x.Clock != "ns" && x.Clock != "ms" {
		fail("clock %q", x.Clock)
	}
	if (x.Status >= 500 || x.Status == 0) && x.ErrType == "" {
		fail("no error.type")
	}
	m := x.Timing
	checkTimes(fail, "exchange", x.Duration, m.ClientRead, m.Gateway, m.GatewayQueue, m.GatewayResponse, m.ClientWrite)
	for i := range x.Attempts {
		a := &x.Attempts[i]
		checkTimes(fail, a.PeerName, a.Duration, a.Age, a.Connect, a.TLS, a.Send, a.Wait, a.Read)
		if a.Confident == "" || a.Evidence == "" {
			fail("attempt %d has no evidence", i)
		}
		if (a.ErrType == "") != (a.Reason == "") {
			fail("attempt %d: error.type %q, reason %q", i, a.ErrType, a.Reason)
		}
	}
	for p := range x.Parts() {
		if p.Duration < 0 || p.Name == "" {
			fail("part %q takes %v", p.Name, p.Duration)
		}
	}
	if x.Largest().Duration < 0 {
		fail("largest %v", x.Largest())
	}
	checkTree(fail, x)
}

func checkTimes(fail func(string, ...any), of string, durations ...time.Duration) {
	for i, d := range durations {
		if d < -1 {
			fail("duration %d of %s is %v", i, of, d)
		}
	}
}

func checkTree(fail func(string, ...any), x *trace.Exchange) {
	before := map[trace.SpanID]bool{}
	attempts := 0
	for i := range x.Spans {
		s := &x.Spans[i]
		switch {
		case s.Parent == (trace.SpanID{}) || s.Parent == x.Parent:
			if i > 0 && s.Role != trace.RoleAttempt && s.Role != trace.RoleCall {
				fail("span %d %q has no parent", i, s.Name)
			}
		case !before[s.Parent]:
			fail("span %d %q comes before its parent", i, s.Name)
		case s.Confident == "" || s.Evidence == "":
			fail("span %d %q: no evidence for its place", i, s.Name)
		}
		if s.ID == (trace.SpanID{}) || before[s.ID] {
			fail("span %d %q: id %x", i, s.Name, s.ID)
		}
		before[s.ID] = true
		if s.Duration < -1 || s.Start.IsZero() {
			fail("span %d %q from %v for %v", i, s.Name, s.Start, s.Duration)
		}
		if s.Role == trace.RoleAttempt {
			if s.Attempt != attempts {
				fail("span %d %q is of attempt %d, not %d", i, s.Name, s.Attempt, attempts)
			}
			attempts++
		} else if s.Attempt != -1 {
			fail("span %d %q is of attempt %d", i, s.Name, s.Attempt)
		}
	}
	if attempts != len(x.Attempts) {
		fail("%d attempts, %d spans of them", len(x.Attempts), attempts)
	}
}
