package apisix

import (
	"fmt"
	"slices"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// RouterKind is one of APISIX's ways to find the route of a request: apisix.router.http in its
// config.yaml.
type RouterKind string

// The kinds of router.
const (
	RouterURI     RouterKind = "radixtree_uri"                // the default up to APISIX 3.2
	RouterHostURI RouterKind = "radixtree_host_uri"           // the default since APISIX 3.3
	RouterParams  RouterKind = "radixtree_uri_with_parameter" // as radixtree_uri, and :name in a uri is a parameter
)

// RouterKinds is all of them.
func RouterKinds() []RouterKind { return []RouterKind{RouterHostURI, RouterURI, RouterParams} }

// A Router finds the route that APISIX would, without asking it. The rules are those of
// lua-resty-radixtree 2.9.2, lua-resty-expr 1.3.2 and lua-resty-ipmatcher 0.6.1, which
// APISIX 3.16 has; each is named where it is followed. It may be used by several goroutines.
//
// Not followed are the options delete_uri_tail_slash, normalize_uri_like_servlet and
// match_uri_encoded_slash of config.yaml, all off unless somebody turned them on, and plugins
// that change the client's address (real-ip) before the match.
type Router struct {
	kind  RouterKind
	rules []*rule
	hosts hostTrees // of RouterHostURI
	rest  *tree     // routes without a host, or all of them
}

// NewRouter reads the routes, and the services' hosts. The order of routes counts: of two that
// are alike, the first wins. The Control API lists them as APISIX has loaded them, the Admin
// API as a freshly started APISIX does.
func NewRouter(kind RouterKind, routes, services []Resource) (*Router, error) {
	if !slices.Contains(RouterKinds(), kind) {
		return nil, hint.Wrap(fmt.Errorf("%q is no router of APISIX", kind), "it is radixtree_host_uri, radixtree_uri or radixtree_uri_with_parameter")
	}
	hosts := map[string]hostList{}
	for i := range services {
		s := &services[i]
		doc, err := document(s.Raw)
		if err != nil {
			return nil, fmt.Errorf("read service %s: %w", s.ID, err)
		}
		hosts[s.ID] = readHosts(doc.Get("hosts"))
	}
	r := &Router{kind: kind, rest: newTree()}
	for i := range routes {
		doc, err := document(routes[i].Raw)
		if err != nil {
			return nil, fmt.Errorf("read route %s: %w", routes[i].ID, err)
		}
		r.add(newRule(kind, &routes[i], doc, hosts))
	}
	r.rest.sort()
	r.hosts.sort()
	return r, nil
}

// add puts a rule where requests find it; one that APISIX does not load is kept for near misses.
func (r *Router) add(u *rule) {
	u.order = len(r.rules)
	r.rules = append(r.rules, u)
	if u.off != "" {
		return
	}
	// apisix/http/router/radixtree_host_uri.lua, push_host_router: a tree of uris for each host.
	if r.kind == RouterHostURI && u.hosts.given {
		for _, h := range u.hosts.names {
			r.hosts.of(h).add(u)
		}
		return
	}
	r.rest.add(u)
}

// A Result says which route answers a request.
type Result struct {
	Host string // as APISIX sees it: without the port, in lower case
	URI  string // as APISIX sees it: decoded and normalised
	Bad  string // why nginx refuses the request before there is a route; nothing else is set then

	// Maybe is the routes that come before Route and answer if what they depend on holds, in order.
	Maybe []Candidate
	// Route answers, unless one of Maybe does. If it is nil, APISIX answers 404 Route Not Found.
	Route *Candidate
	// Tied is the routes just like Route: of them all, the one that APISIX has loaded first answers.
	Tied []Candidate

	Misses []Miss
	More   int // how many other near misses there are
}

// Decided reports whether the answer is Route for sure.
func (r *Result) Decided() bool { return r.Bad == "" && len(r.Maybe) == 0 && len(r.Tied) == 0 }

// A Candidate is a route that a request may get.
type Candidate struct {
	Route     *Resource
	URI, Host string   // what of the route matched; Host is empty if it has none
	Depends   []string // what is not known
	NoService bool     // it names a service that does not exist: APISIX answers 404 when it gets there
}

// A Miss is a route that a request nearly got.
type Miss struct {
	Route *Resource
	Why   []string
}

// maxMisses is how many near misses a Result has.
const maxMisses = 10

// Match returns the route of a request.
func (r *Router) Match(req Request) Result {
	q := newQuestion(&req)
	res := Result{Host: q.host, URI: q.uri, Bad: q.bad}
	if q.bad != "" {
		return res
	}
	e := explanation{result: &res, seen: map[*rule]bool{}, chosen: map[*rule]bool{}}
	for c := range r.candidates(q) {
		e.consider(c, q)
	}
	e.finish(r, q)
	return res
}
