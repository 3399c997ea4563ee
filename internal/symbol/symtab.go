package symbol

import (
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"
)

// symbolSize is sizeof(Elf64_Sym).
const symbolSize = elf.Sym64Size

// A symtab is a symbol table as the file has it.
type symtab struct {
	data  []byte // of Elf64_Sym
	names string
}

// symtab reads a symbol table and its names. What is missing or too large is empty.
func (img *image) symtab(s *section) symtab {
	if s == nil || uint64(s.Link) >= uint64(len(img.sections)) {
		return symtab{}
	}
	data, err := img.data(s, maxSymbols*symbolSize)
	if err != nil || len(data) < symbolSize {
		return symtab{}
	}
	names, err := img.data(&img.sections[s.Link], maxStrings)
	if err != nil {
		return symtab{}
	}
	return symtab{data, string(names)}
}

func (t symtab) len() int { return len(t.data) / symbolSize }

// at decodes the i-th symbol.
func (t symtab) at(i int) elf.Sym64 {
	b := t.data[i*symbolSize : (i+1)*symbolSize]
	return elf.Sym64{
		Name:  binary.LittleEndian.Uint32(b),
		Info:  b[4],
		Other: b[5],
		Shndx: binary.LittleEndian.Uint16(b[6:]),
		Value: binary.LittleEndian.Uint64(b[8:]),
		Size:  binary.LittleEndian.Uint64(b[16:]),
	}
}

// name returns the i-th symbol's name, or "" if there is none.
func (t symtab) name(i int) string {
	if i < 0 || i >= t.len() {
		return ""
	}
	return text(t.names, t.at(i).Name)
}

// functions appends what of the table is code of img: the object itself, even if
// the table is its debug file's. version gives the name of the i-th symbol, or is
// nil where names carry their version themselves.
func (t symtab) functions(into []symbol, img *image, version func(i int, name string) string) []symbol {
	into = slices.Grow(into, t.count())
	for i := range t.len() {
		raw := t.at(i)
		if elf.SectionIndex(raw.Shndx) == elf.SHN_UNDEF || elf.SectionIndex(raw.Shndx) == elf.SHN_ABS {
			continue
		}
		s, ok := function(raw, text(t.names, raw.Name))
		if !ok {
			continue
		}
		end, ok := img.code(raw.Value)
		if !ok {
			continue
		}
		s.size = min(s.size, end-s.start)
		if version != nil {
			s.name = version(i, s.name)
		} else {
			s.name = defaultVersion(s.name)
		}
		into = append(into, s)
	}
	return into
}

// count returns how many functions and labels there are.
func (t symtab) count() (n int) {
	for i := range t.len() {
		switch elf.ST_TYPE(t.data[i*symbolSize+4]) {
		case elf.STT_FUNC, elf.STT_GNU_IFUNC, elf.STT_NOTYPE:
			n++
		}
	}
	return n
}

// function tells a function, an IFUNC's resolver, and an assembler's label from all
// other symbols.
func function(raw elf.Sym64, name string) (symbol, bool) {
	s := symbol{start: raw.Value, size: raw.Size, name: name, binding: local}
	switch elf.ST_TYPE(raw.Info) {
	case elf.STT_FUNC:
	case elf.STT_GNU_IFUNC:
		s.ifunc = true
	case elf.STT_NOTYPE:
		s.label = true
		// .L1 is left over from an assembler, $x is arm64's mark of code.
		if strings.HasPrefix(name, ".L") || strings.HasPrefix(name, "$") {
			return symbol{}, false
		}
	default:
		return symbol{}, false
	}
	switch elf.ST_BIND(raw.Info) {
	case elf.STB_GLOBAL, elf.STB_LOOS: // the latter is STB_GNU_UNIQUE
		s.binding = global
	case elf.STB_WEAK:
		s.binding = weak
	}
	return s, name != ""
}

// defaultVersion cuts the version off a name of .symtab if it is the one that
// programs link to: memcpy@@GLIBC_2.14. Of memcpy@GLIBC_2.2.5 it stays.
func defaultVersion(name string) string {
	if i := strings.Index(name, "@@"); i > 0 {
		return name[:i]
	}
	return name
}
