package cmd

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/apisix"
)

// route looks up what a route leads to: merge_service_route in apisix/plugin.lua, and
// http_access_phase in apisix/init.lua.
func (m *matching) route(ctx context.Context, c *apisix.Candidate) (*matchRoute, error) {
	doc := c.Route
	r := &matchRoute{ID: doc.ID, Name: doc.Name(), URI: c.URI, Host: c.Host, Depends: c.Depends, Plugins: []matchPlugin{}}
	plugins := map[string]matchPlugin{}
	if c.NoService {
		r.Broken = "its service does not exist: APISIX answers 404"
	}
	var service *apisix.Resource
	if id := doc.Value("service_id"); id.Exists() {
		r.Service = &matchPart{ID: id.String(), Missing: c.NoService}
		at := func(s apisix.Resource) bool { return s.ID == id.String() }
		if i := slices.IndexFunc(m.services, at); i >= 0 {
			service = &m.services[i]
			r.Service.Name = service.Name()
			addPlugins(plugins, service.Value("plugins"), "service "+service.ID)
		}
	}
	if id := doc.Value("plugin_config_id"); id.Exists() {
		from := "plugin-config " + id.String()
		pc, err := m.client.Get(ctx, apisix.PluginConfigs, id.String())
		switch {
		case errors.Is(err, apisix.ErrNotFound):
			r.Broken = from + " does not exist: APISIX answers 503"
		case err != nil:
			return nil, err
		}
		addPlugins(plugins, pc.Value("plugins"), from)
	}
	addPlugins(plugins, doc.Value("plugins"), "route "+doc.ID)
	for _, name := range sortedNames(plugins) {
		r.Plugins = append(r.Plugins, plugins[name])
	}
	for _, g := range m.global { // they run beside the route's
		own := map[string]matchPlugin{}
		addPlugins(own, g.Value("plugins"), "global-rule "+g.ID)
		for _, name := range sortedNames(own) {
			r.Plugins = append(r.Plugins, own[name])
		}
	}
	var err error
	r.Upstream, err = m.upstream(ctx, doc, service)
	return r, err
}

// addPlugins adds plugins to those that they override.
func addPlugins(to map[string]matchPlugin, plugins gjson.Result, from string) {
	plugins.ForEach(func(name, conf gjson.Result) bool {
		to[name.String()] = matchPlugin{Name: name.String(), From: from, Disabled: conf.Get("_meta.disable").Bool()}
		return true
	})
}

func sortedNames(plugins map[string]matchPlugin) []string {
	return slices.Sorted(maps.Keys(plugins))
}

// upstream is the route's own, and otherwise its service's. An upstream_id comes before an
// upstream in the route itself: apisix/init.lua, http_access_phase.
func (m *matching) upstream(ctx context.Context, route, service *apisix.Resource) (*matchPart, error) {
	for _, r := range []*apisix.Resource{route, service} {
		if r == nil {
			continue
		}
		from := strings.TrimSuffix(string(r.Kind), "s") + " " + r.ID
		if id := r.Value("upstream_id"); id.Exists() {
			part := &matchPart{ID: id.String(), From: from}
			u, err := m.client.Get(ctx, apisix.Upstreams, id.String())
			switch {
			case errors.Is(err, apisix.ErrNotFound):
				part.Missing = true
			case err != nil:
				return nil, err
			default:
				part.Name = u.Name()
				part.Nodes = nodesOf(gjson.ParseBytes(u.Raw))
			}
			return part, nil
		}
		if u := r.Value("upstream"); u.Exists() {
			return &matchPart{Name: u.Get("name").String(), From: from, Nodes: nodesOf(u)}, nil
		}
	}
	return nil, nil
}
