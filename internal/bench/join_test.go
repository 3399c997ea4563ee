package bench

import (
	"time"
)

// A key names a request by what both a trace and the access log know of it.
type key struct{ pid, port, number int }

// endSlack bounds how far a trace's end may be from the time of its line, which is nginx's
// cached one. Ports are used again, but not so soon by the same worker.
const endSlack = 2 * time.Second

// join finds the trace of each fact. Traces that no fact has are extra.
func join(facts []*fact, traces []*traced) (of map[*fact]*traced, extra []*traced) {
	byKey := map[key][]*traced{}
	for _, x := range traces {
		k := key{x.PID, x.ClientPort, x.ConnectionRequest}
		byKey[k] = append(byKey[k], x)
	}
	of = map[*fact]*traced{}
	taken := map[*traced]bool{}
	for _, f := range facts {
		var nearest *traced
		for _, x := range byKey[key{f.Worker, f.ClientPort, f.ConnectionSeq}] {
			if !taken[x] && (nearest == nil || f.distance(x) < f.distance(nearest)) {
				nearest = x
			}
		}
		if nearest != nil && f.distance(nearest) <= endSlack {
			of[f], taken[nearest] = nearest, true
		}
	}
	for _, x := range traces {
		if !taken[x] {
			extra = append(extra, x)
		}
	}
	return of, extra
}

// distance is how far apart f and x ended.
func (f *fact) distance(x *traced) time.Duration { return f.Time.Sub(x.end()).Abs() }
