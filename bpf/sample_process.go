package bpf

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/apisixscope/apisixscope/internal/luajit"
	"github.com/apisixscope/apisixscope/internal/unwind"
)

// sampled is a process of the gateway: what it has mapped, and its Lua VMs.
type sampled struct {
	pid     int
	master  bool
	gone    time.Time // when it exited; zero while it lives
	memory  *luajit.Process
	maps    []mapped
	vms     []*luajit.Reader
	cycle   uint64       // where ngx_cycle is, by which they were found
	vm      luajit.Range // lj_vm, in the process
	part    part         // of the map "mappings"
	told    sampleProcess
	seen    []sampleMapping // as they were told
	strange bool            // a sample had an address in no mapping
	known   remembered
}

// mapped is an executable mapping; object is nil for code that is of no file.
type mapped struct {
	start, end, bias uint64
	object           *object
}

// meet begins to follow a process.
func (s *Sampler) meet(pid int, master bool) error {
	memory, err := luajit.OpenProcess(pid)
	if err != nil {
		return err
	}
	p := &sampled{pid: pid, master: master, memory: memory}
	if err := s.look(p); err != nil {
		return errors.Join(err, memory.Close())
	}
	p.findVMs(s)
	s.processes[pid] = p
	return nil
}

// look reads what a process has mapped, and the objects that are new.
func (s *Sampler) look(p *sampled) error {
	mappings, err := unwind.Mappings(p.pid)
	if err != nil {
		return err
	}
	p.maps = p.maps[:0]
	p.vm = luajit.Range{}
	for _, m := range mappings {
		at := mapped{start: m.Start, end: m.End}
		if !m.Anonymous || m.VDSO {
			at.object = s.objectOf(p.pid, m)
		}
		if o := at.object; o != nil {
			at.bias, _ = m.Bias(o.headers)
			if vm := (luajit.Range{Start: o.vm.Start + at.bias, End: o.vm.End + at.bias}); o.vm.End != 0 && vm.Start >= m.Start && vm.Start < m.End {
				p.vm = vm
			}
		}
		p.maps = append(p.maps, at)
	}
	return nil
}

// objectOf returns the object of a mapping, or nil if it cannot be read: then its frames are
// stepped over by frame pointers.
func (s *Sampler) objectOf(pid int, m unwind.Mapping) *object {
	key := objectKey{m.Dev, m.Inode, m.Path}
	if o, known := s.files[key]; known {
		return o
	}
	o, err := s.readObject(pid, m)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the process may be gone: others will have it
		}
		s.note(fmt.Sprintf("frames of %s have no names: %v", m.Path, err))
	}
	s.files[key] = o
	s.fresh = append(s.fresh, o)
	return o
}

// symbol returns the address of one of nginx's variables, 0 if it is not exported.
func (p *sampled) symbol(name string) uint64 {
	for i := range p.maps {
		if o := p.maps[i].object; o != nil && o.data[name] != 0 {
			return o.data[name] + p.maps[i].bias
		}
	}
	return 0
}

// findVMs looks for the process's Lua VMs. A stripped one that exports nothing has none yet:
// see learnVM.
func (p *sampled) findVMs(s *Sampler) {
	vms, err := p.vmsBySymbols()
	if s.options.noSymbols {
		vms, err = nil, nil
	}
	if err != nil {
		s.options.Log.Debug("no Lua VM", "process", p.pid, "error", err)
	}
	p.vms, p.cycle = nil, p.symbol("ngx_cycle")
	for _, vm := range vms {
		p.vms = append(p.vms, luajit.NewReader(vm, p.memory))
	}
}

func (p *sampled) vmsBySymbols() ([]luajit.VM, error) {
	return luajit.Finder{Memory: p.memory, Interpreter: p.vm}.Find(luajit.Symbols{
		Cycle: p.symbol("ngx_cycle"), HTTP: p.symbol("ngx_http_module"), HTTPLua: p.symbol("ngx_http_lua_module"),
		Stream: p.symbol("ngx_stream_module"), StreamLua: p.symbol("ngx_stream_lua_module"),
	})
}

// vmsMost is VMS_MAX of walk.h.
const vmsMost = 4

// learnVM adds the VM of a Lua thread that a sample has met, if it is a new one.
func (s *Sampler) learnVM(p *sampled, thread uint64) {
	if len(p.vms) > 0 || p.vm.End == 0 {
		return
	}
	vm, err := luajit.Finder{Memory: p.memory, Interpreter: p.vm}.FromState(thread)
	if err != nil {
		return
	}
	p.vms = append(p.vms, luajit.NewReader(vm, p.memory))
	if err := s.tell(p); err != nil {
		s.note(err.Error())
	}
}

// reader returns the VM whose global state is at an address, or the first one.
func (p *sampled) reader(global uint64) *luajit.Reader {
	for _, r := range p.vms {
		if r.VM().Global == global {
			return r
		}
	}
	if len(p.vms) > 0 {
		return p.vms[0]
	}
	return nil
}

// find returns the mapping that holds an address.
func (p *sampled) find(address uint64) *mapped {
	i, ok := slices.BinarySearchFunc(p.maps, address, func(m mapped, a uint64) int {
		switch {
		case a < m.start:
			return 1
		case a >= m.end:
			return -1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return &p.maps[i]
}

// tell gives the programs what is known of a process now.
func (s *Sampler) tell(p *sampled) error {
	now := p.mappings()
	if !slices.Equal(now, p.seen) {
		next, ok := s.mappingSpace.take(uint32(len(now)))
		if !ok {
			return fmt.Errorf("sample process %d: no room for its %d mappings", p.pid, len(now))
		}
		if err := put(s.kernel.Mappings, next, now); err != nil {
			return fmt.Errorf("tell mappings of process %d: %w", p.pid, err)
		}
		s.giveLater(p.part)
		p.part, p.seen = next, now
	}
	to := sampleProcess{FirstMapping: p.part.first, Mappings: p.part.count, CodeStart: p.vm.Start, CodeEnd: p.vm.End}
	if !p.master {
		to.Flags = uint32(sampleProcessFlagsPROCESS_SAMPLED)
	}
	for i, r := range p.vms[:min(len(p.vms), vmsMost)] {
		l := r.VM().Layout
		to.Vms, to.Globals[i] = uint32(i+1), r.VM().Global
		to.CurL, to.JitBase, to.VmState = l.Global.CurL, l.Global.JITBase, vmStateOffset(&l)
	}
	if to == p.told {
		return nil
	}
	if err := s.kernel.Processes.Put(uint32(p.pid), &to); err != nil {
		return fmt.Errorf("sample process %d: %w", p.pid, err)
	}
	p.told = to
	return nil
}

// vmStateOffset is where global_State has vmstate (lj_obj.h). It moved when lua_State grew.
func vmStateOffset(l *luajit.Layout) uint32 {
	if l.State.Size <= 104 {
		return 128
	}
	return 184
}

// mappings returns the process's mappings as the programs have them. Where LuaJIT keeps its
// code is one of its own, even if the kernel has joined it with others.
func (p *sampled) mappings() []sampleMapping {
	var code []luajit.Range
	for _, r := range p.vms {
		code = append(code, r.Code()...)
	}
	slices.SortFunc(code, func(a, b luajit.Range) int { return int(int64(a.Start - b.Start)) })
	var all []sampleMapping
	add := func(m sampleMapping) {
		if m.End > m.Start {
			all = append(all, m)
		}
	}
	for _, m := range p.maps {
		if o := m.object; o != nil {
			add(sampleMapping{Start: m.start, End: m.end, Bias: m.bias, FirstRow: o.part.first, Rows: o.part.count,
				Kind: uint32(sampleMappingKindMAPPED_OBJECT)})
			continue
		}
		at := m.start
		for _, c := range code {
			if c.Start >= m.end || c.End <= at {
				continue
			}
			add(sampleMapping{Start: at, End: max(at, c.Start), Kind: uint32(sampleMappingKindMAPPED_CODE)})
			at = max(at, c.Start)
			end := min(c.End, m.end)
			add(sampleMapping{Start: at, End: end, Kind: uint32(sampleMappingKindMAPPED_LUAJIT)})
			at = end
		}
		add(sampleMapping{Start: at, End: m.end, Kind: uint32(sampleMappingKindMAPPED_CODE)})
	}
	return all
}

// forget gives up what a process that is gone has held.
func (s *Sampler) forget(p *sampled) error {
	s.giveLater(p.part)
	delete(s.processes, p.pid)
	if err := s.kernel.Processes.Delete(uint32(p.pid)); err != nil && !notThere(err) {
		return fmt.Errorf("forget process %d: %w", p.pid, errors.Join(err, p.memory.Close()))
	}
	return p.memory.Close()
}
