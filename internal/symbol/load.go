package symbol

import (
	"bytes"
	"debug/elf"
	"io"
)

// readTables reads all names of an object, from its own file and its debug file,
// which may be nil. What cannot be read is left out: another source may have it.
func readTables(img *image, debug io.ReaderAt) (table, frames) {
	ranges := readFrames(img)
	dynamic := img.symtab(img.sectionOf(elf.SHT_DYNSYM))
	symbols := dynamic.functions(nil, img, img.versions(dynamic.names))
	symbols = full(img, debug).functions(symbols, img, nil)
	of := resolvers(symbols)
	symbols = append(symbols, img.stubs(dynamic, of)...)
	return build(symbols, ranges.limit(img)), ranges
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
