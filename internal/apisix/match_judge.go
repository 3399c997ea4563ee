package apisix

import (
	"fmt"
	"slices"
)

// A verdict is what a route makes of a request that has come to it.
type verdict struct {
	truth   truth
	host    string   // which of its hosts matched
	fails   []string // why it is not it
	depends []string // what is not known
}

func (v *verdict) put(t truth, why ...string) {
	v.truth = min(v.truth, t)
	switch t {
	case no:
		v.fails = append(v.fails, why...)
	case maybe:
		v.depends = append(v.depends, why...)
	}
}

// methods is radixtree.lua's METHODS. A route that names methods has no other.
var methods = []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"}

// judge is lib/resty/radixtree.lua, match_route_opts and compare_param: all of it has to hold.
func (c *place) judge(q *question) verdict {
	u := c.rule
	v := verdict{truth: yes, host: c.host}
	if len(u.methods) > 0 {
		v.put(u.judgeMethod(q))
	}
	if u.clients != nil {
		v.put(u.judgeClient(q))
	}
	if c.host == "" && len(u.hosts.names) > 0 {
		var found bool
		if v.host, found = u.hosts.find(q); !found {
			v.put(no, fmt.Sprintf("host %s is not %s", q.host, listOf(u.hosts.names)))
		}
	}
	if u.vars != nil {
		t, why := u.vars.eval(q)
		for i := range why {
			if t == no {
				why[i] = "vars: " + why[i]
			}
		}
		v.put(t, why...)
	}
	if u.filter {
		v.put(maybe, "its filter_func")
	}
	if t, why := c.uri.check(q.uri); t != yes {
		v.put(t, why)
	}
	return v
}

func (u *rule) judgeMethod(q *question) (truth, string) {
	switch {
	case q.method == "":
		return maybe, "the method"
	case slices.Contains(u.methods, q.method) && slices.Contains(methods, q.method):
		return yes, ""
	}
	return no, fmt.Sprintf("method %s is not in %s", q.method, listOf(u.methods))
}

func (u *rule) judgeClient(q *question) (truth, string) {
	switch {
	case !q.client.IsValid():
		return maybe, "the client's address (" + u.clients.text + ")"
	case u.clients.has(q.client):
		return yes, ""
	}
	return no, fmt.Sprintf("client %s is not in %s", q.client, u.clients.text)
}

// candidate is a place as callers see it.
func (c *place) candidate(v verdict) Candidate {
	return Candidate{Route: c.rule.route, URI: c.uri.text, Host: v.host, Depends: v.depends, NoService: c.rule.noService}
}

// behind says why c comes later than w does. tied says that nothing but the order of loading
// tells them apart.
func (c *place) behind(w *place) (why string, tied bool) {
	id := w.rule.route.ID
	switch {
	case w.host != "" && c.host == "":
		return fmt.Sprintf("it has no host; route %s is for %s", id, w.host), false
	case w.host != c.host:
		return fmt.Sprintf("its host %s is wider than %s of route %s", c.host, w.host, id), false
	case w.uri.exact && !c.uri.exact:
		return fmt.Sprintf("its uri %s is a prefix; route %s has the whole uri", c.uri.text, id), false
	case len(w.uri.prefix) > len(c.uri.prefix):
		return fmt.Sprintf("its uri %s is a shorter prefix than %s of route %s", c.uri.text, w.uri.text, id), false
	case w.rule.priority != c.rule.priority:
		return fmt.Sprintf("its priority %d is lower than %d of route %s", c.rule.priority, w.rule.priority, id), false
	case len(w.uri.text) != len(c.uri.text):
		return fmt.Sprintf("its uri %s is shorter than %s of route %s", c.uri.text, w.uri.text, id), false
	}
	return fmt.Sprintf("it is just like route %s, which was loaded earlier", id), true
}
