package unwind

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
)

// registers are those of a thread's leaf. A register that is not known is absent.
type registers struct {
	pc, sp uint64
	other  map[uint16]uint64 // by DWARF number
}

const fpNumber = 6

// A process is one whose stacks are walked, by rows alone and without symbols.
type process struct {
	pid      int
	memory   io.ReaderAt
	mappings []loaded
}

type loaded struct {
	Mapping
	rows []Row
	bias uint64
	err  error // why there are no rows
}

func openProcess(t testing.TB, pid int) *process {
	t.Helper()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { memory.Close() })
	p := &process{pid: pid, memory: memory}
	p.load(t)
	return p
}

func (p *process) load(t testing.TB) {
	t.Helper()
	mappings, err := Mappings(p.pid)
	if err != nil {
		t.Fatal(err)
	}
	p.mappings = nil
	for _, m := range mappings {
		l := loaded{Mapping: m}
		if !m.Anonymous {
			l.rows, l.bias, l.err = readMapping(p.pid, m)
		}
		p.mappings = append(p.mappings, l)
	}
}

func readMapping(pid int, m Mapping) ([]Row, uint64, error) {
	file, err := Open(pid, m)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		return nil, 0, err
	}
	bias, ok := m.Bias(f)
	if !ok {
		return nil, 0, errors.New("no segment for the mapping")
	}
	rows, err := Rows(f)
	return rows, bias, err
}

// A noRule is the error of a walk that comes to a row without a rule.
type noRule struct{ Reason }

func (n noRule) Error() string { return n.String() }

// A frame is what a walk found: where it runs, and where its return address is.
type frame struct {
	pc, at uint64
	rule   CFARule
}

// walk goes up from r to the outermost frame. Its error says why it did not get there.
func (p *process) walk(r registers) ([]frame, error) {
	var frames []frame
	called := false // pc is behind a call
	for len(frames) < 1000 {
		row, err := p.row(r.pc, called)
		if err != nil {
			return frames, err
		}
		f := frame{pc: r.pc, rule: row.CFA}
		called = row.CFA != CFASignal
		switch row.CFA {
		case CFAEnd:
			return append(frames, f), nil
		case CFASignal:
			r, err = p.interrupted(r.sp)
		default:
			f.at, r, err = p.step(row, r)
			if err == nil && !p.isCall(r.pc) {
				err = fmt.Errorf("%#x does not follow a call", r.pc)
			}
		}
		frames = append(frames, f)
		if err != nil {
			return frames, fmt.Errorf("%s, row %+v: %w", p.where(f.pc), row, err)
		}
	}
	return frames, errors.New("too deep")
}

func (p *process) row(pc uint64, called bool) (Row, error) {
	at := pc
	if called {
		at-- // of the call itself: the next instruction may be of another function
	}
	m := p.mapping(at)
	switch {
	case m == nil:
		return Row{}, fmt.Errorf("%#x is not mapped", pc)
	case m.rows == nil:
		return Row{}, fmt.Errorf("%s: no rows: %v", p.where(pc), m.err)
	}
	row := find(m.rows, at-m.bias)
	if row.CFA == CFANone {
		return row, fmt.Errorf("%s: %w", p.where(pc), noRule{row.Reason()})
	}
	return row, nil
}

func (p *process) mapping(pc uint64) *loaded {
	for i := range p.mappings {
		if m := &p.mappings[i]; pc >= m.Start && pc < m.End {
			return m
		}
	}
	return nil
}

func (p *process) where(pc uint64) string {
	if m := p.mapping(pc); m != nil {
		return fmt.Sprintf("%s+%#x", m.Path, pc-m.bias)
	}
	return fmt.Sprintf("%#x", pc)
}

// step takes a row's step. It returns where the return address was.
func (p *process) step(row Row, r registers) (uint64, registers, error) {
	cfa, err := p.cfa(row, r)
	if err != nil {
		return 0, r, err
	}
	if cfa <= r.sp {
		return 0, r, fmt.Errorf("CFA %#x is not above sp %#x", cfa, r.sp)
	}
	next := registers{sp: cfa, other: map[uint16]uint64{}}
	if next.pc, err = p.word(cfa - 8); err != nil {
		return 0, r, err
	}
	fp, known := r.other[fpNumber]
	switch row.FP {
	case FPAtCFA:
		known = true
		fp, err = p.word(cfa + uint64(int64(row.FPOffset)))
	case FPAtFP:
		if known {
			fp, err = p.word(fp + uint64(int64(row.FPOffset)))
		}
	case FPUnknown:
		known = false
	}
	if known {
		next.other[fpNumber] = fp
	}
	return cfa - 8, next, err
}

func (p *process) cfa(row Row, r registers) (uint64, error) {
	n, k := uint64(int64(row.CFAOffset)), uint64(row.Add)
	register := func(number uint16) (uint64, error) {
		if v, ok := r.other[number]; ok {
			return v, nil
		}
		return 0, fmt.Errorf("register %d is not known", number)
	}
	deref := func(base uint64) (uint64, error) {
		v, err := p.word(base + n)
		return v + k, err
	}
	switch row.CFA {
	case CFASP:
		return r.sp + n, nil
	case CFAPLT:
		if r.pc&15 >= k {
			n += 8
		}
		return r.sp + n, nil
	case CFASPDeref:
		return deref(r.sp)
	case CFASPIndexed:
		index, err := register(x86R9)
		if err != nil {
			return 0, err
		}
		return deref(r.sp + 8*index)
	case CFARegister:
		v, err := register(row.Add)
		return v + n, err
	}
	fp, err := register(fpNumber)
	if err != nil {
		return 0, err
	}
	if row.CFA == CFAFPDeref {
		return deref(fp)
	}
	return fp + n, nil
}

// saved are the registers as a signal's frame has them from sp+40 on, by DWARF number.
var saved = []uint16{8, 9, 10, 11, 12, 13, 14, 15, 5, 4, fpNumber, 3, 1, 0, 2, 7, 16}

func (p *process) interrupted(sp uint64) (registers, error) {
	r := registers{other: map[uint16]uint64{}}
	for i, number := range saved {
		v, err := p.word(sp + 40 + 8*uint64(i))
		if err != nil {
			return registers{}, err
		}
		r.other[number] = v
	}
	r.sp, r.pc = r.other[7], r.other[16]
	return r, nil
}

// isCall reports whether an address follows a call: e8 with four bytes, or ff /2 with none
// to five. A signal's handler returns to what restores the registers.
func (p *process) isCall(pc uint64) bool {
	if row, err := p.row(pc, false); err == nil && row.CFA == CFASignal {
		return true
	}
	b := make([]byte, 7)
	if _, err := p.memory.ReadAt(b, int64(pc)-7); err != nil {
		return false
	}
	if b[2] == 0xe8 {
		return true
	}
	for i := range 6 {
		if b[i] == 0xff && b[i+1]>>3&7 == 2 {
			return true
		}
	}
	return false
}

func (p *process) word(addr uint64) (uint64, error) {
	b := make([]byte, 8)
	if _, err := p.memory.ReadAt(b, int64(addr)); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}
