package symbol

import (
	"bytes"
	"debug/elf"
	"io"
	"strings"
)

// names are all that an object has to name addresses by.
type names struct {
	table   table
	frames  frames
	ifuncs  map[string]bool // the IFUNCs that it defines
	imports []imported
}

// An imported is a slot in which a process keeps the address of a function that the
// object calls.
type imported struct {
	addr uint64
	name string // of the function
}

// readNames reads the names of an object from its own file and its debug file, which
// may be nil. What cannot be read is left out: another source may have it.
func readNames(img *image, debug io.ReaderAt) names {
	n := names{frames: readFrames(img), ifuncs: map[string]bool{}}
	dynamic := img.symtab(img.sectionOf(elf.SHT_DYNSYM))
	symbols := dynamic.functions(nil, img, img.versions(dynamic.names))
	symbols = full(img, debug).functions(symbols, img, nil)
	for _, s := range symbols {
		if s.ifunc {
			name, _, _ := strings.Cut(s.name, "@")
			n.ifuncs[strings.Clone(name)] = true
		}
	}
	slots := img.slots(dynamic, resolvers(symbols))
	for addr, s := range slots {
		name, _, _ := strings.Cut(s.name, "@")
		n.imports = append(n.imports, imported{addr, strings.Clone(name)})
	}
	symbols = append(symbols, img.stubs(slots)...)
	n.table = build(symbols, n.frames.limit(img))
	return n
}

// full returns the object's table of all symbols, static functions too: its own,
// else that of its debug file, else that of .gnu_debugdata.
func full(img *image, debug io.ReaderAt) symtab {
	if t := img.symtab(img.sectionOf(elf.SHT_SYMTAB)); t.len() > 1 {
		return t
	}
	if debug != nil {
		if d, err := readImage(debug); err == nil && d.machine == img.machine {
			if t := d.symtab(d.sectionOf(elf.SHT_SYMTAB)); t.len() > 1 {
				return t
			}
		}
	}
	// MiniDebugInfo, of Fedora and its relatives: an ELF file of nothing but the
	// functions that .dynsym has not, compressed ("MiniDebugInfo" in GDB's manual).
	packed, err := img.data(img.section(".gnu_debugdata"), maxSection)
	if err != nil || len(packed) == 0 {
		return symtab{}
	}
	data, err := unxz(packed)
	if err != nil {
		return symtab{}
	}
	mini, err := readImage(bytes.NewReader(data))
	if err != nil || mini.machine != img.machine {
		return symtab{}
	}
	return mini.symtab(mini.sectionOf(elf.SHT_SYMTAB))
}

// resolvers returns a function that finds the best name of what begins at an
// address.
func resolvers(symbols []symbol) func(addr uint64) string {
	var byStart map[uint64]symbol
	return func(addr uint64) string {
		if byStart == nil { // few objects have IFUNCs of their own in the PLT
			byStart = map[uint64]symbol{}
			for _, s := range symbols {
				if known, ok := byStart[s.start]; !ok || compare(s, known) < 0 {
					byStart[s.start] = s
				}
			}
		}
		return byStart[addr].name
	}
}
