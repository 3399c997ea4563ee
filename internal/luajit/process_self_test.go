package luajit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func openSelf(t *testing.T) *Process {
	t.Helper()
	p, err := OpenProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestProcessMemory(t *testing.T) {
	p := openSelf(t)
	text := []byte("what is read of a process")
	got := make([]byte, len(text))
	if n, err := p.ReadAt(got, int64(uintptr(unsafe.Pointer(&text[0])))); n != len(text) || err != nil || string(got) != string(text) {
		t.Errorf("%q, %d, %v", got, n, err)
	}
	for _, at := range []int64{0, 8, -1, 1 << 62} {
		if n, err := p.ReadAt(got, at); err == nil || n != 0 {
			t.Errorf("at %#x: %d bytes, %v", at, n, err)
		}
	}
	if n, err := p.ReadAt(nil, 0); n != 0 || err != nil {
		t.Errorf("nothing: %d, %v", n, err)
	}
	if _, err := OpenProcess(1 << 30); err == nil {
		t.Error("a process that does not exist was opened")
	}
}

// TestProcessFiles: regular files alone, and nothing that blocks.
func TestProcessFiles(t *testing.T) {
	p, dir := openSelf(t), t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file, large := write("a.lua", "return 1"), write("large.lua", strings.Repeat(" ", sourceMost+1))
	link, pipe := filepath.Join(dir, "link.lua"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.Symlink(file, link), unix.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, path := range []string{file, link, "a.lua", "./a.lua"} {
		if text, err := p.ReadFile(path); err != nil || string(text) != "return 1" {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
	for _, path := range []string{pipe, dir, large, "/dev/zero", "nowhere.lua", "", "/proc/self/exe"} {
		if text, err := p.ReadFile(path); err == nil {
			t.Errorf("%s: %d bytes", path, len(text))
		}
	}
}
