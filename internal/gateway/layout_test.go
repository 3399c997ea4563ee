package gateway

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

func compatVersion(nginx string) Version {
	return Version{Nginx: nginx, ConfigureArgs: []string{"--with-compat"}, Compat: true}
}

// TestTableAgreesWithMeasurement compares the table with testdata/nginx-layout.md, which was
// measured apart from it.
func TestTableAgreesWithMeasurement(t *testing.T) {
	doc, err := os.ReadFile("testdata/nginx-layout.md")
	if err != nil {
		t.Fatal(err)
	}
	var versions []string
	compared := 0
	for line := range strings.Lines(string(doc)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `")
		}
		switch {
		case cells[0] == "field":
			versions = cells[1:]
			continue
		case len(cells) != len(versions)+1 || strings.HasPrefix(cells[0], "---"):
			continue
		}
		for i, version := range versions {
			layout, err := tableLayout(compatVersion(version), elf.EM_X86_64)
			if err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			found := false
			for tag, got := range layout.fields() {
				if tag != cells[0] {
					continue
				}
				found = true
				if strconv.Itoa(int(*got)) != cells[i+1] {
					t.Errorf("%s in %s is %d: measured %s", tag, version, *got, cells[i+1])
				}
			}
			if !found {
				t.Errorf("no field for %s", cells[0])
			}
			compared++
		}
	}
	if compared < 12*60 {
		t.Fatalf("compared %d offsets: the table was not read", compared)
	}
}

func TestTableLayout(t *testing.T) {
	tests := []struct {
		name     string
		version  Version
		machine  elf.Machine
		requests uint32 // ngx_connection_t.requests
		err      string
	}{
		{"a column", compatVersion("1.22.1"), elf.EM_X86_64, 216, ""},
		{"arm64 is LP64 too", compatVersion("1.22.1"), elf.EM_AARCH64, 216, ""},
		{"stable after its last mainline", compatVersion("1.20.2"), elf.EM_X86_64, 216, ""},
		{"just before the change", compatVersion("1.19.9"), elf.EM_X86_64, 208, ""},
		{"a future fix of a stable branch", compatVersion("1.28.9"), elf.EM_X86_64, 224, ""},
		{"too old", compatVersion("1.15.7"), elf.EM_X86_64, 0, "measured are 1.15.8 to"},
		{"too new", compatVersion("9.9.9"), elf.EM_X86_64, 0, "measured are 1.15.8 to"},
		{"no version", compatVersion(""), elf.EM_X86_64, 0, "version unknown"},
		{"no compat", Version{Nginx: "1.22.1"}, elf.EM_X86_64, 0, "--with-compat"},
		{
			"no PCRE",
			Version{Nginx: "1.22.1", Compat: true, ConfigureArgs: []string{"--with-compat", "--without-pcre"}},
			elf.EM_X86_64, 0, "PCRE",
		},
		{"32 bit", compatVersion("1.22.1"), elf.EM_386, 0, "no table"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := tableLayout(tt.version, tt.machine)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || l != (Layout{}) {
					t.Fatalf("got %v, %v: want an error with %q", l, err, tt.err)
				}
				return
			}
			if err != nil || l.Connection.Requests != tt.requests {
				t.Fatalf("requests at %d, %v: want %d", l.Connection.Requests, err, tt.requests)
			}
		})
	}
}

func TestTableIsSorted(t *testing.T) {
	for i, c := range layoutChanges[1:] {
		if layoutChanges[i].since.compare(c.since) >= 0 {
			t.Errorf("%v comes after %v", c.since, layoutChanges[i].since)
		}
		for name, v := range c.offsets {
			if _, ok := layoutChanges[0].offsets[name]; !ok {
				t.Errorf("%v names %s = %d, which the first entry lacks", c.since, name, v)
			}
		}
	}
}

// memory is a sparse image of a process.
type memory map[uint64]byte

func (m memory) put(addr, v uint64, size int) {
	p := binary.LittleEndian.AppendUint64(nil, v)
	for i := range size {
		m[addr+uint64(i)] = p[i]
	}
}

func (m memory) read(addr uint64, p []byte) error {
	for i := range p {
		b, ok := m[addr+uint64(i)]
		if !ok {
			return fmt.Errorf("no memory at %#x", addr)
		}
		p[i] = b
	}
	return nil
}

func TestCheck(t *testing.T) {
	l, err := tableLayout(compatVersion("1.22.1"), elf.EM_X86_64)
	if err != nil {
		t.Fatal(err)
	}
	const r, main, conn = 0x1000, 0x8000, 0x20000
	tests := []struct {
		name  string
		spoil func(memory)
		want  string // in the error; empty for none
	}{
		{"whole", func(memory) {}, ""},
		{"fake connection", func(m memory) { m.put(conn+24, 0xffffffff, 4) }, ""},
		{"HTTP/3", func(m memory) { m.put(r+984, 3000, 8) }, ""},
		{"signature", func(m memory) { m.put(r, 0xdead, 4) }, "signature is 0xdead"},
		{"null connection", func(m memory) { m.put(r+8, 0, 8) }, "connection is 0x0"},
		{"odd connection", func(m memory) { m.put(r+8, conn+1, 8) }, "connection is 0x20001"},
		{"version", func(m memory) { m.put(r+984, 1077, 8) }, "http_version is 1077"},
		{"main elsewhere", func(m memory) { m.put(r+1128, 0x90000, 8) }, "read signature of main"},
		{"fd", func(m memory) { m.put(conn+24, 0x7fffffff, 4) }, "connection.fd is 2147483647"},
		{"unmapped fd", func(m memory) { delete(m, conn+25) }, "read connection.fd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := memory{}
			m.put(r, requestSignature, 4)
			m.put(r+8, conn, 8)
			m.put(r+984, 1001, 8)
			m.put(r+1128, main, 8)
			m.put(main, requestSignature, 4)
			m.put(conn+24, 11, 4)
			tt.spoil(m)
			err := l.check(m.read, r)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("got %v: want %q", err, tt.want)
			}
		})
	}
}
