package symbol

import (
	"bytes"
	"encoding/binary"
)

// An ehReader goes through .eh_frame: lists of entries, each a length, an id, and
// contents. An id of 0 makes it a CIE, which says how the FDEs that refer to it
// write addresses; an FDE's id is the distance back to its CIE. The format is in
// the Linux Standard Base, "Exception Frames".
type ehReader struct {
	data []byte
	addr uint64 // of data
	at   int    // the next entry

	entry, body, end int // of this entry: its start, what follows the id, its end
	id               uint32

	cie      int // the last CIE referred to, counted from 1
	encoding byte
}

// next goes to the next entry. It is false at the end, and where the table
// contradicts itself.
func (r *ehReader) next() bool {
	r.entry = r.at
	if len(r.data)-r.at < 8 {
		return false
	}
	size := binary.LittleEndian.Uint32(r.data[r.at:])
	// 0 is the terminator; 64-bit lengths are for tables beyond any bound here.
	if size < 4 || size >= 0xfffffff0 || uint64(size) > uint64(len(r.data)-r.at-4) {
		return false
	}
	r.id = binary.LittleEndian.Uint32(r.data[r.at+4:])
	r.body = r.at + 8
	r.end = r.at + 4 + int(size)
	r.at = r.end
	return true
}

// frame returns the range of this entry, if it is an FDE.
func (r *ehReader) frame() (frame, bool) {
	cie := r.entry + 4 - int(r.id)
	if r.id == 0 || cie < 0 {
		return frame{}, false
	}
	if r.cie != cie+1 {
		r.cie, r.encoding = cie+1, readEncoding(r.data, cie)
	}
	start, n := r.value(r.body, r.encoding)
	if n == 0 {
		return frame{}, false
	}
	if r.encoding&0x70 == encodingPCRel {
		start += r.addr + uint64(r.body)
	}
	size, m := r.value(r.body+n, r.encoding&0x0f)
	return frame{start, size}, m > 0
}

// How a CIE says that addresses are written: DW_EH_PE_* of the LSB.
const (
	encodingPCRel   = 0x10
	encodingOmitted = 0xff
)

// value reads a number in the entry and returns how many bytes it took, 0 for an
// encoding that x86-64 and arm64 compilers do not use in FDEs.
func (r *ehReader) value(at int, encoding byte) (uint64, int) {
	if encoding == encodingOmitted || encoding&0xf0 != 0 && encoding&0xf0 != encodingPCRel {
		return 0, 0
	}
	b := r.data[at:max(at, r.end)]
	switch format := encoding & 0x0f; {
	case (format == 0x00 || format == 0x04 || format == 0x0c) && len(b) >= 8:
		return binary.LittleEndian.Uint64(b), 8
	case format == 0x03 && len(b) >= 4:
		return uint64(binary.LittleEndian.Uint32(b)), 4
	case format == 0x0b && len(b) >= 4:
		return uint64(int32(binary.LittleEndian.Uint32(b))), 4
	}
	return 0, 0
}

// readEncoding reads how the CIE at an offset has its FDEs write addresses.
func readEncoding(data []byte, at int) byte {
	c := ehReader{data: data, at: at}
	if !c.next() || c.id != 0 {
		return encodingOmitted
	}
	b := data[c.body:c.end]
	if len(b) < 2 || b[0] != 1 && b[0] != 3 {
		return encodingOmitted
	}
	version := b[0]
	augmentation, b, ok := bytes.Cut(b[1:], []byte{0})
	if !ok || len(augmentation) == 0 {
		return 0 // plain addresses
	}
	if augmentation[0] != 'z' {
		return encodingOmitted
	}
	// Code and data alignment and the return address register come first; the
	// last was one byte in version 1. Then the size of what follows.
	b = leb(leb(b))
	if version == 1 && len(b) > 0 {
		b = b[1:]
	} else {
		b = leb(b)
	}
	return findEncoding(augmentation[1:], leb(b))
}

// findEncoding goes through a CIE's augmentation data by its letters.
func findEncoding(letters, data []byte) byte {
	for _, letter := range letters {
		switch {
		case letter == 'R' && len(data) > 0:
			return data[0]
		case letter == 'L' && len(data) > 0:
			data = data[1:]
		case letter == 'P' && len(data) > 0: // an encoding, and a pointer in it
			size := map[byte]int{0x00: 8, 0x02: 2, 0x03: 4, 0x04: 8, 0x0a: 2, 0x0b: 4, 0x0c: 8}[data[0]&0x0f]
			if size == 0 || len(data) < 1+size {
				return encodingOmitted
			}
			data = data[1+size:]
		case letter == 'S' || letter == 'B' || letter == 'G': // signal frame, arm64's
		default:
			return encodingOmitted
		}
	}
	return 0
}

// leb skips a LEB128 number.
func leb(b []byte) []byte {
	for i, c := range b {
		if c < 0x80 {
			return b[i+1:]
		}
	}
	return nil
}
