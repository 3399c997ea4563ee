package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// A verdict is what a session came to.
type verdict struct {
	session
	*joined
	rows   map[testrig.Kind]*row
	claims count // of traces that stand for no request
	bad    []*counterexample
}

// judge compares every trace of s with the truth.
func (s session) judge() (*verdict, error) {
	facts, err := s.witnesses.facts()
	if err != nil {
		return nil, err
	}
	v := &verdict{session: s, rows: map[testrig.Kind]*row{}}
	for _, r := range testrig.Routes() {
		v.rows[r.Kind] = &row{kind: r.Kind}
	}
	traces := s.traces
	if !s.probes {
		facts, traces = v.setAside(facts)
	}
	v.joined = join(facts, traces, s.probes)
	for _, f := range facts {
		v.note(v.rows[f.kind].judge(f, v.of[f]))
	}
	for _, x := range v.extra {
		for _, e := range slices.Concat(x.attempts(), x.calls()) {
			v.claims.surplus(e)
			v.note(&counterexample{exact: e.exact, text: "a trace without a line in the access log claims an attempt\n" + x.claims()})
		}
	}
	return v, nil
}

// setAside judges the connections that cannot be read without probes, and returns what is left.
func (v *verdict) setAside(facts []*fact) ([]*fact, []*traced) {
	claims := newClaims(facts)
	var readable []*traced
	for _, x := range v.traces {
		if x.GatewayPort == v.plainPort {
			readable = append(readable, x)
			continue
		}
		v.note(claims.judge(v.rows, x))
	}
	claims.finish(slices.DeleteFunc(slices.Clone(facts), func(f *fact) bool { return !unreadable(f.kind) }), v.rows)
	return slices.DeleteFunc(facts, func(f *fact) bool { return unreadable(f.kind) }), readable
}

func (v *verdict) note(bad *counterexample) {
	if bad != nil {
		v.bad = append(v.bad, bad)
	}
}

// faults lists what is not as it must be. With probes every link of every request is
// right. Without, nothing wrong claims to be proved, and of the kinds that HTTP/1 alone
// can tell apart 99 of 100 attempts are right.
func (v *verdict) faults() []string {
	var faults []string
	add := func(n int, what string) {
		if n > 0 {
			faults = append(faults, fmt.Sprintf("%d %s", n, what))
		}
	}
	total := v.total()
	add(total.attempts.wrongExact+total.calls.wrongExact, "wrong links that claim to be exact")
	add(int(lost(v.sum)), fmt.Sprintf("events lost: %v", v.sum.Lost))
	if v.probes {
		add(total.missing, "requests without a trace")
		add(len(v.extra), "traces without a request")
		add(v.misnumbered, "traces with a wrong connection_request")
		add(v.misread, "traces with a wrong request line")
		add(total.attempts.wrong, "attempts linked wrong")
		add(total.attempts.missing, "attempts missing")
		add(total.calls.wrong, "calls linked wrong")
		add(total.calls.missing, "calls missing")
		return faults
	}
	for _, kind := range readableKinds {
		if a := v.rows[kind].attempts; a.right*100 < a.all*99 {
			faults = append(faults, fmt.Sprintf("%s: %d of %d attempts are right, less than 99%%", kind, a.right, a.all))
		}
	}
	return faults
}

// readableKinds must be right at 99% without probes.
var readableKinds = []testrig.Kind{
	testrig.Keepalive, testrig.Fresh, testrig.RetryRefused, testrig.RetryReset, testrig.RetryTimeout,
	testrig.Cosocket, testrig.CosocketFresh,
}

func (v *verdict) total() row {
	sum := row{kind: "all", attempts: v.claims}
	for _, r := range v.rows {
		sum.requests += r.requests
		sum.missing += r.missing
		sum.attempts.add(r.attempts)
		sum.calls.add(r.calls)
	}
	return sum
}

func (c *count) add(more count) {
	c.all += more.all
	c.right += more.right
	c.wrong += more.wrong
	c.wrongExact += more.wrongExact
	c.inferred += more.inferred
	c.missing += more.missing
}

func lost(s summary) uint64 {
	var sum uint64
	for _, n := range s.Lost {
		sum += n
	}
	return sum
}

// String is the table.
func (v *verdict) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	const links = "right\twrong\t(exact)\tinferred\tmissing\t"
	fmt.Fprintln(w, "kind\trequests\tmissing\tattempts\t"+links+"calls\t"+links)
	for _, kind := range slices.Sorted(maps.Keys(v.rows)) {
		if r := v.rows[kind]; r.requests > 0 || r.attempts.wrong > 0 {
			r.print(w)
		}
	}
	total := v.total()
	total.print(w)
	w.Flush()
	fmt.Fprintf(&b, "(exact): of the wrong ones, those that claim to be proved\n")
	fmt.Fprintf(&b, "traces %d; without a line in the access log %d, with %d attempts; with another number on their connection %d, "+
		"with another request line %d; lost %d\n", len(v.traces), len(v.extra), v.claims.wrong, v.misnumbered, v.misread, lost(v.sum))
	for _, note := range v.sum.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	return b.String()
}

func (r *row) print(w *tabwriter.Writer) {
	fmt.Fprintf(w, "%s\t%d\t%d\t", r.kind, r.requests, r.missing)
	for _, c := range []count{r.attempts, r.calls} {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t", c.all, c.right, c.wrong, c.wrongExact, c.inferred, c.missing)
	}
	if r.note != "" {
		fmt.Fprintf(w, "  %s", r.note)
	}
	fmt.Fprintln(w)
}
