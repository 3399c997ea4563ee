package symbol

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds on what an object may claim. They lie far above what nginx, its modules
// and their libraries and debug files have, and low enough to be read into memory.
const (
	maxPrograms = 512
	maxSections = 8192
	maxStrings  = 32 << 20 // bytes
	maxSymbols  = 256 << 10
	maxSection  = 16 << 20 // of any other kind, in bytes
)

var errTooLarge = errors.New("larger than any gateway's")

// An image is an ELF file whose headers were read. debug/elf is not used on
// strangers' files: it reads section names of any size, and a sparse file has
// them for free.
type image struct {
	r        io.ReaderAt
	machine  elf.Machine
	programs []elf.Prog64
	sections []section
}

type section struct {
	elf.Section64
	name string
}

// readImage reads the headers of a 64-bit little-endian object.
func readImage(r io.ReaderAt) (*image, error) {
	var h elf.Header64
	if err := decodeAt(r, 0, &h); err != nil {
		return nil, fmt.Errorf("read ELF header: %w", err)
	}
	if string(h.Ident[:4]) != elf.ELFMAG {
		return nil, errors.New("read ELF header: not an ELF file")
	}
	if c, d := elf.Class(h.Ident[elf.EI_CLASS]), elf.Data(h.Ident[elf.EI_DATA]); c != elf.ELFCLASS64 || d != elf.ELFDATA2LSB {
		return nil, fmt.Errorf("read ELF header: %v %v is not supported", c, d)
	}
	img := &image{r: r, machine: elf.Machine(h.Machine)}
	if err := img.readPrograms(&h); err != nil {
		return nil, fmt.Errorf("read program headers: %w", err)
	}
	// An object without readable sections still has its segments.
	_ = img.readSections(&h)
	return img, nil
}

func (img *image) readPrograms(h *elf.Header64) error {
	if h.Phnum == 0 {
		return nil
	}
	if h.Phentsize != uint16(binary.Size(elf.Prog64{})) || h.Phnum > maxPrograms {
		return fmt.Errorf("%d of %d bytes: %w", h.Phnum, h.Phentsize, errTooLarge)
	}
	img.programs = make([]elf.Prog64, h.Phnum)
	return decodeAt(img.r, h.Phoff, img.programs)
}

func (img *image) readSections(h *elf.Header64) error {
	if h.Shnum == 0 || h.Shoff == 0 {
		return nil
	}
	if h.Shentsize != uint16(binary.Size(elf.Section64{})) || h.Shnum > maxSections || h.Shstrndx >= h.Shnum {
		return errTooLarge
	}
	headers := make([]elf.Section64, h.Shnum)
	if err := decodeAt(img.r, h.Shoff, headers); err != nil {
		return err
	}
	names, err := img.read(headers[h.Shstrndx].Off, headers[h.Shstrndx].Size, maxSection)
	if err != nil {
		return err
	}
	table := string(names)
	for _, header := range headers {
		img.sections = append(img.sections, section{header, text(table, header.Name)})
	}
	return nil
}

// section returns the first section of that name, or nil.
func (img *image) section(name string) *section {
	for i := range img.sections {
		if img.sections[i].name == name {
			return &img.sections[i]
		}
	}
	return nil
}

// sectionOf returns the first section of that type, or nil.
func (img *image) sectionOf(t elf.SectionType) *section {
	for i := range img.sections {
		if elf.SectionType(img.sections[i].Type) == t {
			return &img.sections[i]
		}
	}
	return nil
}

// data reads a section of at most limit bytes. A nil section is empty, and so is
// one whose contents were moved to a debug file, or which is compressed.
func (img *image) data(s *section, limit uint64) ([]byte, error) {
	if s == nil || elf.SectionType(s.Type) == elf.SHT_NOBITS || elf.SectionFlag(s.Flags)&elf.SHF_COMPRESSED != 0 {
		return nil, nil
	}
	b, err := img.read(s.Off, s.Size, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.name, err)
	}
	return b, nil
}

// read reads size bytes at a file offset.
func (img *image) read(off, size, limit uint64) ([]byte, error) {
	if size > limit || off > 1<<62 {
		return nil, errTooLarge
	}
	b := make([]byte, size)
	if n, err := img.r.ReadAt(b, int64(off)); uint64(n) < size {
		return nil, err
	}
	return b, nil
}

// address maps a file offset to the address it is loaded at for execution.
func (img *image) address(off uint64) (uint64, bool) {
	for _, p := range img.programs {
		if elf.ProgType(p.Type) == elf.PT_LOAD && elf.ProgFlag(p.Flags)&elf.PF_X != 0 && off >= p.Off && off-p.Off < p.Filesz {
			return off - p.Off + p.Vaddr, true
		}
	}
	return 0, false
}

// code returns where the executable segment that holds addr ends.
func (img *image) code(addr uint64) (end uint64, ok bool) {
	for _, p := range img.programs {
		if elf.ProgType(p.Type) == elf.PT_LOAD && elf.ProgFlag(p.Flags)&elf.PF_X != 0 &&
			addr >= p.Vaddr && addr-p.Vaddr < p.Memsz && p.Vaddr+p.Memsz > p.Vaddr {
			return p.Vaddr + p.Memsz, true
		}
	}
	return 0, false
}

func decodeAt(r io.ReaderAt, off uint64, into any) error {
	b := make([]byte, binary.Size(into))
	if off > 1<<62 {
		return errTooLarge
	}
	if n, err := r.ReadAt(b, int64(off)); n < len(b) {
		return err
	}
	_, err := binary.Decode(b, binary.LittleEndian, into)
	return err
}

// text returns the NUL-terminated string at off in a string table, of at most
// maxName bytes. Out of bounds it is empty. It shares the table's memory: a
// hostile table's names may all overlap.
func text(table string, off uint32) string {
	if uint64(off) >= uint64(len(table)) {
		return ""
	}
	table = table[off:]
	table = table[:min(len(table), maxName)]
	if end := strings.IndexByte(table, 0); end >= 0 {
		table = table[:end]
	}
	return table
}
