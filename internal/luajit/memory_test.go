package luajit

import (
	"io"
	"testing"
)

// counting counts reads, and how much they asked for.
type counting struct {
	from    io.ReaderAt
	reads   int
	longest int
}

func (c *counting) ReadAt(p []byte, at int64) (int, error) {
	c.reads++
	c.longest = max(c.longest, len(p))
	return c.from.ReadAt(p, at)
}

func TestMemory(t *testing.T) {
	image := words(map[uint64]uint64{0x5ff8: 1, 0x6000: 2, 0x6ff8: 3})
	c := &counting{from: image}
	m := newMemory(c)
	var p [16]byte
	if !m.read(0x5ff8, p[:]) || word(p[:], 0) != 1 || word(p[:], 8) != 2 {
		t.Errorf("across pages: %x", p)
	}
	if m.word(0x5ff8) != 1 || m.word(0x6000) != 2 || c.reads != 2 {
		t.Errorf("%d reads of two pages", c.reads)
	}
	if m.word(0x7000) != 0 || m.read(0x6ff8, p[:]) || m.word(0x7008) != 0 || c.reads != 3 {
		t.Errorf("%d reads, with one of what is not there", c.reads)
	}
	image.write(0x6000, []byte{9})
	if m.word(0x6000) != 2 {
		t.Error("pages are not kept")
	}
	if m.forget(); m.word(0x6000) != 9 {
		t.Error("pages are kept after forget")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c := &counting{from: zeros{}}
	m := newMemory(c)
	for _, tt := range []struct {
		at   uint64
		n    int
		want bool
	}{
		{0, 8, false}, {8, 8, true}, {addressEnd - 8, 8, true}, {addressEnd - 7, 8, false}, {addressEnd, 0, false},
		{1 << 63, 8, false}, {^uint64(0), 8, false}, {8, readMost, true}, {8, readMost + 1, false},
	} {
		if got := m.read(tt.at, make([]byte, tt.n)); got != tt.want {
			t.Errorf("%d bytes at %#x: %v", tt.n, tt.at, got)
		}
	}
	for i := range uint64(3 * pagesMost) {
		m.word((i + 1) * pageSize)
	}
	if len(m.pages) > pagesMost || c.longest > readMost {
		t.Errorf("%d pages are kept, the longest read is of %d bytes", len(m.pages), c.longest)
	}
}

type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }
