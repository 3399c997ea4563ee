package cmd

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/render"
)

// recordedFacts tells of what doctor and the Admin API said what helps to understand a page.
// What it cannot read it says, for a recording may be anybody's.
func recordedFacts(recorded map[string][]byte) []render.Fact {
	var facts []render.Fact
	if data, found := recorded["doctor"]; found {
		var d diagnosis
		if err := json.Unmarshal(data, &d); err != nil {
			facts = append(facts, render.Fact{Name: "doctor", Value: "what it said cannot be read: " + err.Error()})
		}
		facts = append(facts, diagnosed(&d)...)
	}
	var kinds []string
	for _, name := range slices.Sorted(maps.Keys(recorded)) {
		kind, found := strings.CutPrefix(name, "admin-")
		if !found {
			continue
		}
		var all []json.RawMessage
		if err := json.Unmarshal(recorded[name], &all); err == nil && len(all) > 0 {
			kinds = append(kinds, strconv.Itoa(len(all))+" "+strings.ReplaceAll(kind, "_", " "))
		}
	}
	if len(kinds) > 0 {
		facts = append(facts, render.Fact{Name: "configured", Value: strings.Join(kinds, ", ")})
	}
	return facts
}

// diagnosed tells the kernel, the gateways, and what is not as it should be.
func diagnosed(d *diagnosis) []render.Fact {
	var facts []render.Fact
	add := func(name, format string, args ...any) {
		facts = append(facts, render.Fact{Name: name, Value: fmt.Sprintf(format, args...)})
	}
	odd := func(findings []hostReport) {
		for _, f := range findings {
			switch {
			case f.Name == "kernel":
				add(f.Name, "%s", f.Value)
			case f.Level != bpf.OK && f.Then != "":
				add(f.Name, "%s: %s", f.Value, f.Then)
			case f.Level != bpf.OK:
				add(f.Name, "%s", f.Value)
			}
		}
	}
	odd(d.Host)
	for _, g := range d.Gateways {
		add("binary", "%s, version %s", g.Path, g.Version)
		if g.Master != 0 {
			add("processes", "master %d, %d workers", g.Master, len(g.Workers))
		}
		if !g.Known {
			add("layout", "%s: the request object was not read", g.Layout)
		}
		odd(g.Stacks)
	}
	return facts
}
