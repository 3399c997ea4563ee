package apisix

import "slices"

// decide returns the place of the route that answers a request, nil for none, as Match does but
// without a word of why. sure is false where the answer depends on what is not known; doubt is
// then a route that it may be.
func (r *Router) decide(q *question) (found *place, doubt *rule, sure bool) {
	if q.bad != "" {
		return nil, nil, true
	}
	sure = true
	for c := range r.candidates(q) {
		switch {
		case found != nil && !c.tiedWith(found):
			return found, nil, true
		case found != nil:
			if c.rule != found.rule && c.truth(q) != no { // which was loaded first?
				return nil, c.rule, false
			}
			continue
		}
		switch t := c.truth(q); {
		case t == maybe && (doubt == nil || doubt == c.rule):
			doubt, sure = c.rule, false
		case t == maybe:
			return nil, c.rule, false
		case t == yes && (doubt == nil || doubt == c.rule):
			found, doubt, sure = &c, nil, true
		case t == yes:
			return nil, doubt, false
		}
	}
	return found, doubt, sure
}

// tiedWith reports that only the order of loading tells c and w apart: see behind.
func (c *place) tiedWith(w *place) bool {
	return c.host == w.host && c.uri.exact == w.uri.exact && len(c.uri.prefix) == len(w.uri.prefix) &&
		c.rule.priority == w.rule.priority && len(c.uri.text) == len(w.uri.text)
}

// truth is what judge says, and nothing of why.
func (c *place) truth(q *question) truth {
	u := c.rule
	t := yes
	if len(u.methods) > 0 {
		switch {
		case q.method == "":
			t = maybe
		case !slices.Contains(u.methods, q.method) || !slices.Contains(methods, q.method):
			return no
		}
	}
	if c.host == "" && len(u.hosts.names) > 0 {
		if _, found := u.hosts.find(q); !found {
			return no
		}
	}
	if u.clients != nil {
		switch {
		case !q.client.IsValid():
			t = maybe
		case !u.clients.has(q.client):
			return no
		}
	}
	if u.filter {
		t = maybe
	}
	if c.uri.whole != nil {
		held, _ := c.uri.check(q.uri)
		t = min(t, held)
	}
	if u.vars != nil && t != no {
		held, _ := u.vars.eval(q)
		t = min(t, held)
	}
	return t
}
