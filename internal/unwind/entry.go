package unwind

import "slices"

// Linkers merge CIEs that are equal: libcrypto has one, libstdc++ three.
const maxCIEs = 1 << 16

// A cie is what entries have in common: LSB 5, 10.6.1.1.
type cie struct {
	codeAlign uint64
	dataAlign int64
	encoding  byte // of addresses in its entries
	augmented bool // its entries have a length of further data
	signal    bool // they are of frames that a signal's delivery made
	usable    bool // all of it is understood
	initial   state
}

// An entry is an FDE: the program for a range of addresses.
type entry struct {
	span
	cie  *cie
	from int // where its instructions are in the table
	to   int
}

// A table is .eh_frame.
type table struct {
	data []byte
	base uint64 // its address
	arch *arch
	code []span // only entries for these count
}

// entries returns the table's entries by their start. Each byte is read once: a CIE must be a
// record of its own, and come before what refers to it, as all linkers have it.
func (t *table) entries() []entry {
	cies := map[int]*cie{}
	var all []entry
	for at := 0; at < len(t.data); {
		start, head := at, cursor{b: t.data, at: at}
		size := head.fixed(4)
		if size == 0xffffffff {
			size = head.fixed(8)
		}
		if size == 0 {
			at = head.at
			continue
		}
		body := head.at
		if head.bad || size < 4 || size > uint64(len(t.data)-body) {
			break
		}
		c := cursor{b: t.data[:body+int(size)], at: body}
		at = len(c.b)
		id := c.fixed(4)
		if id == 0 {
			if len(cies) < maxCIEs {
				cies[start] = t.cie(&c)
			}
			continue
		}
		// An entry names its CIE by how far that begins before its own id.
		if shared := cies[body-int(id)]; shared != nil {
			if e, ok := t.entry(&c, shared); ok {
				all = append(all, e)
			}
		}
	}
	byStart := func(a, b entry) int {
		switch {
		case a.start < b.start:
			return -1
		case a.start > b.start:
			return 1
		}
		return 0
	}
	if !slices.IsSortedFunc(all, byStart) {
		slices.SortStableFunc(all, byStart)
	}
	return all
}

// cie reads a CIE behind its id. nil is one whose entries cannot be read.
func (t *table) cie(c *cursor) *cie {
	version := c.u8()
	var augmentation []byte
	for b := c.u8(); b != 0; b = c.u8() {
		augmentation = append(augmentation, b)
	}
	if version != 1 && version != 3 {
		return nil
	}
	i := &cie{codeAlign: c.uleb(), dataAlign: c.sleb()}
	var ra uint64
	if version == 1 {
		ra = uint64(c.u8())
	} else {
		ra = c.uleb()
	}
	known := t.augment(c, i, augmentation)
	if c.bad {
		return nil
	}
	p := program{arch: t.arch, cie: i, base: t.base}
	i.usable = known && ra == t.arch.ra
	moved := func() bool {
		i.usable = false // a CIE has no address to go on from
		return false
	}
	i.usable = p.run(c, moved) && i.usable
	i.initial = p.state
	return i
}

// augment reads what the letters of an augmentation stand for, and reports whether all of
// them are known. Those behind an unknown one are skipped, which a leading z allows.
func (t *table) augment(c *cursor, i *cie, letters []byte) bool {
	if len(letters) == 0 {
		return true
	}
	if letters[0] != 'z' {
		c.fail()
		return false
	}
	i.augmented = true
	size := c.uleb()
	if size > uint64(len(c.b)-c.at) {
		c.fail()
		return false
	}
	data := cursor{b: c.b[:c.at+int(size)], at: c.at}
	c.at += int(size)
	for _, letter := range letters[1:] {
		switch letter {
		case 'R':
			i.encoding = data.u8()
		case 'P':
			data.skipPointer(data.u8(), t.base)
		case 'L':
			data.u8()
		case 'S':
			i.signal = true
		case 'B', 'G': // arm64: which key signs pointers; tagged stack
		default:
			return false
		}
	}
	return !data.bad
}

// skipPointer steps over a pointer, which may be one that only a process has.
func (c *cursor) skipPointer(encoding byte, base uint64) {
	if encoding == pointerOmitted {
		return
	}
	if encoding&^pointerIndirect == pointerAligned {
		c.take(-(base + uint64(c.at)) & 7)
		encoding = pointerWord
	}
	c.value(encoding)
}

// entry reads an FDE behind its id.
func (t *table) entry(c *cursor, shared *cie) (entry, bool) {
	start := c.pointer(shared.encoding, t.base)
	size := c.value(shared.encoding)
	if shared.augmented {
		c.take(c.uleb())
	}
	e := entry{span{start, start + size}, shared, c.at, len(c.b)}
	if c.bad || size == 0 || e.end < start {
		return entry{}, false
	}
	return e, slices.ContainsFunc(t.code, func(s span) bool { return e.start >= s.start && e.end <= s.end })
}
