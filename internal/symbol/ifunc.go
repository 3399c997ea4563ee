package symbol

import (
	"encoding/binary"
	"io"
)

// A Loaded is an object where a process has it.
type Loaded struct {
	Object *Object
	// Bias is what to add to an address of the object's file to have the process's.
	Bias uint64
}

// Resolve reads out of a process's memory, at the process's addresses, which
// functions its IFUNCs chose for this machine's CPU. memcpy of a libc without symbols
// then has its name, and is not libc.so.6!sub_15a7c0: of libc's functions these are
// the hot ones, and only their resolvers are exported. loaded are the objects of the
// process, whose symbols it reads. What it learns holds for every process that
// shares an Object, since all run on this machine.
func Resolve(memory io.ReaderAt, loaded []Loaded) {
	definers := map[string][]Loaded{}
	for _, l := range loaded {
		l.Object.load()
		for name := range l.Object.ifuncs {
			definers[name] = append(definers[name], l)
		}
	}
	var slot [8]byte
	for _, l := range loaded {
		for _, i := range l.Object.imports {
			in := definers[i.name]
			addr := int64(l.Bias + i.addr)
			if len(in) == 0 || addr < 0 {
				continue
			}
			if n, _ := memory.ReadAt(slot[:], addr); n < len(slot) {
				continue
			}
			// Before the first call, it points back into the PLT.
			target := binary.LittleEndian.Uint64(slot[:])
			for _, d := range in {
				d.Object.choose(target-d.Bias, i.name)
			}
		}
	}
}

// choose names the function that begins at addr, unless a symbol does, or none begins
// there. Of several names, as of memcpy and memmove, the best counts.
func (o *Object) choose(addr uint64, name string) {
	start, _, ok := o.frames.find(addr)
	if _, known := o.table.find(addr); !ok || start != addr || known {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.resolved == nil {
		o.resolved = map[uint64]string{}
	}
	if old, ok := o.resolved[addr]; !ok || compare(symbol{name: name}, symbol{name: old}) < 0 {
		o.resolved[addr] = name
	}
}

func (o *Object) choice(start uint64) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.resolved[start]
}
