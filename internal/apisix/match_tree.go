package apisix

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// place is where a rule is in a router: one of its uris, and in RouterHostURI one of its hosts.
type place struct {
	rule *rule
	uri  *uriPattern
	host string // the pattern of the tree it is in; empty where there is none
}

// A tree finds uris as lua-resty-radixtree's match_route does: those that are equal first, then
// prefixes from the longest to the shortest.
type tree struct {
	exact, prefix map[string][]place
	longest       int // the longest prefix
	host          string
}

func newTree() *tree {
	return &tree{exact: map[string][]place{}, prefix: map[string][]place{}}
}

func (t *tree) add(u *rule) {
	for _, p := range u.uris {
		bucket := t.exact
		if !p.exact {
			bucket, t.longest = t.prefix, max(t.longest, len(p.prefix))
		}
		bucket[p.prefix] = append(bucket[p.prefix], place{u, p, t.host})
	}
}

// sort orders those with the same uri or prefix: lib/resty/radixtree.lua, sort_route.
func (t *tree) sort() {
	for _, places := range []map[string][]place{t.exact, t.prefix} {
		for _, bucket := range places {
			slices.SortStableFunc(bucket, func(a, b place) int {
				return cmp.Or(cmp.Compare(b.rule.priority, a.rule.priority), cmp.Compare(len(b.uri.text), len(a.uri.text)))
			})
		}
	}
}

// find yields what may match a uri, the best first.
func (t *tree) find(uri string, yield func(place) bool) bool {
	for _, p := range t.exact[uri] {
		if !yield(p) {
			return false
		}
	}
	for n := min(len(uri), t.longest); n >= 0; n-- {
		for _, p := range t.prefix[uri[:n]] {
			if !yield(p) {
				return false
			}
		}
	}
	return true
}

// hostTrees is a tree for each host: radixtree_host_uri.lua, create_radixtree_router. There the
// host is spelled backwards, so that a wildcard is a prefix.
type hostTrees struct {
	exact   map[string]*tree
	suffix  map[string]*tree // by what follows the asterisk
	longest int
}

func (h *hostTrees) of(host string) *tree {
	if h.exact == nil {
		h.exact, h.suffix = map[string]*tree{}, map[string]*tree{}
	}
	in, key := h.exact, host
	if star := strings.LastIndexByte(host, '*'); star >= 0 {
		in, key = h.suffix, host[star+1:]
		h.longest = max(h.longest, len(key))
	}
	if in[key] == nil {
		in[key] = newTree()
		in[key].host = host
	}
	return in[key]
}

func (h *hostTrees) sort() {
	for _, trees := range []map[string]*tree{h.exact, h.suffix} {
		for _, t := range trees {
			t.sort()
		}
	}
}

// find yields the trees that a host belongs to, the best first: radixtree_host_uri.lua,
// matching. A tree in which nothing matches leaves the request to the next.
func (h *hostTrees) find(host string, yield func(*tree) bool) bool {
	if t := h.exact[host]; t != nil && !yield(t) {
		return false
	}
	for n := min(len(host), h.longest); n >= 0; n-- {
		if t := h.suffix[host[len(host)-n:]]; t != nil && !yield(t) {
			return false
		}
	}
	return true
}

// candidates yields every place that a request comes to, in the order in which APISIX tries them.
func (r *Router) candidates(q *question) iter.Seq[place] {
	return func(yield func(place) bool) {
		if r.kind == RouterHostURI && !r.hosts.find(q.host, func(t *tree) bool { return t.find(q.uri, yield) }) {
			return
		}
		r.rest.find(q.uri, yield)
	}
}
