package symbol

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/unwind"
)

// A process whose executable was deleted while it runs, as an upgrade of a gateway
// does: from its mappings to names.
func TestObjectsOfAProcess(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "openresty")
	if err := copyFile(cat, path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	pid := echo(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mappings, err := unwind.Mappings(pid)
	if err != nil {
		t.Fatal(err)
	}
	var all Objects
	defer all.Close()
	var names, paths []string
	for _, m := range mappings {
		if m.Anonymous && !m.VDSO {
			continue
		}
		file, err := unwind.Open(pid, m)
		if err != nil {
			t.Fatal(err)
		}
		o, err := all.Open(file, Source{Path: m.Path})
		if err != nil {
			t.Fatal(err)
		}
		addr, ok := o.Address(m.Offset + 0x800)
		if !ok {
			t.Errorf("%s: %#x is nowhere", m.Path, m.Offset)
		}
		o.Name(addr)
		for _, p := range o.table.pieces {
			names = append(names, o.Name(p.start).Name)
		}
		if len(o.frames) > 0 {
			names = append(names, subName(baseName(m.Path), 0))
		}
		paths = append(paths, m.Path)
	}
	for _, want := range []string{"openresty!sub_0", "write", "__libc_start_main"} {
		if !slices.ContainsFunc(names, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("%s is in none of %q", want, paths)
		}
	}
}

// echo starts a process that gives back what it reads, and waits until it does.
func echo(t *testing.T, path string) (pid int) {
	t.Helper()
	cmd := exec.Command(path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if _, err := in.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}
