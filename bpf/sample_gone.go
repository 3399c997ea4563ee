package bpf

import "github.com/apisixscope/apisixscope/internal/luajit"

// remembered is what was read of a process's Lua, by address. The memory of a process is gone
// before its last samples are named: only what runs for the first time then stays unknown.
type remembered struct {
	functions map[luaPlace]luajit.Function
	builtins  map[luajit.Call]string
	traces    map[uint64][]luajit.Call
}

// luaPlace is a place in a Lua function: the addresses of its GCproto and of bytecode.
type luaPlace struct{ proto, pc uint64 }

// rememberedMost bounds each of the maps.
const rememberedMost = 1 << 14

func remember[K comparable, V any](in *map[K]V, k K, v V) {
	if *in == nil || len(*in) >= rememberedMost {
		*in = map[K]V{}
	}
	(*in)[k] = v
}

// function names a place in a Lua function.
func (p *sampled) function(vm *luajit.Reader, at luaPlace) (luajit.Function, bool) {
	fn, ok := vm.Frame(at.proto, at.pc)
	if !ok {
		vm.Forget() // it may be younger than what was read of the memory around it
		if fn, ok = vm.Frame(at.proto, at.pc); !ok {
			fn, ok = p.known.functions[at]
			return fn, ok
		}
	}
	remember(&p.known.functions, at, fn)
	return fn, true
}

// builtin names a C function as Lua knows it.
func (p *sampled) builtin(vm *luajit.Reader, c luajit.Call) (string, bool) {
	name, ok := vm.CFunction(c)
	if !ok || name == "" {
		name, ok = p.known.builtins[c]
		return name, ok
	}
	remember(&p.known.builtins, c, name)
	return name, true
}

// calls returns the Lua functions that run at an address of a trace.
func (p *sampled) calls(vm *luajit.Reader, address uint64) ([]luajit.Call, bool) {
	t, ok := vm.Trace(address)
	if !ok {
		calls, ok := p.known.traces[address]
		return calls, ok
	}
	remember(&p.known.traces, address, t.Calls)
	return t.Calls, true
}
