package symbol

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The recorded objects of testdata/tiny.c.
const (
	tiny     = "testdata/tiny.so"          // .symtab
	stripped = "testdata/tiny-stripped.so" // the same code
	mini     = "testdata/tiny-mini.so"     // stripped, with .gnu_debugdata
	detached = "testdata/tiny.debug"       // its debug file
)

// openTiny opens an object as its process would see it at /lib/tiny.so.
func openTiny(t testing.TB, path string, roots ...string) *Object {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Open(file, Source{Path: "/lib/tiny.so", Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

// addresses returns where the symbols of tiny.so are, as debug/elf reads them.
func addresses(t *testing.T) map[string]elf.Symbol {
	t.Helper()
	f, err := elf.Open(tiny)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]elf.Symbol{}
	for _, s := range all {
		at[s.Name] = s
	}
	return at
}

// textOf returns the range of an object's code, PLT included.
func textOf(t *testing.T, path string) (from, to uint64) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	from = f.Section(".plt").Addr
	return from, f.Section(".text").Addr + f.Section(".text").Size
}

func TestNamesOfEveryKind(t *testing.T) {
	at := addresses(t)
	sub := func(name string) string { return fmt.Sprintf("tiny.so!sub_%x", at[name].Value) }
	behind := fmt.Sprintf("tiny.so!%#x", at["bare_framed"].Value+4)
	for _, c := range []struct {
		symbol     string
		off        uint64
		full, bare string // with .symtab, and stripped
		exact      bool   // with .symtab
	}{
		{"hidden_add", 0, "hidden_add", sub("hidden_add"), true},
		{"hidden_add", at["hidden_add"].Size - 1, "hidden_add", sub("hidden_add"), true},
		{"hidden_mul", 1, "hidden_mul", sub("hidden_mul"), true},
		{"pick_fast", 1, "pick_fast", sub("pick_fast"), true},
		{"__shout", 0, "shout", "shout", true}, // weak, and the public name
		{"greet_old", 0, "greet@TINY_1", "greet@TINY_1", true},
		{"greet_new", 2, "greet", "greet", true}, // greet@@TINY_2
		{"pick", 0, "pick", sub("pick"), true},   // an IFUNC's resolver
		{"bare_framed", 0, "bare_framed", "bare_framed", false},
		{"bare_framed", 3, "bare_framed", "bare_framed", false},
		{"bare_framed", 4, behind, behind, false}, // behind its call frames
		{"bare_unframed", 3, "bare_unframed", "bare_unframed", false},
		{"sized", 0, "sized", "sized", true},
		{"inner_label", 0, "sized", "sized", true}, // a label counts for less than a size
	} {
		s, ok := at[c.symbol]
		if !ok {
			t.Fatalf("%s is not in %s", c.symbol, tiny)
		}
		for path, want := range map[string]string{tiny: c.full, stripped: c.bare} {
			got := openTiny(t, path).Name(s.Value + c.off)
			if got.Name != want {
				t.Errorf("%s: %s+%d is %+v, want %s", path, c.symbol, c.off, got, want)
			}
			if path == tiny && got.Exact != c.exact {
				t.Errorf("%s: %s+%d is %+v", path, c.symbol, c.off, got)
			}
		}
	}
}

func TestStaticFunctionsOfStrippedObjects(t *testing.T) {
	first, second := openTiny(t, stripped), openTiny(t, stripped)
	for _, name := range []string{"hidden_add", "hidden_mul", "pick_fast", "pick_resolver"} {
		s := addresses(t)[name]
		want := Function{Name: fmt.Sprintf("tiny.so!sub_%x", s.Value), Start: s.Value, Size: s.Size}
		for _, addr := range []uint64{s.Value, s.Value + s.Size/2, s.Value + s.Size - 1} {
			if a, b := first.Name(addr), second.Name(addr); a != want || b != want {
				t.Errorf("%s at %#x is %+v and %+v, want %+v", name, addr, a, b, want)
			}
		}
		if got := first.Name(s.Value + s.Size); got.Name == want.Name {
			t.Errorf("%s goes on at %#x", name, s.Value+s.Size)
		}
	}
}

// Where libc's debug file is installed, it tells how many of libc's static functions
// are found without it.
func TestStaticFunctionsOfLibc(t *testing.T) {
	eachObject(t, func(t *testing.T, path string, with *Object, debug string) {
		if debug == "" {
			t.Skip("no debug file")
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		without, err := Open(file, Source{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		static, named := 0, 0
		for _, f := range readelf(t, debug) {
			known := without.Name(f.start)
			if f.bind != "LOCAL" || f.size == 0 || known.Symbol != "" {
				continue
			}
			static++
			want := fmt.Sprintf("%s!sub_%x", baseName(path), f.start)
			if known.Name == want && without.Name(f.start+f.size-1).Name == want {
				named++
			}
		}
		t.Logf("%d of %d static functions, by their call frames", named, static)
		if static < 1000 || named*100 < static*98 {
			t.Errorf("%d of %d static functions", named, static)
		}
	})
}

// same checks every address of the code of two objects.
func same(t *testing.T, got, want *Object, but ...string) {
	t.Helper()
	from, to := textOf(t, tiny)
	n := 0
	for addr := from; addr < to; addr++ {
		g, w := got.Name(addr), want.Name(addr)
		if g != w && !strings.Contains(strings.Join(but, " "), w.Name) {
			t.Errorf("%#x is %+v, want %+v", addr, g, w)
		}
		n += truth(w.Exact)
	}
	if n < 90 {
		t.Errorf("%d addresses have a symbol", n)
	}
}

func TestMiniDebugInfo(t *testing.T) {
	same(t, openTiny(t, mini), openTiny(t, tiny), "pick", "pick@plt")
	if at := addresses(t)["hidden_mul"].Value; openTiny(t, mini).Name(at).Name != "hidden_mul" {
		t.Error("hidden_mul has no name")
	}
}

// install puts a file where the debug file of tiny is looked for, below a root.
func install(t *testing.T, id string, put func(path string) error) (root string) {
	t.Helper()
	root = t.TempDir()
	path := filepath.Join(root, debugDir, id[:2], id[2:]+".debug")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := put(path); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestDebugFileOfTheSecondRoot(t *testing.T) {
	id := openTiny(t, stripped).BuildID()
	data, err := os.ReadFile(detached)
	if err != nil {
		t.Fatal(err)
	}
	root := install(t, id, func(path string) error { return os.WriteFile(path, data, 0o644) })
	o := openTiny(t, stripped, "/nowhere", t.TempDir(), root)
	os.RemoveAll(root) // a root in /proc goes away with its process
	same(t, o, openTiny(t, tiny))
}

func TestDebugFilesThatAreNone(t *testing.T) {
	id := openTiny(t, stripped).BuildID()
	outside, err := filepath.Abs(detached)
	if err != nil {
		t.Fatal(err)
	}
	for name, put := range map[string]func(path string) error{
		"a FIFO":          func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"a directory":     func(path string) error { return os.Mkdir(path, 0o755) },
		"a link out":      func(path string) error { return os.Symlink(outside, path) },
		"another build":   func(path string) error { return copyFile("testdata/tiny-ibt.so", path) },
		"not ELF at all":  func(path string) error { return os.WriteFile(path, []byte("#!/bin/sh"), 0o644) },
		"an empty file":   func(path string) error { return os.WriteFile(path, nil, 0o644) },
		"a dangling link": func(path string) error { return os.Symlink("gone", path) },
	} {
		t.Run(name, func(t *testing.T) {
			same(t, openTiny(t, stripped, install(t, id, put)), openTiny(t, stripped))
		})
	}
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
