package unwind

import "fmt"

// A builder takes rows by their PC, and merges what is the same.
type builder struct {
	table
	rows []Row
	p    program
}

// parse makes rows of .eh_frame at address base.
func (t table) parse() ([]Row, error) {
	b := builder{table: t}
	b.p.arch, b.p.base = t.arch, t.base
	entries := t.entries()
	// An entry has 4 rows on average, and a gap behind it.
	b.rows = make([]Row, 0, min(5*len(entries), maxRows))
	for i, e := range entries {
		next := uint64(1 << 32)
		if i+1 < len(entries) {
			next = entries[i+1].start
		}
		b.entry(e, min(e.end, next))
		if e.end < next {
			b.add(Row{PC: uint32(e.end)})
		}
		if len(b.rows) > maxRows {
			return nil, fmt.Errorf("more than %d unwind rows", maxRows)
		}
	}
	return b.rows, nil
}

// entry adds an entry's rows, those below end.
func (b *builder) entry(e entry, end uint64) {
	p := &b.p
	p.cie, p.state, p.loc, p.remembered = e.cie, e.cie.initial, e.start, p.remembered[:0]
	if e.start >= end {
		return
	}
	if !e.cie.usable {
		b.add(Row{PC: uint32(e.start), Add: uint16(OddFrameEntry)})
		return
	}
	c := cursor{b: b.data[:e.to], at: e.from}
	row := func() bool {
		if p.loc >= end || len(b.rows) > maxRows {
			return false
		}
		b.add(p.state.row(p.loc, p.arch, p.cie.signal))
		return true
	}
	if !p.run(&c, row) && p.loc < end {
		// What the instructions before it said holds until here at most.
		b.add(Row{PC: uint32(p.loc), Add: uint16(OddFrameEntry)})
		return
	}
	row()
}

// add adds a row behind the others, or in place of the last one where that has the same PC.
func (b *builder) add(r Row) {
	n := len(b.rows)
	if n > 0 && b.rows[n-1].PC == r.PC {
		b.rows, n = b.rows[:n-1], n-1
	}
	if n > 0 && b.rows[n-1].sameRules(r) {
		return
	}
	b.rows = append(b.rows, r)
}
