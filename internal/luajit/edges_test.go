package luajit

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// An edge of testdata/workload.lua's call graph: the caller's line holds text.
type edge struct{ caller, callee, text string }

var edges = []edge{
	{"_M.work", "_M.*", "_M[name](n)"},
	{"_M.work", "_M:strings", "_M:strings(20)"},
	{"_M.work", "pairs", "pairs(scale)"},
	{"_M.compiled", "middle", "middle(x, i)"},
	{"middle", "leaf", "leaf(r, i + k)"},
	{"_M.interpreted", "inner", "inner(x + i)"},
	{"_M.varargs", "sum", "sum(i, 2, 3)"},
	{"sum", "leaf", "leaf((select(i, ...)), s)"},
	{"sum", "select", "select("},
	{"_M.metamethods", "__index", "proxy["},
	{"_M.metamethods", "number.__add", "v + v"},
	{"_M.metamethods", "setmetatable", "setmetatable("},
	{"number.__add", "leaf", "leaf(a.v, b.v)"},
	{"_M.metamethods", "setmetatable", "v + v"}, // number.__add returns it: a tail call
	{"_M.sorted", "table.sort", "sort(t, descending)"},
	{"table.sort", "descending", ""},
	{"_M:strings", "string.gsub", "gsub("},
	{"string.gsub", "upper", ""},
	{"upper", "string.upper", "s:upper()"},
	{"upper", "string.rep", "rep("},
	{"_M.caught", "pcall", "pcall(thrower, i)"},
	{"pcall", "thrower", ""},
	{"thrower", "error", "error("},
	{"_M.recursive", "depth", "depth(40)"},
	{"depth", "depth", "depth(n - 1)"},
	{"_M.coroutines", "coroutine.*", "coroutine."},
	{"body", "coroutine.*", "coroutine.yield"},
	{"_M.pause", "pcall", "@pause"},
	{"pcall", "guarded", ""},
	{"guarded", "spread", "@guarded"},
	{"spread", "__index", "@spread"},
	{"__index", "table.sort", "@__index"},
	{"table.sort", "compare", ""},
	{"compare", "string.gsub", "@compare"},
	{"string.gsub", "each", ""},
	{"each", "ffi.__call", "@each"},
}

// A frame is a named Call.
type frame struct {
	Function
	known bool // its line is that of a place, not of its first line alone
	lua   bool
}

// frames names calls.
func frames(r *Reader, calls []Call) []frame {
	var all []frame
	for _, c := range calls {
		f := frame{lua: c.Proto != 0}
		var ok bool
		if f.lua {
			f.Function, ok = r.Frame(c.Proto, c.PC)
			f.known = r.inBytecode(c.Proto, c.PC) && c.PC > c.Proto+protoSize && len(r.protos[c.Proto].lines) > 0
		} else {
			f.Name, ok = r.CFunction(c)
		}
		if !ok {
			f.Name = fmt.Sprintf("unnamed, ffid %d", c.FFID)
		}
		all = append(all, f)
	}
	return all
}

func inWorkload(f frame) bool { return strings.HasSuffix(f.File, "workload.lua") }

// workloadLine returns a line of the workload's source.
func workloadLine(t testing.TB, n int) string {
	t.Helper()
	text, err := os.ReadFile("testdata/workload.lua")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Split(string(text), "\n")
	if n < 1 || n > len(all) {
		return ""
	}
	return all[n-1]
}

// falseEdges returns the calls in a stack, leaf first, that the workload does not make.
func falseEdges(t testing.TB, stack []frame) []string {
	t.Helper()
	var wrong []string
	for i := 0; i+1 < len(stack); i++ {
		callee, caller := stack[i], stack[i+1]
		if !inWorkload(caller) && !inWorkload(callee) {
			continue
		}
		if !trueEdge(t, caller, callee) {
			wrong = append(wrong, fmt.Sprintf("%s:%d -> %s:%d", caller.Name, caller.Line, callee.Name, callee.Line))
		}
	}
	return wrong
}

func trueEdge(t testing.TB, caller, callee frame) bool {
	if !inWorkload(caller) && caller.lua {
		return caller.Name == "main chunk" && strings.HasPrefix(callee.Name, "_M.")
	}
	name := callee.Name
	if callee.lua && strings.HasSuffix(callee.File, "resty/core/coroutine.lua") {
		name = "coroutine.of resty.core"
	}
	line := ""
	if caller.lua && caller.known {
		line = workloadLine(t, caller.Line)
	}
	return slices.ContainsFunc(edges, func(e edge) bool {
		prefix, any := strings.CutSuffix(e.callee, "*")
		return e.caller == caller.Name && (e.callee == name || any && strings.HasPrefix(name, prefix)) &&
			(!caller.known || strings.Contains(line, e.text))
	})
}
