package unwind

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"
)

// An image is an object in the making. Its bytes are at the address that is their offset.
type image struct {
	machine elf.Machine
	table   []byte // .eh_frame, at ehAt

	sections bool   // else .eh_frame is found by .eh_frame_hdr
	kind     uint32 // sh_type of .eh_frame; SHT_PROGBITS if 0
	vaddr    uint64 // where the whole of it is linked to
	size     uint64 // sh_size of .eh_frame, if not what it has
	data     bool   // none of it is for execution
}

const (
	headersAt = 64
	hdrAt     = 0x200
	ehAt      = 0x400
	codeAt    = 0x10000 // up to codeEnd, all of it in memory alone
	codeEnd   = 0x20000
)

func (m image) bytes() []byte {
	var b bytes.Buffer
	put := func(at int, values ...any) {
		for b.Len() < at {
			b.WriteByte(0)
		}
		for _, v := range values {
			_ = binary.Write(&b, binary.LittleEndian, v)
		}
	}
	names := "\x00.eh_frame\x00.shstrtab\x00"
	namesAt := ehAt + len(m.table)
	sectionsAt := (namesAt + len(names) + 7) &^ 7
	header := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, Type: uint16(elf.ET_DYN), Machine: uint16(m.machine), Version: 1,
		Phoff: headersAt, Ehsize: 64, Phentsize: 56, Phnum: 2, Shentsize: 64,
	}
	if m.sections {
		header.Shoff, header.Shnum, header.Shstrndx = uint64(sectionsAt), 3, 2
	}
	flags := elf.PF_R | elf.PF_X
	if m.data {
		flags = elf.PF_R
	}
	put(0, header)
	put(headersAt,
		elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(flags), Vaddr: m.vaddr, Filesz: uint64(sectionsAt), Memsz: codeEnd},
		elf.Prog64{Type: uint32(elf.PT_GNU_EH_FRAME), Flags: uint32(elf.PF_R), Off: hdrAt, Vaddr: m.vaddr + hdrAt, Filesz: 12, Memsz: 12})
	// Version 1; the address as four bytes relative to their own; no search table.
	put(hdrAt, []byte{1, 0x1b, 0xff, 0xff}, int32(ehAt-hdrAt-4))
	put(ehAt, m.table)
	put(namesAt, []byte(names))
	kind, size := uint32(elf.SHT_PROGBITS), uint64(len(m.table))
	if m.kind != 0 {
		kind = m.kind
	}
	if m.size != 0 {
		size = m.size
	}
	off := uint64(ehAt)
	if kind == uint32(elf.SHT_NOBITS) {
		off = 0 // what is there is something else
	}
	put(sectionsAt, elf.Section64{},
		elf.Section64{Name: 1, Type: kind, Flags: uint64(elf.SHF_ALLOC), Addr: m.vaddr + ehAt, Off: off, Size: size},
		elf.Section64{Name: 11, Type: uint32(elf.SHT_STRTAB), Off: uint64(namesAt), Size: uint64(len(names))})
	return b.Bytes()
}

func (m image) rows(t testing.TB) ([]Row, error) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(m.bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return Rows(f)
}

// A tableOf makes .eh_frame, record by record.
type tableOf struct {
	bytes.Buffer
	cie int // offset of the last CIE
}

func (t *tableOf) record(id uint32, body []byte) {
	for (len(body)+8)%8 != 0 {
		body = append(body, 0) // DW_CFA_nop
	}
	_ = binary.Write(t, binary.LittleEndian, uint32(len(body)+4))
	_ = binary.Write(t, binary.LittleEndian, id)
	t.Write(body)
}

// addCIE adds a CIE with pointers as linkers write them, "zR" with 0x1b, unless it says otherwise.
func (t *tableOf) addCIE(augmentation string, data []byte, ra byte, instructions ...byte) {
	t.cie = t.Len()
	body := append([]byte{1}, augmentation...)
	body = append(body, 0, 1, 0x78, ra) // code by 1, data by -8
	if augmentation != "" {
		body = append(append(body, byte(len(data))), data...)
	}
	t.record(0, append(body, instructions...))
}

// addX86 adds the CIE that all compilers write for x86-64: CFA = rsp+8, return address
// at CFA-8.
func (t *tableOf) addX86() {
	t.addCIE("zR", []byte{0x1b}, 16, 0x0c, 7, 8, 0x80|16, 1)
}

// addEntry adds an FDE of the last CIE.
func (t *tableOf) addEntry(start, size int, instructions ...byte) {
	at := t.Len() + 4
	body := binary.LittleEndian.AppendUint32(nil, uint32(start-(ehAt+at+4)))
	body = binary.LittleEndian.AppendUint32(body, uint32(size))
	t.record(uint32(at-t.cie), append(append(body, 0), instructions...))
}
