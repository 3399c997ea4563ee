package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// A count is how the links of one kind of request turned out.
type count struct {
	all        int // as the rig knows them
	right      int
	wrong      int // another exchange than the true one, or one that never was
	wrongExact int // of those, the ones that claim to be proved
	inferred   int // links, right or wrong, that do not claim it
	missing    int
}

// A row is a kind of request in the table.
type row struct {
	kind     testrig.Kind
	requests int
	missing  int // requests without a trace
	attempts count
	calls    count
	note     string
}

// A counterexample is a request that was traced wrongly.
type counterexample struct {
	kind  testrig.Kind
	exact bool // something wrong claims to be proved
	text  string
}

// judge compares x, the trace of f, with the truth. A nil x is a trace that is missing.
func (r *row) judge(f *fact, x *traced) *counterexample {
	r.requests++
	r.attempts.all += len(f.attempts)
	r.calls.all += len(f.calls)
	if x == nil {
		r.missing++
		r.attempts.missing += len(f.attempts)
		r.calls.missing += len(f.calls)
		return f.counterexample(nil, []string{"no trace"}, false)
	}
	wrongExact := r.attempts.wrongExact + r.calls.wrongExact
	problems := r.attempts.attempts(f.attempts, x.attempts())
	problems = append(problems, r.calls.calls(f.calls, x.calls())...)
	if len(problems) == 0 {
		return nil
	}
	return f.counterexample(x, problems, r.attempts.wrongExact+r.calls.wrongExact > wrongExact)
}

// attempts compares position by position: the order of attempts is part of the truth.
func (c *count) attempts(want []hop, got []edge) (problems []string) {
	for i, h := range want {
		if i >= len(got) {
			c.missing++
			problems = append(problems, fmt.Sprintf("attempt %d is missing", i+1))
			continue
		}
		if why := c.link(h, got[i]); why != "" {
			problems = append(problems, fmt.Sprintf("attempt %d: %s", i+1, why))
		}
	}
	for i := len(want); i < len(got); i++ {
		c.surplus(got[i])
		problems = append(problems, fmt.Sprintf("attempt %d never was", i+1))
	}
	return problems
}

// calls compares in any order: calls may run beside each other.
func (c *count) calls(want []hop, got []edge) (problems []string) {
	take := func(match func(hop, edge) bool) {
		want = slices.DeleteFunc(slices.Clone(want), func(h hop) bool {
			i := slices.IndexFunc(got, func(e edge) bool { return match(h, e) })
			if i < 0 {
				return false
			}
			if why := c.link(h, got[i]); why != "" {
				problems = append(problems, fmt.Sprintf("call to %s: %s", h.node, why))
			}
			got = slices.Delete(slices.Clone(got), i, i+1)
			return true
		})
	}
	take(func(h hop, e edge) bool { return h.differs(e) == "" })
	take(func(h hop, e edge) bool { return h.node == e.node })
	for _, h := range want {
		c.missing++
		problems = append(problems, fmt.Sprintf("call to %s is missing", h.node))
	}
	for _, e := range got {
		c.surplus(e)
		problems = append(problems, fmt.Sprintf("call to %s never was", e.node))
	}
	return problems
}

// link counts e, which stands for h, and tells how it differs from it.
func (c *count) link(h hop, e edge) string {
	why := h.differs(e)
	if why != "" {
		c.surplus(e)
		return why
	}
	c.right++
	if !e.exact {
		c.inferred++
	}
	return ""
}

// surplus counts a link that is not true.
func (c *count) surplus(e edge) {
	c.wrong++
	if e.exact {
		c.wrongExact++
	} else {
		c.inferred++
	}
}

func (f *fact) counterexample(x *traced, problems []string, exact bool) *counterexample {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, request %s: %s\n  %q %d by worker %d, client port %d, request %d of connection %d, logged at %s after %s\n",
		f.kind, f.ID, strings.Join(problems, "; "), f.Request, f.Status, f.Worker, f.ClientPort, f.ConnectionSeq, f.Connection,
		clock(f.Time), f.RequestTime)
	for _, h := range f.attempts {
		fmt.Fprintf(&b, "  want attempt  %s\n", h)
	}
	for _, h := range f.calls {
		fmt.Fprintf(&b, "  want call     %s\n", h)
	}
	if x != nil {
		b.WriteString(x.claims())
	}
	return &counterexample{kind: f.kind, exact: exact, text: b.String()}
}

// claims lists what x says.
func (x *traced) claims() string {
	var b strings.Builder
	for _, e := range x.attempts() {
		fmt.Fprintf(&b, "  got attempt   %s\n", e)
	}
	for _, e := range x.calls() {
		fmt.Fprintf(&b, "  got call      %s\n", e)
	}
	fmt.Fprintf(&b, "  %s", x.raw)
	return b.String()
}
