package symbol

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// allocated returns how many bytes f allocates, kept or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// checkTable checks what a lookup relies on.
func checkTable(t *testing.T, table table) {
	t.Helper()
	for i, p := range table.pieces {
		if p.size == 0 || uint64(p.into)+uint64(p.size) > uint64(p.whole) {
			t.Fatalf("piece %d is %+v", i, p)
		}
		if i > 0 && table.pieces[i-1].start+uint64(table.pieces[i-1].size) > p.start {
			t.Fatalf("piece %d is %+v, behind %+v", i, p, table.pieces[i-1])
		}
		if f, ok := table.find(p.start + uint64(p.size) - 1); !ok || f.Name == "" {
			t.Fatalf("the end of piece %d is %+v", i, f)
		}
	}
}

func FuzzObject(f *testing.F) {
	files, err := filepath.Glob("testdata/tiny*")
	if err != nil || len(files) < 6 {
		f.Fatal(files, err)
	}
	for _, path := range files {
		if data, err := os.ReadFile(path); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Open(bytes.NewReader(data), Source{Path: "/lib/fuzz.so"})
		if err != nil {
			return
		}
		for addr := uint64(0); addr < 0x1000; addr += 0x31 {
			if o.Name(addr).Name == "" {
				t.Fatalf("%#x has no name", addr)
			}
		}
		o.Name(1<<64 - 1)
		o.Address(1<<64 - 1)
		checkTable(t, o.table)
	})
}

// A sparse is a file of any size that costs its writer nothing: what head has, and
// from tables on whatever fill makes of the offset there.
type sparse struct {
	head []byte
	fill func(off int64) byte
}

const tables = 1 << 20

func (s sparse) ReadAt(b []byte, off int64) (int, error) {
	for i := range b {
		b[i] = 0
		if at := off + int64(i) - tables; at >= 0 {
			b[i] = s.fill(at)
		}
	}
	if off < int64(len(s.head)) {
		copy(b, s.head[off:])
	}
	return len(b), nil
}

// fillers write what means the most, read as any table.
func fillers() map[string]func(off int64) byte {
	all := map[string]func(off int64) byte{}
	for _, fill := range []byte{0x00, 0x01, 0x12, 0x68, 0xff} {
		all[fmt.Sprintf("%#x", fill)] = func(int64) byte { return fill }
	}
	records := func(name string, first, other []byte, number int64, of func(record int64) int64) {
		size := int64(len(other))
		all[name] = func(off int64) byte {
			at := off % size
			switch {
			case off < int64(len(first)):
				return first[off]
			case at >= number && at < number+4:
				return byte(of(off/size) >> (8 * (at - number)))
			}
			return other[at]
		}
	}
	function := [symbolSize]byte{0: 4, 4: 0x12, 6: 1, 16: 40} // a name, global, a section, a size
	records("functions", nil, function[:], 8, func(i int64) int64 { return 16 * i })
	stub := []byte{0x68, 0, 0, 0, 0, 0xe9, 0, 0} // push, jmp
	records("stubs", nil, stub, 1, func(i int64) int64 { return i })
	cie := [24]byte{0: 20, 8: 1}
	fde := [24]byte{0: 20, 8: 1, 16: 9} // the address 1, 9 bytes
	records("call frames", cie[:], fde[:], 4, func(i int64) int64 { return 24*i + 4 })
	return all
}

// header makes the headers of an object with every section that is read, each as
// large as it can be made to claim, and all of memory executable.
func header(size uint64) []byte {
	names := "\x00.symtab\x00.strtab\x00.dynsym\x00.gnu.version\x00.gnu.version_d\x00.eh_frame\x00.plt\x00.rela.plt\x00.gnu_debugdata\x00"
	sections := []elf.Section64{
		{},
		{Type: uint32(elf.SHT_SYMTAB), Link: 2, Name: 1},
		{Type: uint32(elf.SHT_STRTAB), Name: 9},
		{Type: uint32(elf.SHT_DYNSYM), Link: 2, Name: 17},
		{Type: uint32(elf.SHT_GNU_VERSYM), Name: 25},
		{Type: uint32(elf.SHT_GNU_VERDEF), Name: 38},
		{Type: uint32(elf.SHT_PROGBITS), Name: 53},
		{Type: uint32(elf.SHT_PROGBITS), Name: 63, Entsize: 8},
		{Type: uint32(elf.SHT_RELA), Name: 68},
		{Type: uint32(elf.SHT_PROGBITS), Name: 78},
	}
	for i := range sections {
		sections[i].Size, sections[i].Off = size, tables
	}
	sections = append(sections, elf.Section64{Type: uint32(elf.SHT_STRTAB), Off: 4096, Size: uint64(len(names))})
	h := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)}, Machine: uint16(elf.EM_X86_64),
		Phoff: 64, Phentsize: 56, Phnum: 1, Shoff: 256, Shentsize: 64, Shnum: uint16(len(sections)), Shstrndx: uint16(len(sections) - 1),
	}
	var b bytes.Buffer
	for _, part := range []any{h, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_X), Memsz: 1<<64 - 1, Filesz: 1<<64 - 1}} {
		_ = binary.Write(&b, binary.LittleEndian, part)
	}
	b.Write(make([]byte, 256-b.Len()))
	_ = binary.Write(&b, binary.LittleEndian, sections)
	b.Write(make([]byte, 4096-b.Len()))
	b.WriteString(names)
	return b.Bytes()
}

// Tables as large as they are read, of bytes that mean the most: every symbol a
// function, every name of the longest, every relocation and call frame one more.
func TestHostileSizesStayBounded(t *testing.T) {
	most := 0
	for _, size := range []uint64{1 << 60, maxStrings, maxSection, maxSymbols * symbolSize} {
		for name, fill := range fillers() {
			if testing.Short() && (size != maxSymbols*symbolSize || name != "functions") {
				continue // slow under the race detector
			}
			began := time.Now()
			used := allocated(func() {
				o, err := Open(sparse{header(size), fill}, Source{Path: "/lib/hostile.so"})
				if err != nil {
					t.Fatal(err)
				}
				o.Name(0x1212121212121212)
				checkTable(t, o.table)
				most = max(most, len(o.table.pieces), len(o.frames))
			})
			if used > 512<<20 {
				t.Errorf("sections of %d bytes of %s take %d MiB", size, name, used>>20)
			}
			if used > 100<<20 {
				t.Logf("sections of %d bytes of %s take %d MiB, %v", size, name, used>>20, time.Since(began))
			}
		}
	}
	if most < 100_000 {
		t.Errorf("the largest table has %d entries", most)
	}
}

// Names that overlap in the string table must not be multiplied.
func TestOverlappingNamesStayBounded(t *testing.T) {
	var symbols []symbol
	long := string(bytes.Repeat([]byte("a"), maxName))
	for i := range uint64(maxSymbols) {
		symbols = append(symbols, symbol{start: 1 + i*16, size: 16, name: long})
	}
	table := build(symbols, func(start uint64) uint64 { return start })
	if len(table.names) > maxStrings || len(table.pieces) == 0 {
		t.Errorf("%d bytes of names, %d pieces", len(table.names), len(table.pieces))
	}
	checkTable(t, table)
}

func TestNoObject(t *testing.T) {
	elf32 := bytes.Clone(header(0))
	elf32[elf.EI_CLASS] = byte(elf.ELFCLASS32)
	many := bytes.Clone(header(0))
	binary.LittleEndian.PutUint16(many[56:], 0xffff) // program headers
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("#!/bin/sh\n"), "a cut header": header(0)[:40], "32 bits": elf32, "too many segments": many,
	} {
		if o, err := Open(bytes.NewReader(data), Source{Path: "/bin/none"}); err == nil {
			t.Errorf("%s is an object: %+v", name, o)
		}
	}
}
