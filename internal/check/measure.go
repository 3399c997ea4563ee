package check

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// errUnseen means that only the gateway could have told.
var errUnseen = errors.New("what the gateway did could not be seen")

// errTooMany means that there was no room to keep how long each request took.
var errTooMany = fmt.Errorf("more than %d requests cannot be timed: a filter, or a shorter time, makes them fewer", maxTimed)

// maxTimed bounds what is kept to 32 MiB for each kind of times that a check asks of.
const maxTimed = 4 << 20

// needs is which times a check asks of.
type needs struct{ took, gateway, upstream bool }

func needsOf(holds []Condition) (n needs) {
	for i := range holds {
		switch part, _, split := strings.Cut(holds[i].what, "_"); {
		case measures[holds[i].what] != timed:
		case !split:
			n.took = true
		case part == "gateway":
			n.gateway = true
		default:
			n.upstream = true
		}
	}
	return n
}

// measured is what a number of requests did. The durations that are needed are kept one by
// one: quantiles are exact.
type measured struct {
	needs                     needs
	requests, errors, refused int // all; no answer or 5xx; 4xx
	retries                   int
	took, gateway, upstream   []time.Duration
	sources                   map[trace.ResponseSource]int
	lost                      uint64
	unseen                    bool // only the client's side is known
	crowded                   bool // there were more than can be timed
}

// keep keeps a duration for a quantile; -1 means that there was none.
func (m *measured) keep(needed bool, all []time.Duration, d time.Duration) []time.Duration {
	switch {
	case !needed || d < 0:
		return all
	case len(all) >= maxTimed:
		m.crowded = true
		return all
	}
	return append(all, d)
}

// add counts what the gateway did.
func (m *measured) add(x *trace.Exchange) {
	m.count(x.Status, x.Duration)
	m.retries += max(len(x.Attempts)-1, 0)
	m.gateway = m.keep(m.needs.gateway, m.gateway, x.Timing.Gateway)
	m.upstream = m.keep(m.needs.upstream, m.upstream, x.UpstreamTime())
	if m.sources == nil {
		m.sources = map[trace.ResponseSource]int{}
	}
	m.sources[x.Source]++
}

// count counts what a client has seen, too.
func (m *measured) count(status int, took time.Duration) {
	m.requests++
	switch {
	case status == 0 || status >= 500:
		m.errors++
	case status >= 400:
		m.refused++
	}
	m.took = m.keep(m.needs.took, m.took, took)
}

func (m *measured) value(what string) (float64, error) {
	name, percent := strings.CutSuffix(what, "%")
	of := map[string]int{"errors": m.errors, "client_errors": m.refused}
	switch {
	case name == "requests":
		return float64(m.requests), nil
	case percent && m.requests == 0:
		return 0, errNoRequest
	case percent:
		return float64(of[name]) / float64(m.requests), nil
	case name == "errors" || name == "client_errors":
		return float64(of[name]), nil
	case name == "retries" && !m.unseen:
		return float64(m.retries), nil
	case name == "lost" && !m.unseen:
		return float64(m.lost), nil
	case name == "retries", name == "lost":
		return 0, errUnseen
	}
	from := m.took
	if part, rank, split := strings.Cut(name, "_"); split {
		if m.unseen {
			return 0, errUnseen
		}
		if from = m.gateway; part == "upstream" {
			from = m.upstream
		}
		name = rank
	}
	switch {
	case m.crowded:
		return 0, errTooMany
	case len(from) == 0:
		return 0, errNoRequest
	}
	return float64(quantile(from, name)), nil
}

// quantile returns the duration that a share of all does not exceed, as in "p99", or min, max
// and avg.
func quantile(all []time.Duration, name string) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	var q float64
	switch name {
	case "min":
		return sorted[0]
	case "max":
		return sorted[len(sorted)-1]
	case "avg":
		var sum time.Duration
		for _, d := range sorted {
			sum += d
		}
		return sum / time.Duration(len(sorted))
	case "p50":
		q = 0.50
	case "p90":
		q = 0.90
	case "p95":
		q = 0.95
	case "p99":
		q = 0.99
	}
	return sorted[max(int(math.Ceil(q*float64(len(sorted)))), 1)-1]
}
