package symbol

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// A symbol is one name of one range of addresses, as a symbol table has it.
type symbol struct {
	start, size uint64 // a size of 0 is not known
	name        string
	binding     binding
	label       bool // no function by its type: an assembler's label
	ifunc       bool // the resolver of an IFUNC, which carries the IFUNC's name
	inferred    bool // the size is not the symbol's own
}

// A binding says who may link to a symbol.
type binding uint8

const (
	global binding = iota
	weak
	local
)

// compare puts the better of two names of one address first:
//
//  1. a function before a mere label;
//  2. exported, global or weak, before local, so that a debug file adds names to
//     what .dynsym knows, and changes none;
//  3. fewer leading underscores: libc's public names are weak, as write is, and
//     its own for the same code, __write, are global;
//  4. the default version of a name before realpath@GLIBC_2.2.5;
//  5. global before weak, the shorter, the alphabetically first.
func compare(a, b symbol) int {
	if a.label != b.label {
		return order(b.label)
	}
	if (a.binding == local) != (b.binding == local) {
		return order(b.binding == local)
	}
	if c := cmp.Compare(underscores(a.name), underscores(b.name)); c != 0 {
		return c
	}
	if v := strings.Contains(b.name, "@"); v != strings.Contains(a.name, "@") {
		return order(v)
	}
	if c := cmp.Compare(a.binding, b.binding); c != 0 {
		return c
	}
	if c := cmp.Compare(len(a.name), len(b.name)); c != 0 {
		return c
	}
	return strings.Compare(a.name, b.name)
}

func order(first bool) int {
	if first {
		return -1
	}
	return 1
}

func underscores(name string) int {
	return len(name) - len(strings.TrimLeft(name, "_"))
}

// build makes a table of symbols, in any order, which it sorts. Where symbols
// overlap, that counts which begins last, and of several that begin together the
// one with the best name.
//
// A symbol without a size is dropped inside one that has a size. Elsewhere it ends
// where the next symbol begins, or at limit(start) if that comes first. One without
// a name does no more than to begin there.
func build(symbols []symbol, limit func(start uint64) uint64) table {
	slices.SortFunc(symbols, func(a, b symbol) int {
		if c := cmp.Compare(a.start, b.start); c != 0 {
			return c
		}
		return compare(b, a) // the best is last
	})
	infer(symbols, limit)
	b := builder{pieces: make([]piece, 0, len(symbols))}
	for _, s := range symbols {
		s.size = min(s.size, math.MaxUint32)
		if s.name != "" && s.size != 0 && s.start+s.size > s.start {
			b.open(s)
		}
	}
	b.fill(math.MaxUint64)
	return table{pieces: slices.Clone(b.pieces), names: strings.Clone(b.names.String())}
}

// infer gives sorted symbols the sizes that they lack.
func infer(symbols []symbol, limit func(start uint64) uint64) {
	var covered uint64 // where the symbols so far end
	for len(symbols) > 0 {
		start, n := symbols[0].start, 0
		for n < len(symbols) && symbols[n].start == start {
			covered = max(covered, start+symbols[n].size)
			n++
		}
		if covered <= start {
			end := limit(start)
			if n < len(symbols) {
				end = min(end, symbols[n].start)
			}
			for i := range symbols[:n] {
				symbols[i].size, symbols[i].inferred = max(end, start)-start, true
			}
		}
		symbols = symbols[n:]
	}
}

// A builder cuts functions that overlap into pieces that do not. Functions whose names
// would exceed maxStrings together are left out: in a hostile table, all names may be
// the tails of one.
type builder struct {
	pieces []piece
	names  strings.Builder
	at     uint64   // pieces are written up to here
	stack  []opened // functions that began; the last one counts while it lasts
}

type opened struct {
	symbol
	named bool
	name  uint32 // as in piece, once named
}

// open begins a function. They must come sorted.
func (b *builder) open(s symbol) {
	b.fill(s.start)
	b.at = s.start
	b.stack = append(b.stack, opened{symbol: s})
}

// fill writes pieces up to an address.
func (b *builder) fill(to uint64) {
	for len(b.stack) > 0 {
		top := &b.stack[len(b.stack)-1]
		end := top.start + top.size
		if end <= b.at {
			b.stack = b.stack[:len(b.stack)-1]
			continue
		}
		if b.at >= to {
			return
		}
		b.write(top, min(end, to))
	}
}

// write adds the piece of f that ends at end.
func (b *builder) write(f *opened, end uint64) {
	if !f.named {
		if b.names.Len()+len(f.symbol.name) >= maxStrings {
			b.at = end
			return
		}
		f.named = true
		f.name = uint32(b.names.Len())
		b.names.WriteString(f.symbol.name)
		b.names.WriteByte(0)
		if f.inferred {
			f.name |= inferred
		}
	}
	b.pieces = append(b.pieces, piece{
		start: b.at,
		size:  uint32(end - b.at),
		into:  uint32(b.at - f.start),
		whole: uint32(f.size),
		name:  f.name,
	})
	b.at = end
}
