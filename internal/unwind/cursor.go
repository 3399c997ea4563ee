package unwind

// A cursor reads little-endian numbers off bytes. Past the end, and on what is no number,
// it goes bad, stays where the end is, and returns 0.
type cursor struct {
	b   []byte
	at  int
	bad bool
}

func (c *cursor) more() bool { return !c.bad && c.at < len(c.b) }

// take returns the next n bytes, or nil if there are fewer.
func (c *cursor) take(n uint64) []byte {
	if c.bad || n > uint64(len(c.b)-c.at) {
		c.fail()
		return nil
	}
	c.at += int(n)
	return c.b[c.at-int(n) : c.at]
}

func (c *cursor) fail() {
	c.bad, c.at = true, len(c.b)
}

func (c *cursor) u8() byte {
	if c.at >= len(c.b) {
		c.fail()
		return 0
	}
	c.at++
	return c.b[c.at-1]
}

// fixed reads a number of n bytes.
func (c *cursor) fixed(n uint64) uint64 {
	var v uint64
	for i, b := range c.take(n) {
		v |= uint64(b) << (8 * i)
	}
	return v
}

// uleb reads a ULEB128 (DWARF 5, 7.6) of at most 64 bits.
func (c *cursor) uleb() uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b := c.u8()
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			return v
		}
	}
	c.fail()
	return 0
}

// sleb reads an SLEB128 of at most 64 bits.
func (c *cursor) sleb() int64 {
	var v int64
	for shift := 0; shift < 64; shift += 7 {
		b := c.u8()
		v |= int64(b&0x7f) << shift
		if b&0x80 != 0 {
			continue
		}
		if shift < 57 && b&0x40 != 0 {
			v |= -1 << (shift + 7)
		}
		return v
	}
	c.fail()
	return 0
}

// How pointers are encoded (LSB 5, 10.5.1): the format in the lower four bits, then what the
// value counts from.
const (
	pointerAbsolute   = 0x00
	pointerRelative   = 0x10
	pointerOmitted    = 0xff
	pointerFormat     = 0x0f
	pointerBase       = 0x70
	pointerIndirect   = 0x80
	pointerAligned    = 0x50
	pointerWord       = 0x00
	pointerULEB       = 0x01
	pointerUint16     = 0x02
	pointerUint32     = 0x03
	pointerUint64     = 0x04
	pointerSLEB       = 0x09
	pointerInt16      = 0x0a
	pointerInt32      = 0x0b
	pointerInt64      = 0x0c
	pointerSignedWord = 0x08
)

// pointer reads an address; the cursor's bytes begin at base. It goes bad on addresses that
// an object cannot know before it is loaded.
func (c *cursor) pointer(encoding byte, base uint64) uint64 {
	at := base + uint64(c.at)
	v := c.value(encoding)
	switch encoding &^ pointerFormat {
	case pointerAbsolute:
	case pointerRelative:
		v += at
	default:
		c.fail()
	}
	return v
}

// value reads a number as the lower bits of encoding have it.
func (c *cursor) value(encoding byte) uint64 {
	switch encoding & pointerFormat {
	case pointerWord, pointerSignedWord, pointerUint64, pointerInt64:
		return c.fixed(8)
	case pointerULEB:
		return c.uleb()
	case pointerUint16:
		return c.fixed(2)
	case pointerUint32:
		return c.fixed(4)
	case pointerSLEB:
		return uint64(c.sleb())
	case pointerInt16:
		return uint64(int16(c.fixed(2)))
	case pointerInt32:
		return uint64(int32(c.fixed(4)))
	}
	c.fail()
	return 0
}
