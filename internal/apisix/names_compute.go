package apisix

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/trace"
)

// compute finds the route of a request whose names could not be read, as APISIX does. Where
// that is not certain, it leaves the names empty.
func (n *Names) compute(s *snapshot, x *trace.Exchange) {
	if len(s.routers) == 0 || x.Vague || x.Path == "" || !n.o.Reception.routes(x.Server) || strings.HasPrefix(x.Path, "/apisix/") {
		return // not there yet, or not to be routed: APISIX's own APIs are below /apisix/
	}
	if r := n.o.Reception; r != nil && len(r.Changes) > 0 {
		n.doubts.addAll("paths are changed before the match: " + strings.Join(r.Changes, ", "))
		return
	}
	req := n.request(x)
	q := newQuestion(&req)
	if q.bad != "" {
		return
	}
	var route *rule
	for i, router := range s.routers {
		found, doubt, sure := router.decide(q)
		switch {
		case !sure:
			n.doubts.add(router, doubt, &req)
			return
		case i > 0 && !sameRule(found, route):
			n.doubts.addAll("it depends on which router the gateway has: its conf/config.yaml was not read")
			return
		case found != nil:
			route = found.rule
		}
	}
	switch {
	case route == nil && x.Status != http.StatusNotFound, route != nil && route.noService:
		return // something has changed since the snapshot, or is not as it seems
	case route == nil:
		x.Names = trace.Names{From: trace.NamesComputed}
		return
	}
	info := s.routes[route.route.ID]
	x.Names = trace.Names{From: trace.NamesComputed, RouteID: route.route.ID, RouteName: info.name, ServiceID: info.service}
}

func sameRule(found *place, route *rule) bool {
	if found == nil || route == nil {
		return found == nil && route == nil
	}
	return found.rule.route.ID == route.route.ID
}

// request is what is known of x.
func (n *Names) request(x *trace.Exchange) Request {
	r := Request{Method: x.Method, Host: x.Host, Path: x.Path, Client: n.o.Reception.client(x.Client.Addr())}
	if x.Query != "" {
		r.Path += "?" + x.Query
	}
	if l := x.Logged; l != nil {
		if addr, err := netip.ParseAddr(l.RemoteAddr); err == nil {
			r.Client = addr
		}
		if l.HTTPHost != "" {
			r.Host = l.HTTPHost
		}
	}
	if x.Headers == nil || !x.Headers.Request.Seen {
		return r
	}
	r.Header, r.Whole = http.Header{}, x.Headers.Request.Cut == 0
	for _, f := range x.Headers.Request.Fields {
		if !f.Set {
			r.Header[f.Name] = append(r.Header[f.Name], f.Value)
		}
	}
	return r
}

// doubts counts requests whose route could not be computed, by why.
type doubts struct {
	count   map[string]uint64
	reasons []string
	others  uint64 // for further reasons
	ofRoute map[string]string
}

// maxDoubts is how many reasons are told.
const maxDoubts = 5

// add counts a request that may get the route of u. Why, is asked once for each route.
func (d *doubts) add(r *Router, u *rule, req *Request) {
	id := u.route.ID
	why, known := d.ofRoute[id]
	if !known {
		why = whyUnsure(r, id, req)
		if d.ofRoute == nil {
			d.ofRoute = map[string]string{}
		}
		if len(d.ofRoute) < 1000 {
			d.ofRoute[strings.Clone(id)] = why
		}
	}
	d.addAll(why)
}

func whyUnsure(r *Router, id string, req *Request) string {
	res := r.Match(*req)
	for _, c := range res.Maybe {
		if c.Route.ID == id {
			return "route " + id + " depends on " + strings.Join(c.Depends, ", ")
		}
	}
	return "route " + id + " is just like another one"
}

func (d *doubts) addAll(why string) {
	if d.count == nil {
		d.count = map[string]uint64{}
	}
	if _, known := d.count[why]; !known {
		if len(d.reasons) == maxDoubts {
			d.others++
			return
		}
		d.reasons = append(d.reasons, why)
	}
	d.count[why]++
}

// notes are sentences, those of the most requests first.
func (d *doubts) notes() []string {
	slices.SortStableFunc(d.reasons, func(a, b string) int { return int(d.count[b]) - int(d.count[a]) })
	var out []string
	for _, why := range d.reasons {
		out = append(out, fmt.Sprintf("the route of %d requests could not be computed: %s", d.count[why], why))
	}
	if d.others > 0 {
		out = append(out, fmt.Sprintf("the route of %d more requests could not be computed", d.others))
	}
	return out
}
