package luajit

import (
	"cmp"
	"errors"
	"fmt"
	"io"
)

// A Finder finds the VMs in a process.
type Finder struct {
	Memory      io.ReaderAt // offsets are addresses in the process
	Interpreter Range       // see Interpreter; zero if unknown
	Arch        string      // as in runtime.GOARCH; "" means our own
}

func (f Finder) arch() string { return cmp.Or(f.Arch, host) }

// Symbols are addresses in a process of what nginx and its Lua modules export; 0 where it
// has no such symbol.
type Symbols struct {
	Cycle             uint64 // ngx_cycle
	HTTP, HTTPLua     uint64 // ngx_http_module, ngx_http_lua_module
	Stream, StreamLua uint64 // ngx_stream_module, ngx_stream_lua_module
}

// Find returns the VMs of an nginx worker, HTTP's first:
//
//	*ngx_cycle -> conf_ctx[module.index] -> main_conf[lua module.ctx_index] -> lua
//
// It returns the VMs it could read even if another failed. If there is none, the error
// is ErrNoVM, or what was wrong with the one that was there.
func (f Finder) Find(s Symbols) ([]VM, error) {
	var found []VM
	var errs []error
	m := newMemory(f.Memory)
	for _, module := range []struct {
		name          string
		module, local uint64
	}{{"http", s.HTTP, s.HTTPLua}, {"stream", s.Stream, s.StreamLua}} {
		if s.Cycle == 0 || module.module == 0 || module.local == 0 {
			continue
		}
		state := m.mainState(s.Cycle, module.module, module.local)
		if state == 0 {
			continue // no Lua in this part of nginx.conf
		}
		vm, err := f.FromState(state)
		if err != nil {
			errs = append(errs, fmt.Errorf("find %s module's VM: %w", module.name, err))
			continue
		}
		vm.Module = module.name
		found = append(found, vm)
	}
	switch {
	case len(found) > 0:
		return found, nil
	case len(errs) > 0:
		return nil, errors.Join(errs...)
	}
	return nil, ErrNoVM
}

// mainState follows the pointers that Find draws. ngx_module_t begins with ctx_index and
// index; conf_ctx, main_conf and lua come first in ngx_cycle_t, ngx_http_conf_ctx_t and
// ngx_http_lua_main_conf_t, and in those of the stream modules.
func (m *memory) mainState(cycle, module, lua uint64) uint64 {
	const indexMost = 4096
	index, ctxIndex := m.word(module+8), m.word(lua)
	if index > indexMost || ctxIndex > indexMost {
		return 0
	}
	conf := m.word(m.word(m.word(cycle)) + 8*index)
	if conf == 0 {
		return 0
	}
	return m.word(m.word(m.word(conf) + 8*ctxIndex))
}

// A CodeRule says how the frames of a piece of code are unwound, as its .eh_frame has it:
// the canonical frame address is the stack pointer + CFA, and the caller's frame pointer
// (rbp, x29) is saved at it + FP.
type CodeRule struct {
	Range
	CFA, FP int32
}

// Interpreter finds lj_vm, the interpreter, among the code of an object: the one long
// piece that a single rule covers, and that is of the size of an interpreter's frame. It
// has no symbol in a stripped object.
func Interpreter(rules []CodeRule, arch string) (Range, bool) {
	const codeLeast, codeMost = 8 << 10, 128 << 10
	frame := gc64(cmp.Or(arch, host)).CFrame
	for _, r := range rules {
		size := r.End - r.Start
		if r.End > r.Start && size > codeLeast && size < codeMost && r.CFA == int32(frame.Size) && r.FP == int32(frame.FP)-int32(frame.Size) {
			return r.Range, true
		}
	}
	return Range{}, false
}
