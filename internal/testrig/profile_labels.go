package testrig

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/profile"
)

// profilePlugins are the routes of lua/profile/gateway.lua with their plugins, each of which
// runs in the phase that pluginPhases has.
var profilePlugins = map[string][]string{
	"1": {"burn-a", "burn-b"}, "2": {"burn-a", "burn-c"}, "3": {"burn-d"}, "4": {"burn-e", "burn-f"}, "5": {"burn-b", "burn-f"},
}

var pluginPhases = map[string]string{
	"burn-a": "access", "burn-b": "header_filter", "burn-c": "access", "burn-d": "log", "burn-e": "access", "burn-f": "header_filter",
}

// profileRouteNames and so on are what else the routes have.
var (
	profileRouteNames = map[string]string{"1": "one", "2": "two", "3": "three", "4": "four", "5": "five"}
	profileServices   = map[string]string{"1": "s1", "2": "s1", "3": "s2", "4": "s2"}
	profileConsumers  = map[string]string{"1": "ann", "2": "bob", "3": "ann"}
)

// ProfileRoutes returns the paths of the routes.
func ProfileRoutes() []string {
	var paths []string
	for id := range profilePlugins {
		paths = append(paths, "/routed?route="+id)
	}
	slices.Sort(paths)
	return paths
}

// profileTrace is the trace's id of all requests of a route.
func profileTrace(route string) string {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	return id[:len(id)-len(route)] + route
}

// A LabelVerdict is what the labels of samples are worth.
type LabelVerdict struct {
	Samples int // in a plugin
	Without int // of those, without the label
	Wrong   int
	Shares  []ProfileShare
}

func (v *LabelVerdict) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d samples, %d without the label, %d with a wrong one\n", v.Samples, v.Without, v.Wrong)
	for _, s := range v.Shares {
		fmt.Fprintf(&b, "  %-16s true %6.2f%%  samples %6.2f%%  off %+.2f (sigma %.2f)\n", s.Name, s.True, s.Share, s.Share-s.True, s.Sigma)
	}
	return b.String()
}

// JudgeLabels compares the labels of samples with the truth: by plugin, phase and route.
func JudgeLabels(samples []profile.Sample, truth map[string]time.Duration) map[string]*LabelVerdict {
	all := map[string]*LabelVerdict{"plugin": {}, "phase": {}, "route": {}}
	counts := map[string]map[string]int{"plugin": {}, "phase": {}, "route": {}}
	for i := range samples {
		s := &samples[i]
		// By the function, whose name tells which plugin it is of.
		plugin := burning(s.Stack)
		if s.Kind != profile.CPU || plugin == "" {
			continue
		}
		s.Label()
		for name, value := range map[string]string{"plugin": s.Labels.Plugin, "phase": s.Labels.Phase, "route": s.Labels.Route} {
			v := all[name]
			v.Samples++
			counts[name][value]++
			switch {
			case value == "":
				v.Without++
			case !isLabel(name, value, plugin, &s.Labels):
				v.Wrong++
			}
		}
	}
	for name, v := range all {
		spent := map[string]time.Duration{}
		for key, d := range truth {
			if value, ok := strings.CutPrefix(key, name+" "); ok {
				spent[value] = d
			}
		}
		v.Shares = ProfileShares(counts[name], spent)
	}
	return all
}

func burning(stack []profile.Frame) string {
	for i := range stack {
		if letter, ok := strings.CutPrefix(stack[i].Name, "burns_"); ok {
			return "burn-" + letter
		}
	}
	return ""
}

// isLabel reports whether a sample in that plugin may have the label.
func isLabel(name, value, plugin string, l *profile.Labels) bool {
	switch name {
	case "plugin":
		return value == plugin
	case "phase":
		return value == pluginPhases[plugin]
	}
	return slices.Contains(profilePlugins[value], plugin) && l.RouteName == profileRouteNames[value] &&
		l.Service == profileServices[value] && l.Consumer == profileConsumers[value] && l.Host == "127.0.0.1" && l.TraceID == profileTrace(value)
}
