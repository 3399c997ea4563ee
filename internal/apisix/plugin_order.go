package apisix

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// plugins tells of plugins by name whether they are on. What is added later overrides.
type plugins map[string]bool

func (p plugins) add(r *Resource) {
	r.Value("plugins").ForEach(func(name, conf gjson.Result) bool {
		off := conf.Get("_meta.disable").Bool() || conf.Get("disable").Bool() // of 3.x, of 2.x
		p[strings.Clone(name.String())] = !off
		return true
	})
}

// names are those that are on.
func (p plugins) names() []string {
	var all []string
	for name := range maps.Keys(p) {
		if p[name] {
			all = append(all, name)
		}
	}
	return all
}

// order is the places of plugins in the gateway's own list, which has the one that runs first
// first. It is empty where that list is not known.
type order map[string]int

func newOrder(list []Resource) order {
	o := order{}
	for i := range list {
		o[list[i].ID] = i
	}
	return o
}

// sort puts names into the order in which they run, and drops those that the gateway has
// switched off. A priority that a route gives a plugin (_meta.priority) is not known here.
func (o order) sort(names []string) []string {
	if len(o) > 0 {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { _, on := o[name]; return !on })
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(o[a], o[b]), strings.Compare(a, b)) })
	return names
}

// inOrder puts plugins of a route behind those of the global rules, which run first.
func (s *snapshot) inOrder(names []string) []string {
	return append(slices.Clone(s.global), s.order.sort(slices.Clone(names))...)
}

// authPlugins find out which consumer it is. What a consumer has for them is what to compare
// with, and runs nothing: apisix/plugin.lua, run_plugin.
var authPlugins = []string{"key-auth", "jwt-auth", "basic-auth", "hmac-auth", "ldap-auth", "wolf-rbac", "jwe-decrypt"}

// addConsumers notes which plugins each consumer adds: its own and those of its group.
func (s *snapshot) addConsumers(consumers, groups []Resource) {
	byID := map[string]*Resource{}
	for i := range groups {
		byID[groups[i].ID] = &groups[i]
	}
	s.consumers = map[string][]string{}
	for i := range consumers {
		c, all := &consumers[i], plugins{}
		if group := byID[c.Value("group_id").String()]; group != nil {
			all.add(group)
		}
		all.add(c)
		for _, name := range authPlugins {
			delete(all, name)
		}
		s.consumers[strings.Clone(c.Name())] = all.names()
	}
}

// with are a route's plugins and those that a consumer adds.
func (s *snapshot) with(r *routeInfo, consumer string) []string {
	added := s.consumers[consumer]
	if len(added) == 0 {
		return r.plugins
	}
	all := slices.Clone(r.own)
	for _, name := range added {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return s.inOrder(all)
}
