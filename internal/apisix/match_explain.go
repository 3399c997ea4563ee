package apisix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An explanation gathers a Result from what a request comes to, in order.
type explanation struct {
	result *Result
	winner *place
	seen   map[*rule]bool // they are in the result or in misses
	chosen map[*rule]bool // they are in the result
	misses []miss
}

// miss is a near miss; the nearest have the lowest rank, and the most in common.
type miss struct {
	rule   *rule
	rank   int
	common int
	why    []string
}

// consider takes the next place that the request comes to.
func (e *explanation) consider(c place, q *question) {
	if e.chosen[c.rule] && (e.winner != nil || c.rule.filter) {
		return // another of its uris or hosts
	}
	v := c.judge(q)
	switch {
	case v.truth == no:
		e.miss(c.rule, v.fails)
	case e.winner != nil:
		e.later(&c, v)
	case v.truth == maybe && e.chosen[c.rule]: // so it was, for another of its uris
	case v.truth == maybe:
		e.choose(c.rule)
		e.result.Maybe = append(e.result.Maybe, c.candidate(v))
	default:
		e.choose(c.rule)
		found := c.candidate(v)
		e.winner, e.result.Route = &c, &found
		// What comes right before it and is the same route is nothing else.
		for n := len(e.result.Maybe); n > 0 && e.result.Maybe[n-1].Route == found.Route; n-- {
			e.result.Maybe = e.result.Maybe[:n-1]
		}
	}
}

// later takes a place that the request does not come to any more.
func (e *explanation) later(c *place, v verdict) {
	why, tied := c.behind(e.winner)
	if tied && v.truth == yes && !e.chosen[c.rule] {
		e.choose(c.rule)
		e.result.Tied = append(e.result.Tied, c.candidate(v))
		return
	}
	e.miss(c.rule, []string{why})
}

// choose takes a rule off the misses: another of its uris has made it one.
func (e *explanation) choose(u *rule) {
	if e.seen[u] && !e.chosen[u] {
		e.misses = slices.DeleteFunc(e.misses, func(m miss) bool { return m.rule == u })
	}
	e.seen[u], e.chosen[u] = true, true
}

func (e *explanation) miss(u *rule, why []string) {
	if !e.seen[u] {
		e.seen[u] = true
		e.misses = append(e.misses, miss{rule: u, why: why})
	}
}

// finish adds the routes that the request never came to and nearly did.
func (e *explanation) finish(r *Router, q *question) {
	for _, u := range r.rules {
		if !e.seen[u] {
			e.scan(r.kind, u, q)
		}
	}
	slices.SortStableFunc(e.misses, func(a, b miss) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.common, a.common))
	})
	e.result.More = max(0, len(e.misses)-maxMisses)
	for _, m := range e.misses[:min(len(e.misses), maxMisses)] {
		e.result.Misses = append(e.result.Misses, Miss{Route: m.rule.route, Why: m.why})
	}
}

func (e *explanation) scan(kind RouterKind, u *rule, q *question) {
	sameHost, sameURI := len(u.hosts.names) == 0, false
	if !sameHost {
		_, sameHost = u.hosts.find(q)
	}
	var uris []string
	m := miss{rule: u}
	for _, p := range u.uris {
		sameURI = sameURI || p.fits(q.uri)
		uris = append(uris, p.text)
		m.common = max(m.common, commonPrefix(p.text, q.uri))
	}
	if u.off != "" {
		m.why = append(m.why, u.off)
	}
	switch {
	case sameHost && sameURI:
		m.common = 0
		if u.off == "" {
			m.why = append(m.why, "its hosts "+listOf(u.hosts.names)+" never match in "+string(kind)+": they need lower case and no port")
		}
	case sameHost && len(u.hosts.names) > 0:
		m.rank = 1
		m.why = append(m.why, fmt.Sprintf("uri %s is not %s", q.uri, listOf(uris)))
	case sameURI:
		m.rank, m.common = 2, 0
		for _, h := range u.hosts.names {
			m.common = max(m.common, commonSuffix(h, q.host))
		}
		m.why = append(m.why, fmt.Sprintf("host %s is not %s", q.host, listOf(u.hosts.names)))
	default:
		return
	}
	e.misses = append(e.misses, m)
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	n := 0
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}
