package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

const (
	// reportSlowest is how many of the slowest requests a report tells of.
	reportSlowest = 50
	// reportAlike is how many of them may be alike: what waited for one hung node would leave no
	// room for anything else.
	reportAlike = 10
)

// slow keeps the slowest requests: of those that are alike the first few, to be shown, and
// of all of them what took their time.
type slow struct {
	shown []slowRequest // the slowest first, and of equals the one that came first
	parts []slowPart    // the same, whether they are alike or not
}

type slowRequest struct {
	x    *trace.Exchange
	kind slowKind
}

// slowKind is what requests have in common that are alike.
type slowKind struct {
	route, node string
	status      int
}

// slowPart is what took most of a request's time.
type slowPart struct {
	took       time.Duration
	part, node string // empty for not known
}

func (s *slow) add(x *trace.Exchange) {
	if n := len(s.parts); n < reportSlowest || x.Duration > s.parts[n-1].took {
		p := slowPartOf(x)
		s.parts = insert(s.parts, p, func(have slowPart) bool { return have.took >= p.took })
		s.parts = s.parts[:min(len(s.parts), reportSlowest)]
	}
	if n := len(s.shown); n == reportSlowest && x.Duration <= s.shown[n-1].x.Duration {
		return
	}
	k := slowKind{cmp.Or(x.Names.RouteID, x.Names.RouteName, x.Host), slowestNode(x), x.Status}
	alike, last := 0, -1
	for i := range s.shown {
		if s.shown[i].kind == k {
			alike, last = alike+1, i
		}
	}
	if alike == reportAlike {
		if x.Duration <= s.shown[last].x.Duration {
			return
		}
		s.shown = slices.Delete(s.shown, last, last+1)
	}
	x = x.Clone()
	k.route, k.node = strings.Clone(k.route), strings.Clone(k.node)
	s.shown = insert(s.shown, slowRequest{x, k}, func(have slowRequest) bool { return have.x.Duration >= x.Duration })
	s.shown = s.shown[:min(len(s.shown), reportSlowest)]
}

// insert puts one behind those that come before it.
func insert[T any](all []T, one T, before func(T) bool) []T {
	at := len(all)
	for at > 0 && !before(all[at-1]) {
		at--
	}
	return slices.Insert(all, at, one)
}

func slowPartOf(x *trace.Exchange) slowPart {
	p := slowPart{took: x.Duration}
	if i := largestOf(x); i >= 0 {
		p.part = partTitle(groupPartName(i))
	}
	if strings.HasPrefix(p.part, "upstream") {
		p.node = strings.Clone(slowestNode(x))
	}
	return p
}

// slowestNode is that of the attempt that took longest.
func slowestNode(x *trace.Exchange) string {
	if len(x.Attempts) == 0 {
		return ""
	}
	i := 0
	for k := range x.Attempts {
		if x.Attempts[k].Duration > x.Attempts[i].Duration {
			i = k
		}
	}
	return nodeName(&x.Attempts[i])
}

// words tells what most of the slowest requests spent their time with, if it is one thing.
func (s *slow) words() string {
	n := map[slowPart]int{}
	var most slowPart
	for _, p := range s.parts {
		p.took = 0
		if n[p]++; n[p] > n[most] {
			most = p
		}
	}
	const least = 10
	if len(s.parts) < least || 2*n[most] <= len(s.parts) || most.part == "" {
		return ""
	}
	said := fmt.Sprintf("Of the %d slowest requests %d spent most of their time in %s", len(s.parts), n[most], most.part)
	if most.node != "" {
		said += " of node " + most.node
	}
	return said + "."
}
