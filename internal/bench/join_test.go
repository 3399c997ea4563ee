package bench

import (
	"cmp"
	"slices"
	"time"
)

// A connection is a client's connection to a worker. Ports are used again, but not so
// soon by the same worker.
type connection struct{ pid, port int }

// endSlack bounds how far a trace's end may be from the time of its line, which is nginx's
// cached one.
const endSlack = 2 * time.Second

// A joined tells which trace is of which fact.
type joined struct {
	of          map[*fact]*traced
	extra       []*traced // traces that no fact has
	misnumbered int       // traces whose number on their connection is not that of the log
	misread     int       // traces with another request line
}

// join finds the trace of each fact by what both know. With probes that is the number of
// the request on its connection, which nginx itself counts. Without, the number is the
// tracer's own: then it is the order of requests, which HTTP/1 keeps.
func join(facts []*fact, traces []*traced, probes bool) *joined {
	j := &joined{of: map[*fact]*traced{}}
	onConn, lines := map[connection][]*traced{}, map[connection][]*fact{}
	for _, x := range traces {
		c := connection{x.PID, x.ClientPort}
		onConn[c] = append(onConn[c], x)
	}
	for _, f := range facts {
		c := connection{f.Worker, f.ClientPort}
		lines[c] = append(lines[c], f)
	}
	for c, facts := range lines {
		if probes {
			j.byNumber(facts, onConn[c])
		} else {
			j.byOrder(facts, onConn[c])
		}
	}

	taken := map[*traced]bool{}
	for f, x := range j.of {
		taken[x] = true
		if f.ConnectionSeq != x.ConnectionRequest {
			j.misnumbered++
		}
		if f.Request != x.identity().line {
			j.misread++
		}
	}
	for _, x := range traces {
		if !taken[x] {
			j.extra = append(j.extra, x)
		}
	}
	return j
}

func (j *joined) byNumber(facts []*fact, traces []*traced) {
	taken := map[*traced]bool{}
	for _, f := range facts {
		var best *traced
		for _, x := range traces {
			if !taken[x] && x.ConnectionRequest == f.ConnectionSeq && f.near(x) && (best == nil || f.distance(x) < f.distance(best)) {
				best = x
			}
		}
		if best != nil {
			j.of[f], taken[best] = best, true
		}
	}
}

// byOrder joins as many as it can without changing the order of either, and of all ways to
// do so takes the one with the most equal statuses, then the one in which the ends are
// closest to each other. A client may send a request once more when the gateway closed the
// connection, and the log does not have the first one.
func (j *joined) byOrder(facts []*fact, traces []*traced) {
	slices.SortFunc(facts, func(a, b *fact) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ConnectionSeq, b.ConnectionSeq))
	})
	slices.SortFunc(traces, func(a, b *traced) int { return a.Start.Compare(b.Start) })
	type score struct {
		pairs, alike int
		distance     time.Duration
	}
	better := func(a, b score) bool {
		return cmp.Or(cmp.Compare(a.pairs, b.pairs), cmp.Compare(a.alike, b.alike), cmp.Compare(b.distance, a.distance)) > 0
	}
	pair := func(f *fact, x *traced) (score, bool) {
		s := score{pairs: 1, distance: f.distance(x)}
		if loggedIdentity(f.AccessLine).status == x.identity().status {
			s.alike = 1
		}
		return s, f.near(x) && f.Request == x.identity().line
	}

	// best[i][k] is for facts[i:] and traces[k:].
	best := make([][]score, len(facts)+1)
	for i := range best {
		best[i] = make([]score, len(traces)+1)
	}
	for i := len(facts) - 1; i >= 0; i-- {
		for k := len(traces) - 1; k >= 0; k-- {
			top := best[i+1][k]
			if better(best[i][k+1], top) {
				top = best[i][k+1]
			}
			if s, ok := pair(facts[i], traces[k]); ok {
				rest := best[i+1][k+1]
				s = score{s.pairs + rest.pairs, s.alike + rest.alike, s.distance + rest.distance}
				if better(s, top) {
					top = s
				}
			}
			best[i][k] = top
		}
	}
	for i, k := 0, 0; i < len(facts) && k < len(traces); {
		switch best[i][k] {
		case best[i+1][k]:
			i++
		case best[i][k+1]:
			k++
		default:
			j.of[facts[i]] = traces[k]
			i, k = i+1, k+1
		}
	}
}

// distance is how far apart f and x ended.
func (f *fact) distance(x *traced) time.Duration { return f.Time.Sub(x.end()).Abs() }

func (f *fact) near(x *traced) bool { return f.distance(x) <= endSlack }
