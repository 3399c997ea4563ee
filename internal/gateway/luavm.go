package gateway

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// A LuaVM says how to find, in the memory of any worker, the Lua thread that ran last
// in the HTTP module's VM, and through it the request that it ran for:
//
//	*Cycle -> conf_ctx[HTTPIndex] -> main_conf[LuaIndex] -> lua -> glref -> CurL
//
// Workers are forks of one master, so it holds for all of them, and after a reload.
type LuaVM struct {
	Cycle     uint64 // address of nginx's ngx_cycle
	HTTPIndex uint32 // ngx_http_module.index
	LuaIndex  uint32 // ngx_http_lua_module.ctx_index
	CurL      uint32 // offset of global_State.cur_L

	// What leads on to a request's ngx.ctx; 0 where it was not found.
	Registry uint32 // offset of global_State.registrytv
	CtxRef   uint32 // offset of ngx_http_lua_ctx_t.ctx_ref
}

// Offsets in LuaJIT's lua_State with GC64 (lj_obj.h), the same in all releases of
// OpenResty's branch, and what nginx keeps first in ngx_cycle_t, ngx_http_conf_ctx_t and
// ngx_http_lua_main_conf_t: conf_ctx, main_conf and lua.
const (
	luaGlref = 16
	// cur_L lies at 344 or 368 of global_State; pointers to threads lie before it, too.
	luaCurLFirst, luaCurLLast = 300, 480
)

// errNoVM says that the process has no Lua VM that we can follow.
var errNoVM = errors.New("no Lua VM")

// FindLuaVM looks for the VM in the memory of a running process of t.
func (t *Target) FindLuaVM() (LuaVM, error) {
	if t.Lua == nil {
		return LuaVM{}, errNoVM
	}
	pid := t.Master.PID
	if workers := t.Workers(); len(workers) > 0 {
		pid = workers[0]
	}
	mem, err := openMemory(pid)
	if err != nil {
		return LuaVM{}, err
	}
	defer mem.Close()
	core, err := dataSymbols(pid, t.Binary, "ngx_cycle", "ngx_http_module")
	if err != nil {
		return LuaVM{}, err
	}
	lua, err := dataSymbols(pid, t.Lua, "ngx_http_lua_module")
	if err != nil {
		return LuaVM{}, err
	}
	vm := LuaVM{Cycle: core["ngx_cycle"]}
	// ngx_module_t: ctx_index, index.
	vm.HTTPIndex = uint32(mem.word(core["ngx_http_module"] + 8))
	vm.LuaIndex = uint32(mem.word(lua["ngx_http_lua_module"]))
	state := mem.word(mem.word(mem.word(mem.word(mem.word(vm.Cycle))+8*uint64(vm.HTTPIndex))) + 8*uint64(vm.LuaIndex))
	state = mem.word(state)
	global := mem.word(state + luaGlref)
	if mem.err != nil {
		return LuaVM{}, fmt.Errorf("read Lua VM of process %d: %w", pid, mem.err)
	}
	vm.CurL = curLOffset(mem, global)
	if vm.CurL == 0 {
		return LuaVM{}, fmt.Errorf("read Lua VM of process %d: %w: it is not LuaJIT with GC64", pid, errNoVM)
	}
	vm.Registry = registryOffset(mem, global)
	if vm.CtxRef, err = ctxRefOffset(t.Lua); err != nil {
		return vm, nil // the thread alone is of use, too
	}
	return vm, nil
}

// Names reports whether ngx.ctx of a request can be read: then APISIX's names for it can.
func (vm LuaVM) Names() bool { return vm.Registry != 0 && vm.CtxRef != 0 }

// curLOffset finds cur_L in a global_State: the first word, past those of mainthref, that
// points to a lua_State of this VM. It returns 0 when there is none.
func curLOffset(mem *procMemory, global uint64) uint32 {
	for at := uint64(luaCurLFirst) &^ 7; at < luaCurLLast; at += 8 {
		thread := mem.word(global + at)
		if thread != 0 && mem.err == nil && mem.word(thread+luaGlref) == global && mem.err == nil {
			return uint32(at)
		}
		mem.err = nil // what is no pointer cannot be read
	}
	return 0
}

// procMemory reads a process's memory; err is the first failure.
type procMemory struct {
	*os.File
	err error
}

func openMemory(pid int) (*procMemory, error) {
	f, err := os.Open(procPath(pid, "mem"))
	if err != nil {
		return nil, fmt.Errorf("open memory of process %d: %w", pid, err)
	}
	return &procMemory{File: f}, nil
}

func (m *procMemory) word(at uint64) uint64 {
	var p [8]byte
	if m.err == nil {
		_, m.err = m.ReadAt(p[:], int64(at))
	}
	if m.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(p[:])
}

// dataSymbols returns the addresses that an object's data have in process pid.
func dataSymbols(pid int, o *Object, names ...string) (map[string]uint64, error) {
	f, closeFile, err := openELF(o.Path)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	bias, err := loadBias(pid, o, f)
	if err != nil {
		return nil, err
	}
	syms, err := f.DynamicSymbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, fmt.Errorf("read symbols of %s: %w", o.Name, err)
	}
	found := map[string]uint64{}
	for _, s := range syms {
		if s.Section != elf.SHN_UNDEF && elf.ST_TYPE(s.Info) == elf.STT_OBJECT {
			found[s.Name] = s.Value + bias
		}
	}
	for _, name := range names {
		if found[name] == 0 {
			return nil, fmt.Errorf("find %s in %s: not exported", name, o.Name)
		}
	}
	return found, nil
}

// loadBias returns what pid adds to the addresses in o's file: where its code is mapped,
// less where the file wants it.
func loadBias(pid int, o *Object, f *elf.File) (uint64, error) {
	maps, err := os.Open(procPath(pid, "maps"))
	if err != nil {
		return 0, fmt.Errorf("find %s in process %d: %w", o.Name, pid, err)
	}
	defer maps.Close()
	return biasOf(maps, o.Name, f)
}

func biasOf(maps io.Reader, name string, f *elf.File) (uint64, error) {
	page := uint64(os.Getpagesize() - 1)
	for _, m := range codeMappings(maps) {
		if m.path != name {
			continue
		}
		first, _, _ := strings.Cut(m.addresses, "-")
		start, err := strconv.ParseUint(first, 16, 64)
		if err != nil {
			continue
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
				return start - p.Vaddr&^page, nil
			}
		}
	}
	return 0, fmt.Errorf("find %s among the mappings: not there", name)
}
