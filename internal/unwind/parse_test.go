package unwind

import (
	"bytes"
	"debug/elf"
	"errors"
	"slices"
	"strings"
	"testing"
)

const at = codeAt

func sp(pc int, n int32) Row { return Row{PC: uint32(pc), CFA: CFASP, CFAOffset: n} }

func none(pc int, why Reason) Row { return Row{PC: uint32(pc), Add: uint16(why)} }

// TestTables is of what well-behaved tables do not have, and of how entries are put together.
func TestTables(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(*tableOf)
		want []Row
	}{
		{"a gap, and none between neighbours", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16)
			b.addEntry(at+16, 16)
			b.addEntry(at+48, 16)
		}, []Row{sp(at, 8), none(at+32, NoEntry), sp(at+48, 8), none(at+64, NoEntry)}},
		{"out of order", func(b *tableOf) {
			b.addX86()
			b.addEntry(at+64, 16, 0x0e, 24)
			b.addEntry(at, 16)
		}, []Row{sp(at, 8), none(at+16, NoEntry), sp(at+64, 24), none(at+80, NoEntry)}},
		{"one inside another", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 64, 0x40|40, 0x0e, 16)
			b.addEntry(at+16, 16, 0x0e, 24)
		}, []Row{sp(at, 8), sp(at+16, 24), none(at+32, NoEntry)}},
		{"beyond its end", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x40|8, 0x0e, 16, 0x40|8, 0x0e, 24, 0x40|8, 0x0e, 32)
		}, []Row{sp(at, 8), sp(at+8, 16), none(at+16, NoEntry)}},
		{"no code there", func(b *tableOf) {
			b.addX86()
			b.addEntry(at-0x10000-64, 16)
			b.addEntry(codeEnd-8, 16)
			b.addEntry(at, 0)
			b.addEntry(at, 16)
		}, []Row{sp(at, 8), none(at+16, NoEntry)}},
		{"an instruction that is none", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x40|4, 0x0e, 16, 0x40|4, 0x3f, 0x0e, 24)
		}, []Row{sp(at, 8), sp(at+4, 16), none(at+8, OddFrameEntry), none(at+16, NoEntry)}},
		{"an instruction without its operand", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x40|4, 0x40|1, 0x40|1, 0x40|1, 0x40|1, 0x0e, 0x80)
		}, []Row{sp(at, 8), none(at+8, OddFrameEntry), none(at+16, NoEntry)}},
		{"back to a lower address", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x40|4, 0x0e, 16, 0x01, 0, 0, 0, 0, 0x0e, 24)
		}, []Row{sp(at, 8), none(at+4, OddFrameEntry), none(at+16, NoEntry)}},
		{"a state that was not remembered", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x40|4, 0x0b)
		}, []Row{sp(at, 8), none(at+4, OddFrameEntry), none(at+16, NoEntry)}},
		{"too many states remembered", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, append([]byte{0x40 | 4}, bytes.Repeat([]byte{0x0a}, maxRemembered+1)...)...)
		}, []Row{sp(at, 8), none(at+4, OddFrameEntry), none(at+16, NoEntry)}},
		{"states nested", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x0a, 0x0e, 16, 0x0a, 0x0e, 24, 0x40|4, 0x0b, 0x40|4, 0x0b)
		}, []Row{sp(at, 24), sp(at+4, 16), sp(at+8, 8), none(at+16, NoEntry)}},
		{"a CFA that does not fit", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x40|4, 0x0e, 16)
		}, []Row{none(at, OddCFA), sp(at+4, 16), none(at+16, NoEntry)}},
		{"a frame pointer that does not fit", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x86, 0xff, 0xff, 0xff, 0xff, 0x0f)
		}, []Row{{PC: at, CFA: CFASP, CFAOffset: 8, FP: FPUnknown}, none(at+16, NoEntry)}},
		{"expressions that do not fit", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16,
				0x0f, 7, 0x77, 0, 0x06, 0x23, 0x80, 0x80, 0x04, 0x40|1, // plus_uconst 65536
				0x0f, 7, 0x77, 0x80, 0x80, 0x80, 0x80, 0x10, 0x06, 0x40|1, // breg7 1<<32; deref
				0x0f, 11, 0x76, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22, 0x40|1, // .plt's, but of rbp
				0x0f, 11, 0x77, 8, 0x79, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22, 0x40|1, // .plt's, but of r9
				0x0f, 10, 0x77, 8, 0x7a, 0, 0x38, 0x1e, 0x22, 0x06, 0x23, 8) // indexed by r10
		}, []Row{none(at, OddCFA), none(at+16, NoEntry)}},
		{"expressions that are registers", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x0f, 2, 0x77, 24, 0x40|4, 0x0f, 2, 0x76, 0x70, 0x40|4, 0x0f, 2, 0x70, 0)
		}, []Row{sp(at, 24), {PC: at + 4, CFA: CFAFP, CFAOffset: -16}, none(at+8, OddCFA), none(at+16, NoEntry)}},
		{"a register after an expression", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x0e, 16, 0x0f, 3, 0x77, 24, 0x06, 0x40|4, 0x0e, 32, 0x40|4, 0x0d, 6, 0x40|4, 0x0f, 3, 0x77, 24, 0x06, 0x0c, 7, 8)
		}, []Row{
			{PC: at, CFA: CFASPDeref, CFAOffset: 24}, // an offset changes nothing
			{PC: at + 8, CFA: CFAFP, CFAOffset: 32}, sp(at+12, 8), none(at+16, NoEntry),
		}},
		{".plt", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 64, 0x0e, 16, 0x40|6, 0x0e, 24, 0x40|10, 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3a, 0x2a, 0x33, 0x24, 0x22)
		}, []Row{sp(at, 16), sp(at+6, 24), {PC: at + 16, CFA: CFAPLT, CFAOffset: 8, Add: 10}, none(at+64, NoEntry)}},
		{"too many CIEs", func(b *tableOf) {
			for range maxCIEs {
				b.addX86()
			}
			b.addEntry(at, 16)
			b.addX86()
			b.addEntry(at+32, 16)
		}, []Row{sp(at, 8), none(at+16, NoEntry)}},
		{"a stack pointer of its own", func(b *tableOf) {
			b.addX86()
			b.addEntry(at, 16, 0x09, 7, 8, 0x40|4, 0x08, 7)
		}, []Row{none(at, OddCFA), sp(at+4, 8), none(at+16, NoEntry)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b tableOf
			test.make(&b)
			got, err := image{machine: elf.EM_X86_64, table: b.Bytes(), sections: true}.rows(t)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

// TestCIEs is of the forms that CIEs have, each with one entry.
func TestCIEs(t *testing.T) {
	initial := []byte{0x0c, 7, 8, 0x80 | 16, 1}
	usable := []Row{sp(at, 8), none(at+16, NoEntry)}
	odd := []Row{none(at, OddFrameEntry), none(at+16, NoEntry)}
	for _, test := range []struct {
		name         string
		augmentation string
		data         []byte
		ra           byte
		instructions []byte
		want         []Row
	}{
		{"personality and language", "zPLR", []byte{0x9b, 1, 2, 3, 4, 0x1b, 0x1b}, 16, initial, usable},
		{"personality left out", "zPR", []byte{0xff, 0x1b}, 16, initial, usable},
		{"personality aligned", "zPR", []byte{0x50, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x1b}, 16, initial, usable},
		{"personality that is no pointer", "zPR", []byte{0x0d, 0x1b}, 16, initial, nil},
		{"a letter that is unknown", "zRX", []byte{0x1b, 7}, 16, initial, odd},
		{"no z", "eh", []byte{1, 2, 3, 4, 5, 6, 7, 8}, 16, initial, nil},
		{"no data", "zR", nil, 16, initial, nil},
		{"no instructions", "zR", []byte{0x1b}, 16, nil, []Row{none(at, OddReturn), none(at+16, NoEntry)}},
		{"another return address", "zR", []byte{0x1b}, 15, initial, odd},
		{"an address in it", "zR", []byte{0x1b}, 16, append(slices.Clone(initial), 0x41, 0x0e, 16), odd},
		{"an instruction that is none", "zR", []byte{0x1b}, 16, append(slices.Clone(initial), 0x3f), odd},
		{"addresses that only a process has", "zR", []byte{0x9b}, 16, initial, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b tableOf
			b.addCIE(test.augmentation, test.data, test.ra, test.instructions...)
			b.addEntry(at, 16)
			got, err := image{machine: elf.EM_X86_64, table: b.Bytes(), sections: true}.rows(t)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

// TestArm64 is all that is tested of arm64: what readelf would say of gcc's and clang's usual
// entries.
func TestArm64(t *testing.T) {
	var b tableOf
	b.addCIE("zR", []byte{0x1b}, 30, 0x0c, 31, 0)
	b.addEntry(at, 64,
		0x40|4, 0x2d, // paciasp
		0x40|4, 0x0e, 32, 0x80|29, 4, 0x80|30, 3, // stp x29, x30, [sp, -32]!
		0x40|4, 0x0d, 29, // mov x29, sp
		0x40|4, 0x0c, 31, 0, 0xc0|29, 0xc0|30, // ldp
		0x40|4, 0x80|30, 0x7f, // above the CFA
		0x40|4, 0x80|30, 2, 0x0c, 16, 0, // of x16
		0x40|4, 0x07, 30)
	got, err := image{machine: elf.EM_AARCH64, table: b.Bytes(), sections: true}.rows(t)
	want := []Row{
		sp(at, 0),
		{PC: at + 8, CFA: CFASP, CFAOffset: 32, Add: 3, FP: FPAtCFA, FPOffset: -32},
		{PC: at + 12, CFA: CFAFP, CFAOffset: 32, Add: 3, FP: FPAtCFA, FPOffset: -32},
		sp(at+16, 0),
		{PC: at + 20, CFA: CFASP, Add: 127},
		none(at+24, OddCFA),
		{PC: at + 28, CFA: CFAEnd},
		none(at+64, NoEntry),
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

// TestArm64Return is of return addresses that a row cannot tell of: above the CFA, or not at a
// multiple of 8 below it.
func TestArm64Return(t *testing.T) {
	var b tableOf
	b.addCIE("zR", []byte{0x1b}, 30, 0x0c, 31, 0)
	b.Bytes()[13] = 0x7c // data by -4, as clang has it
	b.addEntry(at, 64, 0x80|30, 4, 0x44, 0x80|30, 3, 0x44, 0x11, 30, 0x7e)
	got, err := image{machine: elf.EM_AARCH64, table: b.Bytes(), sections: true}.rows(t)
	want := []Row{{PC: at, CFA: CFASP, Add: 2}, none(at+4, OddReturn), none(at+64, NoEntry)}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

// TestObjects is of how .eh_frame is found, or not.
func TestObjects(t *testing.T) {
	var b tableOf
	b.addX86()
	b.addEntry(at, 16)
	table := b.Bytes()
	ended := append(slices.Clone(table), 0, 0, 0, 0)
	b.addEntry(at+16, 16)
	b.addEntry(at+32, 16)
	const x86 = elf.EM_X86_64
	for _, test := range []struct {
		name  string
		image image
		rows  int
		err   string
	}{
		{"section", image{machine: x86, table: table, sections: true}, 2, ""},
		{"section of its own type", image{machine: x86, table: table, sections: true, kind: 0x70000001}, 2, ""},
		{"program header", image{machine: x86, table: ended}, 2, ""},
		{"program header, for the section is not there", image{machine: x86, table: ended, sections: true, kind: uint32(elf.SHT_NOBITS)}, 2, ""},
		{"section shorter than it says", image{machine: x86, table: table, sections: true, size: 1 << 20}, 2, ""},
		{"section too long", image{machine: x86, table: table, sections: true, size: 1 << 40}, 0, "only 33554432 are supported"},
		{"too far", image{machine: x86, table: table, sections: true, vaddr: 1 << 32}, 0, "below 4 GiB"},
		{"nothing for execution", image{machine: x86, table: table, sections: true, data: true}, 0, ""},
		{"empty", image{machine: x86, table: []byte{0, 0, 0, 0}, sections: true}, 0, ""},
		{"another processor", image{machine: elf.EM_RISCV, table: table, sections: true}, 0, "EM_RISCV"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows, err := test.image.rows(t)
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("error %v: want %q", err, test.err)
			}
			if len(rows) != test.rows {
				t.Errorf("rows %+v: want %d", rows, test.rows)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		f := &elf.File{FileHeader: elf.FileHeader{Class: elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: x86}}
		if _, err := Rows(f); !errors.Is(err, ErrNoTable) {
			t.Error(err)
		}
	})
}
