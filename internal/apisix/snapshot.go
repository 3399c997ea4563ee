package apisix

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/trace"
)

// A snapshot is what of the Admin API requests get names from, at one time. It does not change,
// and holds no configuration of plugins, which may be secret.
type snapshot struct {
	routes    map[string]*routeInfo
	services  map[string]string // their names
	global    []string          // the plugins of global rules, in their order
	order     order
	consumers map[string][]string // the plugins that consumers add; nil unless wanted
	routers   []*Router           // nil unless wanted; several where the kind is not known: all must agree
}

// routeInfo is what is told of a request that got a route.
type routeInfo struct {
	name, service string
	uris          []uriShape
	own           []string // the plugins of the route, its plugin config and its service, in no order
	plugins       []string // those, and those of global rules, in the order in which they run
	labels        []trace.Label
}

// uriShape is a uri of a route.
type uriShape struct {
	text, prefix string
	exact        bool
}

// wanted is what a snapshot has only if somebody needs it.
type wanted struct {
	consumers bool
	routers   bool
}

// takeSnapshot asks for all of it, one list after the other.
func (n *Names) takeSnapshot(ctx context.Context, w wanted) (*snapshot, error) {
	lists := map[Kind][]Resource{}
	kinds := []Kind{Plugins, Routes, Services, PluginConfigs, GlobalRules}
	if w.consumers {
		kinds = append(kinds, Consumers, ConsumerGroups)
	}
	for _, kind := range kinds {
		list, err := n.o.Client.List(ctx, kind)
		// Old versions lack the newer kinds, and the standalone API the list of plugins.
		lacks := errors.Is(err, ErrNotFound) || errors.Is(err, ErrNotAdmin)
		if err != nil && !(lacks && kind != Routes) {
			return nil, err
		}
		lists[kind] = list
	}
	s := newSnapshot(lists)
	if w.consumers {
		s.addConsumers(lists[Consumers], lists[ConsumerGroups])
	}
	if w.routers {
		kinds, err := n.routerKinds(ctx)
		if err != nil {
			return nil, err
		}
		for _, kind := range kinds {
			r, err := NewRouter(kind, lists[Routes], lists[Services])
			if err != nil {
				return nil, err
			}
			s.routers = append(s.routers, r)
		}
	}
	return s, nil
}

// routerKinds are the kinds that the gateway's router may be of.
func (n *Names) routerKinds(ctx context.Context) ([]RouterKind, error) {
	if n.o.Router != "" {
		return []RouterKind{n.o.Router}, nil
	}
	version, err := n.o.Client.Version(ctx)
	if err != nil {
		return nil, err
	}
	if kind, ok := DefaultRouter(version); ok && n.o.Reception != nil {
		return []RouterKind{kind}, nil
	}
	return RouterKinds(), nil // config.yaml, which may name another one, was not read
}

func newSnapshot(lists map[Kind][]Resource) *snapshot {
	s := &snapshot{routes: map[string]*routeInfo{}, services: map[string]string{}, order: newOrder(lists[Plugins])}
	byID := func(kind Kind) map[string]*Resource {
		all := map[string]*Resource{}
		for i := range lists[kind] {
			all[lists[kind][i].ID] = &lists[kind][i]
		}
		return all
	}
	global := plugins{}
	for i := range lists[GlobalRules] {
		global.add(&lists[GlobalRules][i])
	}
	s.global = s.order.sort(global.names())
	services, configs := byID(Services), byID(PluginConfigs)
	for id, service := range services {
		s.services[strings.Clone(id)] = service.Name()
	}
	for i := range lists[Routes] {
		r := &lists[Routes][i]
		s.routes[strings.Clone(r.ID)] = s.route(r, services, configs)
	}
	return s
}

// route gathers what a route leads to: merge_service_route in apisix/plugin.lua.
func (s *snapshot) route(r *Resource, services, configs map[string]*Resource) *routeInfo {
	service := services[r.Value("service_id").String()]
	all, labels := plugins{}, map[string]string{}
	for _, part := range []*Resource{service, configs[r.Value("plugin_config_id").String()], r} {
		if part == nil {
			continue
		}
		all.add(part)
		if part.Kind != PluginConfigs {
			addLabels(labels, part)
		}
	}
	info := &routeInfo{name: r.Name(), service: strings.Clone(r.Value("service_id").String()), own: all.names(), labels: sortedLabels(labels)}
	info.plugins = s.inOrder(info.own)
	uris := r.Value("uris")
	if !uris.Exists() {
		uris = r.Value("uri")
	}
	for _, uri := range uris.Array() {
		text := strings.Clone(uri.String())
		prefix, _, wild := strings.Cut(text, "*")
		info.uris = append(info.uris, uriShape{text, prefix, !wild})
	}
	return info
}

// uri is the one of a route's uris that a path fits; empty where that cannot be told.
func (r *routeInfo) uri(path string) string {
	if len(r.uris) == 1 {
		return r.uris[0].text
	}
	best := -1
	for i := range r.uris {
		u := &r.uris[i]
		switch {
		case u.exact && u.text == path:
			return u.text
		case !u.exact && strings.HasPrefix(path, u.prefix) && (best < 0 || len(u.prefix) > len(r.uris[best].prefix)):
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return r.uris[best].text
}

func addLabels(to map[string]string, r *Resource) {
	for key, value := range r.Value("labels").Map() {
		to[strings.Clone(key)] = strings.Clone(value.String())
	}
}

func sortedLabels(all map[string]string) []trace.Label {
	var out []trace.Label
	for key, value := range all {
		out = append(out, trace.Label{Key: key, Value: value})
	}
	slices.SortFunc(out, func(a, b trace.Label) int { return strings.Compare(a.Key, b.Key) })
	return out
}
