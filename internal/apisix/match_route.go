package apisix

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// maxDepth is how deep cjson reads JSON, and so the deepest that APISIX has.
const maxDepth = 1000

// document checks bytes before gjson walks over them: it takes what is no JSON for some, and
// calls itself for each level.
func document(raw []byte) (gjson.Result, error) {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return gjson.Result{}, fmt.Errorf("its JSON is nested deeper than %d levels", maxDepth)
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	if !gjson.ValidBytes(raw) {
		return gjson.Result{}, errors.New("it is no valid JSON")
	}
	doc := gjson.ParseBytes(raw)
	if !doc.IsObject() {
		return gjson.Result{}, fmt.Errorf("it is %s, not an object", kindOf(doc))
	}
	return doc, nil
}

// A rule is what of a route counts for the match: create_radixtree_uri_router in
// apisix/http/route.lua, and push_host_router.
type rule struct {
	route     *Resource
	order     int
	off       string // why APISIX does not try it at all; empty if it does
	noService bool

	uris     []*uriPattern
	hosts    hostList
	priority int64
	methods  []string // none: any
	clients  *ipList  // nil: any
	vars     *expr    // nil: always
	filter   bool     // it has a filter_func
}

func newRule(kind RouterKind, route *Resource, doc gjson.Result, services map[string]hostList) *rule {
	u := &rule{route: route, priority: doc.Get("priority").Int(), filter: doc.Get("filter_func").Exists()}
	if status := doc.Get("status"); status.Exists() && status.Int() == 0 {
		u.off = "status is 0: it is disabled"
	}
	u.readURIs(doc, kind == RouterParams)
	u.readHosts(doc, services)
	for _, m := range doc.Get("methods").Array() {
		u.methods = append(u.methods, m.String())
	}
	var err error
	clients := firstOf(doc, "remote_addrs", "remote_addr")
	if u.clients, err = readIPs(clients); err != nil {
		u.refuse(clients, "remote_addr", err)
	}
	if vars := doc.Get("vars"); vars.Exists() {
		if u.vars, err = compileVars(vars); err != nil {
			u.refuse(vars, "vars", err)
		}
	}
	return u
}

// refuse notes that APISIX does not load the route: its schema, or check_route of
// apisix/http/route.lua, does not let it pass.
func (u *rule) refuse(v gjson.Result, name string, err error) {
	if v.Exists() && u.off == "" {
		u.off = fmt.Sprintf("APISIX does not load it: %s: %v", name, err)
	}
}

func (u *rule) readURIs(doc gjson.Result, params bool) {
	uris := firstOf(doc, "uris", "uri")
	for _, v := range uris.Array() { // one string is an array of it
		if v.Type != gjson.String {
			u.refuse(uris, "uri", fmt.Errorf("it is %s", kindOf(v)))
			return
		}
		u.uris = append(u.uris, newURIPattern(v.Str, params))
	}
}

// readHosts takes the route's own hosts, and otherwise its service's. A service that does not
// exist has none.
func (u *rule) readHosts(doc gjson.Result, services map[string]hostList) {
	u.hosts = readHosts(firstOf(doc, "hosts", "host"))
	service := doc.Get("service_id")
	if !service.Exists() {
		return
	}
	hosts, found := services[service.String()]
	u.noService = !found
	if !u.hosts.given {
		u.hosts = hosts
	}
}

// firstOf is the first of several fields that is there.
func firstOf(doc gjson.Result, names ...string) gjson.Result {
	for _, name := range names {
		if v := doc.Get(name); v.Exists() {
			return v
		}
	}
	return gjson.Result{}
}

// hostList is the hosts of a route or service.
type hostList struct {
	given bool // also for a list of none
	names []string
}

func readHosts(v gjson.Result) hostList {
	l := hostList{given: v.Exists() && v.Type != gjson.Null}
	for _, h := range v.Array() {
		if h.Type == gjson.String {
			l.names = append(l.names, h.Str)
		}
	}
	return l
}

// find returns the host that a request's is: lib/resty/radixtree.lua, match_route_opts. One
// with a colon is held to the Host header itself, in which case counts.
func (l hostList) find(q *question) (string, bool) {
	for _, name := range l.names {
		want, host := strings.ToLower(name), q.host
		suffix, wild := strings.CutPrefix(want, "*")
		if strings.Contains(want, ":") {
			host = q.rawHost
		}
		if wild && strings.HasSuffix(host, suffix) || !wild && host == want {
			return name, true
		}
	}
	return "", false
}
