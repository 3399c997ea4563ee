package symbol

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// A counted is a file that counts what is read of it, and whether it was closed.
type counted struct {
	io.ReaderAt
	read, closed int
}

func (c *counted) ReadAt(b []byte, off int64) (int, error) {
	if c.closed > 0 {
		return 0, os.ErrClosed
	}
	n, err := c.ReaderAt.ReadAt(b, off)
	c.read += n
	return n, err
}

func (c *counted) Close() error {
	c.closed++
	return nil
}

func countedFile(t *testing.T, path string) *counted {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &counted{ReaderAt: bytes.NewReader(data)}
}

func TestSymbolsAreReadWithTheFirstAddress(t *testing.T) {
	file := countedFile(t, tiny)
	o, err := Open(file, Source{Path: tiny})
	if err != nil {
		t.Fatal(err)
	}
	headers := file.read
	if headers > 3000 || file.closed != 0 {
		t.Errorf("Open read %d bytes of %d, closed %d times", headers, 6536, file.closed)
	}
	at := addresses(t)["hidden_mul"].Value
	if got := o.Name(at); got.Name != "hidden_mul" || file.closed != 1 || file.read <= headers {
		t.Errorf("%+v, %d bytes read, closed %d times", got, file.read, file.closed)
	}
	all := file.read
	o.Name(at + 1)
	if err := o.Close(); err != nil || file.read != all || file.closed != 1 {
		t.Errorf("%d bytes more, closed %d times, %v", file.read-all, file.closed, err)
	}
	if got := o.Name(at); got.Name != "hidden_mul" {
		t.Errorf("after Close it is %+v", got)
	}
}

func TestCloseBeforeTheFirstAddress(t *testing.T) {
	file := countedFile(t, tiny)
	o, err := Open(file, Source{Path: tiny})
	if err != nil {
		t.Fatal(err)
	}
	o.Close()
	if got := o.Name(0x540); got != (Function{Name: "tiny.so!0x540", Start: 0x540}) || file.closed != 1 {
		t.Errorf("%+v, closed %d times", got, file.closed)
	}
}

func TestOpenClosesWhatIsNoObject(t *testing.T) {
	for _, open := range []func(io.ReaderAt, Source) (*Object, error){Open, new(Objects).Open} {
		file := &counted{ReaderAt: strings.NewReader("no object")}
		_, err := open(file, Source{Path: "/tmp/x"})
		if err == nil || !strings.Contains(err.Error(), "/tmp/x") || file.closed != 1 {
			t.Errorf("closed %d times, %v", file.closed, err)
		}
	}
}

// The file of an executable that was replaced while it runs is still open.
func TestDeletedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "openresty")
	if err := copyFile(stripped, path); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Open(file, Source{Path: path + " (deleted)"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s := addresses(t)["hidden_add"].Value
	if want, got := fmt.Sprintf("openresty!sub_%x", s), o.Name(s+1); got.Name != want {
		t.Errorf("%+v, want %s", got, want)
	}
}

func TestObjectsShare(t *testing.T) {
	var all Objects
	file := countedFile(t, tiny)
	first, err := all.Open(file, Source{Path: "/usr/lib/tiny.so"})
	if err != nil {
		t.Fatal(err)
	}
	copied := countedFile(t, tiny)
	second, err := all.Open(copied, Source{Path: "/other/container/tiny.so"})
	if err != nil || second != first || copied.closed != 1 {
		t.Errorf("a copy is another object, closed %d times, %v", copied.closed, err)
	}
	other, err := all.Open(countedFile(t, "testdata/tiny-ibt.so"), Source{Path: "/usr/lib/tiny.so"})
	if err != nil || other == first {
		t.Errorf("another build is the same object, %v", err)
	}
	if err := all.Close(); err != nil || file.closed != 1 {
		t.Errorf("closed %d times, %v", file.closed, err)
	}
}

// Without a build id, a file is known by what it is, and by when it changed.
func TestObjectsShareWithoutBuildID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tiny.so")
	run(t, "objcopy", "--remove-section=.note.gnu.build-id", tiny, path)
	var all Objects
	defer all.Close()
	open := func(file io.ReaderAt, err error) *Object {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		o, err := all.Open(file, Source{Path: "tiny.so"})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	first := open(os.Open(path))
	if first.BuildID() != "" {
		t.Fatalf("the build id is %s", first.BuildID())
	}
	if open(os.Open(path)) != first {
		t.Error("one file is two objects")
	}
	if open(countedFile(t, path), nil) == first {
		t.Error("bytes that cannot be told from others are the same object")
	}
	if err := os.Chmod(path, 0o600); err != nil { // changes ctime
		t.Fatal(err)
	}
	if open(os.Open(path)) == first {
		t.Error("a file that changed is the same object")
	}
}

func TestBuildID(t *testing.T) {
	eachObject(t, func(t *testing.T, path string, o *Object, _ string) {
		for _, line := range run(t, "readelf", "-n", path) {
			if want, ok := strings.CutPrefix(strings.TrimSpace(line), "Build ID: "); ok && want != o.BuildID() {
				t.Errorf("%s, want %s", o.BuildID(), want)
			}
		}
		if len(o.BuildID()) != 40 {
			t.Errorf("%q", o.BuildID())
		}
	})
}

// Without section headers, as in memory, segments have the build id and call frames.
func TestObjectWithoutSections(t *testing.T) {
	data, err := os.ReadFile(stripped)
	if err != nil {
		t.Fatal(err)
	}
	clear(data[40:48]) // e_shoff
	o, err := Open(bytes.NewReader(data), Source{Path: "/lib/tiny.so"})
	if err != nil {
		t.Fatal(err)
	}
	whole := openTiny(t, stripped)
	if o.BuildID() != whole.BuildID() || o.BuildID() == "" {
		t.Errorf("%q, want %q", o.BuildID(), whole.BuildID())
	}
	at := addresses(t)["hidden_mul"].Value
	if got, want := o.Name(at+2), whole.Name(at+2); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// mapping returns a mapping of this process with code, and its file offset.
func mapping(t *testing.T, path string) (start, end, offset uint64) {
	t.Helper()
	file, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for s := bufio.NewScanner(file); s.Scan(); {
		var perm, dev string
		var inode uint64
		if _, err := fmt.Sscanf(s.Text(), "%x-%x %s %x %s %d", &start, &end, &perm, &offset, &dev, &inode); err == nil &&
			strings.Contains(perm, "x") && strings.HasSuffix(s.Text(), path) {
			return start, end, offset
		}
	}
	t.Skipf("this process has no %s", path)
	return 0, 0, 0
}

func TestVDSO(t *testing.T) {
	start, end, _ := mapping(t, "[vdso]")
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Skip(err)
	}
	defer mem.Close()
	image := make([]byte, end-start)
	if _, err := mem.ReadAt(image, int64(start)); err != nil {
		t.Skip(err)
	}
	o, err := Open(bytes.NewReader(image), Source{Path: "[vdso]"})
	if err != nil {
		t.Fatal(err)
	}
	o.Name(0)
	names := map[string]bool{}
	for _, p := range o.table.pieces {
		names[o.Name(p.start).Name] = true
	}
	if !names["clock_gettime"] && !names["__kernel_clock_gettime"] || len(o.frames) == 0 {
		t.Errorf("%v, %d call frames", names, len(o.frames))
	}
	if id := o.BuildID(); id == "" {
		t.Error("no build id")
	}
	if addr, ok := o.Address(0x100); !ok || addr != 0x100 {
		t.Errorf("the address of 0x100 is %#x, %v", addr, ok)
	}
}

// This test's own executable: from a program counter through its mapping.
func TestAddress(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start, _, offset := mapping(t, filepath.Base(self))
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	o, err := Open(file, Source{Path: self})
	if err != nil {
		t.Fatal(err)
	}
	pc := uint64(reflect.ValueOf(baseName).Pointer())
	addr, ok := o.Address(pc - start + offset)
	if !ok {
		t.Fatalf("%#x is nowhere", pc)
	}
	got := o.Name(addr)
	if !strings.HasSuffix(got.Name, "symbol.baseName") && got.Name != bareName(baseName(self), addr) { // linked without symbols
		t.Errorf("baseName is %+v", got)
	}
	t.Log(got)
	if _, ok := o.Address(1 << 60); ok {
		t.Error("an offset behind the file is loaded")
	}
}

func TestNamesAtTheSameTime(t *testing.T) {
	var all Objects
	defer all.Close()
	at := addresses(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			o, err := all.Open(countedFile(t, mini), Source{Path: "/lib/tiny.so"})
			if err != nil {
				t.Error(err)
				return
			}
			for _, name := range []string{"hidden_add", "hidden_mul", "call_pick"} {
				if got := o.Name(at[name].Value); got.Name != name {
					t.Error(got)
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(all.Close()); err != nil {
		t.Error(err)
	}
}

func TestBaseName(t *testing.T) {
	for path, want := range map[string]string{
		"/usr/local/openresty/nginx/sbin/nginx": "nginx",
		"/usr/sbin/nginx (deleted)":             "nginx",
		"[vdso]":                                "[vdso]",
		"":                                      "?",
	} {
		if got := baseName(path); got != want {
			t.Errorf("%q is %q, want %q", path, got, want)
		}
	}
}

func TestDemangled(t *testing.T) {
	for name, want := range map[string]string{
		"ngx_http_process_request":                       "ngx_http_process_request",
		"_ZNSt99__basic_fileIcE4syncEv":                  "_ZNSt99__basic_fileIcE4syncEv", // a wrong length
		"_ZNSt12__basic_fileIcE4syncEv":                  "std::__basic_file<char>::sync",
		"_ZNSt12__basic_fileIcE4syncEv@plt":              "std::__basic_file<char>::sync@plt",
		"_ZNSt12__basic_fileIcE4syncEv@GLIBCXX_3.4":      "std::__basic_file<char>::sync@GLIBCXX_3.4",
		"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE": "core::fmt::Formatter::pad",
		"_RNvNtCs1234_7mycrate3foo3bar":                  "mycrate::foo::bar",
		"_Z":                                             "_Z",
		"_R":                                             "_R",
	} {
		if got := demangled(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func FuzzDemangled(f *testing.F) {
	f.Add("_ZNSt12__basic_fileIcE4syncEv@plt")
	f.Add("_RNvMs_Cs4Cv8Wi1oAIB_7mycrateNtB4_7Example3foo")
	f.Add("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE.llvm.1")
	f.Fuzz(func(t *testing.T, name string) {
		name = name[:min(len(name), maxName)]
		if got := demangled(name); got == "" && name != "" || len(got) > 4*maxName {
			t.Errorf("%q is %d bytes", name, len(got))
		}
	})
}
