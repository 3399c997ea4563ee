package testrig

import (
	"iter"
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/profile"
)

// profileCalls are the calls in lua/profile/*.lua: of each Lua function by name, whom it
// calls. A builtin that calls back is there as well. "*" is any builtin or C function: what
// those are called depends on the libraries.
var profileCalls = map[string][]string{
	"interpreted": {"interpreted_step"},
	"compiled":    {"compiled_middle"},
	"foreign":     {"*"},
	"callback":    {"*"},
	"sorted":      {"*"},
	"matched":     {"*", "gsub", "ngx.re.gsub"},
	"caught":      {"*"},
	"scheduled":   {"*"},
	"resumed":     {"*"},
	"variable":    {"variable_sum"},
	"indexed":     {"indexed_missing", "*"},
	"recursive":   {"recursive_down"},
	"strings":     {"*"},
	"garbage":     {"*"},
	"module":      {"*"},
	"digested":    {"*", "md5", "ngx.md5"},
}

// ProfileKinds returns the names of the functions that do the work, sorted.
func ProfileKinds() []string {
	var names []string
	for name := range profileCalls {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// profileOthers are the calls of the other functions there.
var profileOthers = map[string][]string{
	"compiled_middle":  {"compiled_leaf"},
	"caught_thrower":   {"*"},
	"scheduled_body":   {"*"},
	"resumed_body":     {"*"},
	"variable_sum":     {"*"},
	"recursive_down":   {"recursive_down"},
	"callback_compare": {"*"}, // __index of a pointer
	"interpreted_step": {}, "compiled_leaf": {}, "sorted_compare": {}, "indexed_missing": {},
}

// calledBack are the functions of work.lua that builtins and C call.
var calledBack = []string{"callback_compare", "sorted_compare", "caught_thrower", "resumed_body"}

// luaEdges yields whom a Lua function of work.lua calls, as a stack has it, the leaf first.
// Builtins are "*".
func luaEdges(stack []profile.Frame) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		called := ""
		for i := range stack {
			f := &stack[i]
			name := f.Name
			switch {
			case f.Kind == profile.FrameC:
				name = "*"
			case f.Kind != profile.FrameLua && f.Kind != profile.FrameJIT:
				continue
			case !strings.HasSuffix(f.File, "lua/profile/work.lua"):
				if called != "" && called != "*" && f.Name == "_M.run" && !yield("_M.run", called) {
					return
				}
				name = "" // of lua-resty-core: whom that calls is not ours
			}
			if called != "" && name != "" && !yield(name, called) {
				return
			}
			called = name
		}
	}
}

// isCall reports whether the source has such a call.
func isCall(caller, called string) bool {
	switch caller {
	case "*":
		return called == "*" || slices.Contains(calledBack, called)
	case "_M.run":
		_, ok := profileCalls[called]
		return ok
	}
	if calls, ok := profileCalls[caller]; ok {
		return slices.Contains(calls, called)
	}
	return slices.Contains(profileOthers[caller], called)
}
