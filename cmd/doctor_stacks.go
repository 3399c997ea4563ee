package cmd

import (
	"slices"
	"strconv"
	"strings"

	"github.com/apisixscope/apisixscope/bpf"
)

// samples derives what will work of all that stands on samples of a gateway's stacks: broken
// keeps everything from working, and unread its requests from being read.
func (r *diagnosis) samples(g *gatewayReport, broken, unread []string) []work {
	why := slices.Clone(broken)
	for _, f := range r.Host {
		if f.Name == bpf.Sampling && f.Level != bpf.OK {
			why = append(why, f.Name+": "+f.Value)
		}
	}
	if f := g.stack(bpf.Worker); f != nil && f.Level == bpf.Fail {
		why = append(why, f.Value)
	}
	stacks := work{Command: "profile", With: "native stacks", PID: g.PID, Reason: strings.Join(why, "; ")}
	if f := g.stack(bpf.LuaJIT); f != nil && f.Level == bpf.Warn {
		why = append(why, f.Name+": "+f.Value)
	}
	lua := work{Command: "profile", With: "native and Lua stacks", PID: g.PID, Reason: strings.Join(why, "; ")}
	for _, s := range unread {
		if !slices.Contains(why, s) {
			why = append(why, s)
		}
	}
	if g.Lua == "" {
		why = append(why, "no Lua runs in it")
	}
	requests := work{Command: "trace --cpu", With: "Lua stacks and probes", PID: g.PID, Reason: strings.Join(why, "; ")}
	all := []work{lua, stacks, requests}
	for i := range all {
		all[i].Works = all[i].Reason == ""
	}
	return all
}

// stack returns what was found under a name, or nil.
func (g *gatewayReport) stack(name string) *hostReport {
	for i := range g.Stacks {
		if g.Stacks[i].Name == name {
			return &g.Stacks[i]
		}
	}
	return nil
}

// profiles tells in a row how well a gateway can be profiled.
func (r *diagnosis) profiles(pid int) (mark, name, words string) {
	name = "profile"
	if len(r.Gateways) > 1 {
		name += " --pid " + strconv.Itoa(pid)
	}
	found := map[string]work{}
	for _, w := range r.Works {
		if w.PID == pid {
			found[w.Command+" "+w.With] = w
		}
	}
	lua, stacks, requests := found["profile native and Lua stacks"], found["profile native stacks"], found["trace --cpu Lua stacks and probes"]
	switch {
	case requests.Works:
		return "yes", name, "with native and Lua stacks; so does trace --cpu"
	case lua.Works:
		return "yes", name, "with native and Lua stacks; but not trace --cpu: " + requests.Reason
	case stacks.Works:
		return string(bpf.Warn), name, "surely with native stacks alone: " + lua.Reason
	}
	return "no", name, stacks.Reason
}
