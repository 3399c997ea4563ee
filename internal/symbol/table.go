package symbol

import (
	"sort"
	"strings"
)

// A table answers which function holds an address. It is written once and takes
// 24 bytes for a function, and its name.
type table struct {
	pieces []piece // sorted, apart from each other
	names  string  // NUL after each
}

// A piece is a range of addresses that belongs to one function: all of it, or what
// a function inside it leaves over.
type piece struct {
	start uint64
	size  uint32 // of the piece
	into  uint32 // start, counted from the function's start
	whole uint32 // the function's size
	name  uint32 // offset in names; the highest bit marks an inferred size
}

const inferred = 1 << 31

// find returns the function that covers addr.
func (t *table) find(addr uint64) (Function, bool) {
	i := sort.Search(len(t.pieces), func(i int) bool { return t.pieces[i].start > addr })
	if i == 0 {
		return Function{}, false
	}
	p := t.pieces[i-1]
	if addr-p.start >= uint64(p.size) {
		return Function{}, false
	}
	name := t.names[p.name&^inferred:]
	name = name[:strings.IndexByte(name, 0)]
	return Function{
		Name:   demangled(name),
		Symbol: name,
		Start:  p.start - uint64(p.into),
		Size:   uint64(p.whole),
		Exact:  p.name&inferred == 0,
	}, true
}
