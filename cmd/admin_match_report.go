package cmd

import (
	"context"
	"strings"

	"github.com/apisixscope/apisixscope/internal/apisix"
)

// matchReport is what admin match found. Its JSON form is described in docs/admin-match.md.
type matchReport struct {
	Router     apisix.RouterKind `json:"router"`
	RouterFrom string            `json:"router_from"`
	Method     string            `json:"method"`
	Host       string            `json:"host"`
	URI        string            `json:"uri"`
	Decided    bool              `json:"decided"`
	Bad        string            `json:"refused,omitempty"` // by nginx, before there is a route
	Maybe      []matchRoute      `json:"maybe"`             // come first if what they depend on holds
	Route      *matchRoute       `json:"route"`             // null: 404
	Tied       []matchRoute      `json:"tied"`
	Misses     []matchMiss       `json:"misses"`
	More       int               `json:"more_misses"`
}

// matchRoute is a route and what a request gets with it.
type matchRoute struct {
	ID       string        `json:"id"`
	Name     string        `json:"name,omitempty"`
	URI      string        `json:"uri"`
	Host     string        `json:"host,omitempty"`
	Depends  []string      `json:"depends_on,omitempty"`
	Service  *matchPart    `json:"service,omitempty"`
	Upstream *matchPart    `json:"upstream,omitempty"`
	Plugins  []matchPlugin `json:"plugins"`
	Broken   string        `json:"broken,omitempty"` // why APISIX answers itself when it gets there
}

// matchPart is a resource that a route leads to.
type matchPart struct {
	ID      string `json:"id,omitempty"` // empty for an upstream that is part of From
	Name    string `json:"name,omitempty"`
	From    string `json:"from,omitempty"`
	Missing bool   `json:"missing,omitempty"` // there is none of that id
	Nodes   string `json:"nodes,omitempty"`
}

// matchPlugin is a plugin, and what it is configured in.
type matchPlugin struct {
	Name     string `json:"name"`
	From     string `json:"from"`
	Disabled bool   `json:"disabled,omitempty"`
}

// matchMiss is a route that the request does not get.
type matchMiss struct {
	ID   string   `json:"id"`
	Name string   `json:"name,omitempty"`
	Why  []string `json:"why"`
}

// matching asks for what a report needs.
type matching struct {
	client   *apisix.Client
	kind     apisix.RouterKind
	from     string
	services []apisix.Resource
	global   []apisix.Resource
}

// chooseRouter takes the user's router, or the configuration's, or the version's.
func (m *matching) chooseRouter(ctx context.Context, o *adminMatchOptions) error {
	if o.router != "" {
		m.kind, m.from = apisix.RouterKind(o.router), "--router"
		return nil
	}
	if c := o.access.config; c != nil && c.Router != "" {
		m.kind, m.from = apisix.RouterKind(c.Router), "of the gateway's "+c.File
		return nil
	}
	version, err := m.client.Version(ctx)
	if err != nil {
		return err
	}
	var known bool
	m.kind, known = apisix.DefaultRouter(version)
	m.from = "the default of APISIX " + version
	if !known {
		m.from = "assumed: the Admin API does not tell its version; name the router with --router"
	}
	return nil
}

func (m *matching) report(ctx context.Context, req apisix.Request) (*matchReport, error) {
	routes, err := m.client.List(ctx, apisix.Routes)
	if err != nil {
		return nil, err
	}
	if m.services, err = m.client.List(ctx, apisix.Services); err != nil {
		return nil, err
	}
	if m.global, err = m.client.List(ctx, apisix.GlobalRules); err != nil {
		return nil, err
	}
	router, err := apisix.NewRouter(m.kind, routes, m.services)
	if err != nil {
		return nil, err
	}
	res := router.Match(req)
	r := &matchReport{
		Router: m.kind, RouterFrom: m.from, Method: req.Method, Host: res.Host, URI: res.URI, Bad: res.Bad,
		Decided: res.Decided(), More: res.More, Maybe: []matchRoute{}, Tied: []matchRoute{}, Misses: []matchMiss{},
	}
	if r.Bad != "" {
		r.URI, _, _ = strings.Cut(req.Path, "?")
	}
	for _, c := range res.Misses {
		r.Misses = append(r.Misses, matchMiss{ID: c.Route.ID, Name: c.Route.Name(), Why: c.Why})
	}
	for _, group := range []struct {
		from []apisix.Candidate
		to   *[]matchRoute
	}{{res.Maybe, &r.Maybe}, {res.Tied, &r.Tied}} {
		for i := range group.from {
			route, err := m.route(ctx, &group.from[i])
			if err != nil {
				return nil, err
			}
			*group.to = append(*group.to, *route)
		}
	}
	if res.Route != nil {
		r.Route, err = m.route(ctx, res.Route)
	}
	return r, err
}
