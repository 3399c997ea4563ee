package symbol

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// A slot is where a PLT entry finds the function that it jumps to.
type slot struct {
	name  string // of the function
	index int    // of its relocation in .rela.plt, or -1
}

// Relocations that fill a slot: R_X86_64_GLOB_DAT, _JUMP_SLOT, _IRELATIVE, and
// the same of AArch64.
var slotRelocations = map[elf.Machine][3]uint32{
	elf.EM_X86_64:  {6, 7, 37},
	elf.EM_AARCH64: {1025, 1026, 1032},
}

// stubs names the entries of the PLT: code that jumps to a function of another
// object, which has no symbol.
func (img *image) stubs(slots map[uint64]slot) []symbol {
	if len(slots) == 0 {
		return nil
	}
	byIndex := map[uint32]string{}
	for _, s := range slots {
		if s.index >= 0 {
			byIndex[uint32(s.index)] = s.name
		}
	}
	var all []symbol
	for _, name := range []string{".plt", ".plt.sec", ".plt.got", ".iplt"} {
		s := img.section(name)
		code, err := img.data(s, maxSection)
		if err != nil || len(code) == 0 {
			continue
		}
		switch img.machine {
		case elf.EM_X86_64:
			all = stubsX86(all, code, s, slots, byIndex)
		case elf.EM_AARCH64:
			all = stubsARM(all, code, s.Addr, slots)
		}
	}
	return all
}

// slots reads the relocations, by the address of their slot. Those of .rela.plt are
// counted, since entries of a lazily bound PLT push their number. of finds the name of
// a function of this object by its address: the resolver of an IFUNC.
func (img *image) slots(dynamic symtab, of func(addr uint64) string) map[uint64]slot {
	kinds, ok := slotRelocations[img.machine]
	if !ok {
		return nil
	}
	slots := map[uint64]slot{}
	for _, name := range []string{".rela.dyn", ".rela.plt"} {
		data, err := img.data(img.section(name), maxSection)
		if err != nil {
			continue
		}
		for i := 0; len(data) >= 24 && len(slots) < maxSymbols; i++ {
			at := binary.LittleEndian.Uint64(data)
			info := binary.LittleEndian.Uint64(data[8:])
			addend := binary.LittleEndian.Uint64(data[16:])
			data = data[24:]
			s := slot{index: -1}
			switch uint32(info) {
			case kinds[0], kinds[1]:
				s.name = dynamic.name(int(info >> 32))
			case kinds[2]:
				s.name = of(addend)
			}
			if name == ".rela.plt" {
				s.index = i
			}
			if s.name != "" {
				slots[at] = s
			}
		}
	}
	return slots
}

func stub(start uint64, size int, name string) symbol {
	return symbol{start: start, size: uint64(size), name: name + "@plt", binding: local}
}

var endbr64 = []byte{0xf3, 0x0f, 0x1e, 0xfa}

// stubsX86 reads entries as binutils and LLD write them for x86-64: perhaps
// endbr64, perhaps bnd, then jmp *slot(%rip); or, where .plt.sec does that, the
// number of the relocation pushed for the dynamic linker.
func stubsX86(into []symbol, code []byte, s *section, slots map[uint64]slot, byIndex map[uint32]string) []symbol {
	size := 16
	if s.Entsize == 8 || s.name == ".plt.got" && !bytes.HasPrefix(code, endbr64) {
		size = 8
	}
	for at := 0; at+size <= len(code); at += size {
		entry := bytes.TrimPrefix(code[at:at+size], endbr64)
		from := at + size - len(entry)
		start := s.Addr + uint64(at)
		if len(entry) >= 5 && entry[0] == 0x68 { // push $n
			if name := byIndex[binary.LittleEndian.Uint32(entry[1:])]; name != "" {
				into = append(into, stub(start, size, name))
			}
			continue
		}
		if len(entry) > 0 && entry[0] == 0xf2 { // bnd
			entry, from = entry[1:], from+1
		}
		if len(entry) < 6 || entry[0] != 0xff || entry[1] != 0x25 { // jmp *n(%rip)
			continue
		}
		target := s.Addr + uint64(from) + 6 + uint64(int32(binary.LittleEndian.Uint32(entry[2:])))
		if slot, ok := slots[target]; ok {
			into = append(into, stub(start, size, slot.name))
		}
	}
	return into
}

// stubsARM reads entries as binutils and LLD write them for AArch64: perhaps
// bti c, then adrp x16, page; ldr x17, [x16, #n]; two or three more instructions.
func stubsARM(into []symbol, code []byte, addr uint64, slots map[uint64]slot) []symbol {
	const btiC = 0xd503245f
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(code[at:]) }
	for at := 0; at+16 <= len(code); at += 4 {
		adrp, ldr := word(at), word(at+4)
		if adrp&0x9f00001f != 0x90000010 || ldr&0xffc003ff != 0xf9400211 {
			continue
		}
		// 21 bits of pages, the two lowest of them apart; 12 bits of 8 bytes.
		pages := int64(int32(adrp<<8)&^0x1fff)>>11 | int64(adrp>>29&3)
		target := (addr+uint64(at))&^0xfff + uint64(pages<<12) + uint64(ldr>>10&0xfff)*8
		slot, ok := slots[target]
		if !ok {
			continue
		}
		from, end := at, at+16
		if at >= 4 && word(at-4) == btiC {
			from = at - 4
		}
		for end+4 <= len(code) && end < from+24 && word(end)&0x9f00001f != 0x90000010 && word(end) != btiC {
			end += 4
		}
		into = append(into, stub(addr+uint64(from), end-from, slot.name))
	}
	return into
}
