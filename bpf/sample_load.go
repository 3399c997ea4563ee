package bpf

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"

	"github.com/apisixscope/apisixscope/profile"
)

// loadPrograms sets the programs' settings and puts them into the kernel.
func (s *Sampler) loadPrograms() error {
	spec, err := loadSample()
	if err != nil {
		return fmt.Errorf("read programs: %w", err)
	}
	var rows, mappings uint32
	for _, o := range s.fresh {
		rows += uint32(len(o.rows))
	}
	for _, p := range s.processes {
		mappings += uint32(len(p.maps))
	}
	rows, mappings = rows+spareRows, max(mappings*mappingsTimes, leastMappings)
	s.rowSpace, s.mappingSpace = newSpace(rows), newSpace(mappings)
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count CPUs: %w", err)
	}
	for name, entries := range map[string]uint32{
		sampleMapRows: rows, sampleMapMappings: mappings, sampleMapSamples: uint32(s.ringBytes()),
		sampleMapTargets: uint32(cpus * slots), sampleMapBlocked: 1,
	} {
		spec.Maps[name].MaxEntries = entries
	}
	if s.blocks() {
		spec.Maps[sampleMapBlocked].MaxEntries = blockedMost
	}
	if err := s.set(spec); err != nil {
		return err
	}
	if err := spec.LoadAndAssign(&s.kernel, nil); err != nil {
		return fmt.Errorf("load programs: %w", err)
	}
	for i := range uint32(cpus * slots) {
		if err := s.kernel.Targets.Put(i, &sampleTarget{}); err != nil {
			return fmt.Errorf("make room for names: %w", err)
		}
	}
	return nil
}

const (
	slots       = 2 // SLOTS of sample.h
	blockedMost = 512
)

func (s *Sampler) ringBytes() int {
	if s.options.RingBytes == 0 {
		return defaultRing
	}
	return s.options.RingBytes
}

// blocks reports whether time off the CPU is of interest.
func (s *Sampler) blocks() bool { return s.options.Kind != profile.CPU }

func (s *Sampler) set(spec *ebpf.CollectionSpec) error {
	t := s.options.Target
	values := map[string]any{
		sampleVarHasTaskRegs: taskRegs(),
		sampleVarStackSize:   kernelStack(),
		sampleVarTickMin:     uint64(s.options.StallsFrom),
	}
	// Requests are told where their layout is known, and their names where the VM is.
	if t.LayoutSource.Known() {
		values[sampleVarNgx] = sampleNgxLayout(layoutOf(t.Layout))
		values[sampleVarWantedHash], values[sampleVarWantedLen] = wantedHeaders(nil)
		vm, err := t.FindLuaVM()
		if err != nil {
			s.options.Log.Debug("requests have no names", "error", err)
		}
		values[sampleVarLua] = sampleLuaVm(luaVMOf(vm))
	} else {
		s.note(fmt.Sprintf("the request object of %s is not known: samples do not tell of requests", t.Version))
	}
	for name, value := range values {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// taskRegs is 1 where programs may ask the kernel for a thread's registers of user space,
// which came with Linux 5.15. Elsewhere they look for them on the thread's stack.
func taskRegs() uint32 {
	if features.HaveProgramHelper(ebpf.PerfEvent, asm.FnTaskPtRegs) != nil {
		return 0
	}
	return 1
}

// kernelStack is THREAD_SIZE, the size of a thread's stack in the kernel: 16 KiB, or a page
// if that is more.
func kernelStack() uint32 { return uint32(max(16<<10, os.Getpagesize())) }

// tellRows puts the rows of new objects into the kernel.
func (s *Sampler) tellRows() error {
	for _, o := range s.fresh {
		if o == nil || len(o.rows) == 0 {
			continue
		}
		next, ok := s.rowSpace.take(uint32(len(o.rows)))
		if !ok {
			s.note(fmt.Sprintf("no room for the unwind table of %s: its frames are found by frame pointers", o.path))
			o.rows = nil
			continue
		}
		if err := put(s.kernel.Rows, next, o.rows); err != nil {
			return fmt.Errorf("tell unwind table of %s: %w", o.path, err)
		}
		o.part, o.rows = next, nil
	}
	s.fresh = s.fresh[:0]
	return nil
}

// put writes the elements of a part of an array.
func put[T any](m *ebpf.Map, p part, values []T) error {
	if len(values) == 0 {
		return nil
	}
	keys := make([]uint32, len(values))
	for i := range keys {
		keys[i] = p.first + uint32(i)
	}
	_, err := m.BatchUpdate(keys, values, nil)
	if errors.Is(err, ebpf.ErrNotSupported) {
		for i := range values {
			if err := m.Put(keys[i], unsafe.Pointer(&values[i])); err != nil {
				return err
			}
		}
		return nil
	}
	return err
}
