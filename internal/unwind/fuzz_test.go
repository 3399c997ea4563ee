package unwind

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"runtime"
	"testing"
	"time"
)

// wantOrder wants of rows whatever they were read from: they are sorted, merged, within what
// is code, and name a reason where they have no rule.
func wantOrder(t *testing.T, rows []Row, code []span) {
	t.Helper()
	for i, r := range rows {
		if i > 0 && (rows[i-1].PC >= r.PC || rows[i-1].sameRules(r)) {
			t.Fatalf("row %d: %+v follows %+v", i, r, rows[i-1])
		}
		inside := false
		for _, s := range code {
			inside = inside || uint64(r.PC) >= s.start && uint64(r.PC) <= s.end
		}
		if !inside {
			t.Fatalf("row %d: %+v is not in code", i, r)
		}
		if r.CFA > CFASPIndexed || r.FP > FPAtFP || r.CFA == CFANone && r.Reason() > OddFrameEntry {
			t.Fatalf("row %d: odd rule %+v", i, r)
		}
	}
	if n := len(rows); n > 0 && rows[n-1] != (Row{PC: rows[n-1].PC}) {
		t.Fatalf("the last row is no gap: %+v", rows[n-1])
	}
}

// FuzzTable reads .eh_frame of chance.
func FuzzTable(f *testing.F) {
	f.Add([]byte{}, true)
	var b tableOf
	b.addX86()
	b.addEntry(at, 64, 0x41, 0x0e, 16, 0x0a, 0x42, 0x0f, 5, 0x77, 24, 0x06, 0x23, 8, 0x42, 0x0b)
	f.Add(bytes.Clone(b.Bytes()), true)
	b.addCIE("zPLR", []byte{0x9b, 1, 2, 3, 4, 0x1b, 0x1b}, 30, 0x0c, 31, 0)
	b.addEntry(at+64, 64, 0x44, 0x2d)
	f.Add(bytes.Clone(b.Bytes()), false)
	if recorded, err := elf.Open("testdata/rules.so"); err == nil {
		if data, addr, err := frameTable(recorded); err == nil && addr < 1<<16 {
			f.Add(data, true)
		}
		recorded.Close()
	}
	f.Fuzz(func(t *testing.T, data []byte, amd64 bool) {
		a := arm
		if amd64 {
			a = x86
		}
		code := []span{{0, 0x800}, {codeAt, codeEnd}}
		rows, err := table{data, ehAt, a, code}.parse()
		if err != nil {
			t.Fatal(err) // so few bytes are not too many rows
		}
		// An entry has 4 bytes of head at least, and an instruction 1.
		if len(rows) > len(data)+1 {
			t.Fatalf("%d rows of %d bytes", len(rows), len(data))
		}
		wantOrder(t, rows, code)
	})
}

// FuzzObject reads objects of chance.
func FuzzObject(f *testing.F) {
	var b tableOf
	b.addX86()
	b.addEntry(at, 16, 0x41, 0x0e, 16)
	for _, sections := range []bool{true, false} {
		f.Add(image{machine: elf.EM_X86_64, table: b.Bytes(), sections: sections}.bytes())
		f.Add(image{machine: elf.EM_AARCH64, table: b.Bytes(), sections: sections}.bytes())
	}
	if recorded, err := os.ReadFile("testdata/rules.so"); err == nil {
		f.Add(recorded)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := elf.NewFile(bytes.NewReader(data))
		if err != nil {
			return
		}
		Mapping{Start: 1 << 40, End: 1<<40 + 4096, Offset: 4096}.Bias(file)
		code, _ := codeOf(file)
		rows, err := Rows(file)
		if err == nil {
			wantOrder(t, rows, code)
		}
	})
}

// FuzzMapping reads lines of chance.
func FuzzMapping(f *testing.F) {
	f.Add("55e8d6a4d000-55e8d6b4d000 r-xp 0002d000 fe:01 1835                       /usr/sbin/nginx (deleted)")
	f.Add("7fff5d9f0000-7fff5d9f2000 r-xp 00000000 00:00 0 [vdso]")
	f.Fuzz(func(t *testing.T, line string) {
		m, executable, err := parseMapping(line)
		if executable && (err != nil || m.Start >= m.End || m.Anonymous && (m.VDSO || m.Deleted)) {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// TestHostileTables is of tables that would take long, or much, if they were read naively.
func TestHostileTables(t *testing.T) {
	const size = 8 << 20
	record := func(id uint32, body []byte) []byte {
		b := binary.LittleEndian.AppendUint32(nil, uint32(len(body)+4))
		return append(binary.LittleEndian.AppendUint32(b, id), body...)
	}
	var head tableOf
	head.addX86()
	code := []span{{codeAt, 1 << 31}}
	entry := func(instructions []byte) []byte {
		b := bytes.Clone(head.Bytes())
		at := len(b) + 4
		body := binary.LittleEndian.AppendUint32(nil, uint32(codeAt-(ehAt+at+4)))
		body = binary.LittleEndian.AppendUint32(body, 1<<31-codeAt)
		return append(b, record(uint32(at), append(append(body, 0), instructions...))...)
	}
	var far []byte // a row for each 3 bytes, and more than are taken
	for range 3 * maxRows {
		far = append(far, 0x41, 0x0e, byte(len(far)/3%2+1))
	}
	many := func(each []byte) []byte { return bytes.Repeat(each, size/len(each)) }
	// A CIE with much to say, and many entries of it: its own part is run once.
	var shared tableOf
	shared.addCIE("zR", []byte{3}, 16, append([]byte{0x0c, 7, 8, 0x80 | 16, 1}, make([]byte, size/2)...)...)
	for pc := uint32(codeAt); pc < codeEnd; pc++ {
		body := binary.LittleEndian.AppendUint32(nil, pc)
		shared.record(uint32(shared.Len()+4), append(binary.LittleEndian.AppendUint32(body, 1), 0))
	}
	for name, data := range map[string][]byte{
		"too many rows":   entry(far),
		"rows":            entry(many([]byte{0x41, 0x0e, 16, 0x41, 0x0e, 24, 0, 0, 0, 0})),
		"remembered":      entry(many([]byte{0x0a})),
		"nested":          entry(many([]byte{0x0a, 0x0b})),
		"nothing":         entry(many([]byte{0x00})),
		"no step":         entry(many([]byte{0x40})),
		"long expression": entry(append([]byte{0x0f, 0x80, 0x80, 0x80, 0x02}, many([]byte{0x77, 8, 0x41})...)),
		"long number":     entry(append([]byte{0x0e}, many([]byte{0x80})...)),
		"long letters":    record(0, append([]byte{1}, many([]byte("z"))...)),
		"all CIEs":        many(record(0, []byte{1, 0, 1, 0x78, 16})),
		"shared CIE":      shared.Bytes(),
		"zeros":           many([]byte{0}),
		"ones":            many([]byte{0xff}),
	} {
		began := time.Now()
		rows, err := parseCounted(t, data, code)
		took := time.Since(began)
		if many := name == "too many rows"; many != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			wantOrder(t, rows, code)
		}
		t.Logf("%s: %d rows in %v, %v", name, len(rows), took, err)
		// 8 MiB of libcrypto's kind take 150 ms; the machine may be busy.
		if took > 20*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// parseCounted parses a table, and wants what it allocates to be in proportion.
func parseCounted(t *testing.T, data []byte, code []span) ([]Row, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rows, err := table{data, ehAt, x86, code}.parse()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > min(40*uint64(len(data)), 300<<20) {
		t.Errorf("allocates %d MiB for %d MiB", n>>20, len(data)>>20)
	}
	return rows, err
}
