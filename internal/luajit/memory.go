package luajit

import (
	"encoding/binary"
	"io"
)

const (
	pageSize = 4096
	// pagesMost bounds what is kept between two calls of Forget: 8 MiB.
	pagesMost = 2048
	// readMost bounds one read, whatever a length in the process's memory says.
	readMost = 2 << 20
	// addressEnd is above all addresses of a process: 47 bits on x86-64, 48 on arm64.
	addressEnd = 1 << 48
)

// memory reads a process's memory and keeps the pages it has seen, until it forgets them.
type memory struct {
	from  io.ReaderAt
	pages map[uint64][]byte // by page number; nil for one that cannot be read
}

func newMemory(from io.ReaderAt) *memory {
	return &memory{from: from, pages: map[uint64][]byte{}}
}

// read fills p with what is at addr, and reports whether all of it could be read.
func (m *memory) read(addr uint64, p []byte) bool {
	n := uint64(len(p))
	if addr == 0 || n > readMost || addr >= addressEnd || n > addressEnd-addr {
		return false
	}
	if n > 2*pageSize { // a table or an array: read once, so not worth keeping
		got, _ := m.from.ReadAt(p, int64(addr))
		return got == len(p)
	}
	for len(p) > 0 {
		page := m.page(addr / pageSize)
		if page == nil {
			return false
		}
		got := copy(p, page[addr%pageSize:])
		p, addr = p[got:], addr+uint64(got)
	}
	return true
}

func (m *memory) page(number uint64) []byte {
	if page, known := m.pages[number]; known {
		return page
	}
	if len(m.pages) >= pagesMost {
		m.forget()
	}
	page := make([]byte, pageSize)
	if n, _ := m.from.ReadAt(page, int64(number*pageSize)); n != pageSize {
		page = nil
	}
	m.pages[number] = page
	return page
}

func (m *memory) forget() { clear(m.pages) }

// word returns the 8 bytes at addr; 0 if they cannot be read.
func (m *memory) word(addr uint64) uint64 {
	var p [8]byte
	if !m.read(addr, p[:]) {
		return 0
	}
	return binary.LittleEndian.Uint64(p[:])
}

// half returns the 4 bytes at addr.
func (m *memory) half(addr uint64) (uint32, bool) {
	var p [4]byte
	ok := m.read(addr, p[:])
	return binary.LittleEndian.Uint32(p[:]), ok
}

// object fills p with the beginning of a collectable object, if it is one of type gct.
func (m *memory) object(addr uint64, gct byte, p []byte) bool {
	return addr%8 == 0 && m.read(addr, p) && p[gctOffset] == gct
}

// gctOffset is the same in all objects (GCHeader in lj_obj.h).
const gctOffset = 9

// Fields of what was read.

func word(p []byte, at uint32) uint64 { return binary.LittleEndian.Uint64(p[at:]) }
func half(p []byte, at uint32) uint32 { return binary.LittleEndian.Uint32(p[at:]) }
func short(p []byte, at uint32) uint16 {
	return binary.LittleEndian.Uint16(p[at:])
}
