package symbol

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/unwind"
)

// loadedIn opens the objects of a process, without their debug files.
func loadedIn(t *testing.T, pid int) []Loaded {
	t.Helper()
	mappings, err := unwind.Mappings(pid)
	if err != nil {
		t.Fatal(err)
	}
	var all []Loaded
	for _, m := range mappings {
		if m.Anonymous && !m.VDSO {
			continue
		}
		file, err := unwind.Open(pid, m)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bias, ok := m.Bias(f)
		if !ok {
			t.Fatalf("%s has no bias", m.Path)
		}
		o, err := Open(file, Source{Path: m.Path})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Loaded{o, bias})
	}
	return all
}

// What a process's IFUNCs chose, compared with the symbols of libc's debug file, which
// has each choice under the name of what it implements: __memcpy_avx_unaligned.
func TestResolveAgreesWithDebugFile(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skip(err)
	}
	pid := echo(t, cat)
	loaded := loadedIn(t, pid)
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Skip(err)
	}
	defer memory.Close()
	Resolve(memory, loaded)
	chosen := 0
	for _, l := range loaded {
		if len(l.Object.resolved) == 0 {
			continue
		}
		chosen += len(l.Object.resolved)
		debug := openDebug(l.Object.image, l.Object.BuildID(), []string{"/"})
		if debug == nil {
			t.Logf("%s has no debug file; chosen are %v", l.Object.path, l.Object.resolved)
			continue
		}
		names := map[uint64]string{}
		for _, f := range readelf(t, debug.(*os.File).Name()) {
			names[f.start] += " " + f.name
		}
		for start, name := range l.Object.resolved {
			if !strings.Contains(names[start], "__"+name+"_") {
				t.Errorf("%s at %#x is%s", name, start, names[start])
			}
			got := l.Object.Name(start + 1)
			if got.Name != name || got.Start != start || got.Size == 0 || got.Exact {
				t.Errorf("%s is %+v", name, got)
			}
		}
		t.Logf("%s: %v", l.Object.path, l.Object.resolved)
	}
	if chosen < 10 {
		t.Errorf("%d IFUNCs were resolved", chosen)
	}
}

// Memory that cannot be read, or points anywhere, names nothing wrongly.
func TestResolveOfHostileMemory(t *testing.T) {
	var libc *Object
	eachObject(t, func(_ *testing.T, path string, o *Object, debug string) {
		if debug == "" && baseName(path) == "libc.so.6" {
			libc = o
		}
	})
	if libc == nil {
		t.Skip("no libc")
	}
	for _, memory := range []*bytes.Reader{bytes.NewReader(nil), bytes.NewReader(make([]byte, 8<<20)), bytes.NewReader(bytes.Repeat([]byte{0xff}, 8<<20))} {
		Resolve(memory, []Loaded{{libc, 0}, {libc, 1 << 63}})
	}
	if len(libc.ifuncs) < 20 || len(libc.imports) < 20 || len(libc.resolved) > 0 {
		t.Errorf("%d IFUNCs, %d slots, %v", len(libc.ifuncs), len(libc.imports), libc.resolved)
	}
}
