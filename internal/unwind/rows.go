package unwind

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

const (
	// Chromium's table is 10 MiB, libcrypto's 0.5 MiB; a row takes 16 bytes.
	maxTable = 32 << 20
	maxRows  = 2 << 20

	maxSegments = 64
)

// ErrNoTable is Rows' for an object that has no .eh_frame.
var ErrNoTable = errors.New("no unwind table")

// A span is a range of addresses, as an object counts them.
type span struct{ start, end uint64 }

// Rows reads the unwind rows of an ELF object for x86-64 or arm64, sorted by PC. An address
// has the last row that begins at or below it. Addresses below the first row, and those that
// no entry of the object covers, have none: there, a row of CFANone begins.
func Rows(f *elf.File) ([]Row, error) {
	a, err := archOf(f)
	if err != nil {
		return nil, err
	}
	code, err := codeOf(f)
	if err != nil {
		return nil, err
	}
	data, addr, err := frameTable(f)
	if err != nil {
		return nil, err
	}
	return table{data, addr, a, code}.parse()
}

// codeOf returns what f has for execution.
func codeOf(f *elf.File) ([]span, error) {
	var code []span
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_X == 0 || p.Memsz == 0 {
			continue
		}
		end := p.Vaddr + p.Memsz
		if end < p.Vaddr || end > math.MaxUint32 {
			return nil, fmt.Errorf("code at %#x: only addresses below 4 GiB are supported", p.Vaddr)
		}
		if len(code) == maxSegments {
			return nil, fmt.Errorf("more than %d segments of code", maxSegments)
		}
		code = append(code, span{p.Vaddr, end})
	}
	return code, nil
}

// frameTable returns .eh_frame and its address: by its section or, where section headers
// were removed, by .eh_frame_hdr, which a program header names. Then it may be followed by
// what else is in its segment: it ends with an entry of length 0.
func frameTable(f *elf.File) ([]byte, uint64, error) {
	for _, s := range f.Sections {
		// Not by type: that is SHT_PROGBITS or, from some linkers, SHT_X86_64_UNWIND.
		if s.Name == ".eh_frame" && s.Type != elf.SHT_NOBITS && s.Addr != 0 && s.FileSize != 0 {
			data, err := readTable(s.ReaderAt, 0, s.FileSize)
			return data, s.Addr, err
		}
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_GNU_EH_FRAME {
			continue
		}
		if addr, ok := tableAddress(p); ok {
			return tableAt(f, addr)
		}
	}
	return nil, 0, ErrNoTable
}

// tableAddress reads the address of .eh_frame from .eh_frame_hdr: version 1, three
// encodings, the address (LSB 5, 10.6.2).
func tableAddress(hdr *elf.Prog) (uint64, bool) {
	head := make([]byte, 12)
	n, _ := hdr.ReadAt(head, 0)
	c := cursor{b: head[:n]}
	version, encoding := c.u8(), c.u8()
	c.u8()
	c.u8()
	addr := c.pointer(encoding, hdr.Vaddr)
	return addr, version == 1 && !c.bad && addr != 0
}

func tableAt(f *elf.File, addr uint64) ([]byte, uint64, error) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			size := min(p.Filesz-(addr-p.Vaddr), maxTable)
			data, err := readTable(p, int64(addr-p.Vaddr), size)
			return data, addr, err
		}
	}
	return nil, 0, ErrNoTable
}

// readTable reads size bytes, or what there is of them: the size is a stranger's.
func readTable(r io.ReaderAt, at int64, size uint64) ([]byte, error) {
	if size > maxTable {
		return nil, fmt.Errorf(".eh_frame of %d bytes: only %d are supported", size, maxTable)
	}
	const step = 1 << 20
	var data []byte
	for size > 0 {
		n := min(size, step)
		data = slices.Grow(data, int(n))
		got, err := r.ReadAt(data[len(data):len(data)+int(n)], at)
		data = data[:len(data)+got]
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read .eh_frame: %w", err)
		}
		at += int64(got)
		size -= uint64(got)
	}
	return data, nil
}
