package unwind

import (
	"debug/elf"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseMapping(t *testing.T) {
	for line, want := range map[string]Mapping{
		"55e8d6a4d000-55e8d6b4d000 r-xp 0002d000 fe:01 1835                       /usr/sbin/nginx": {
			Start: 0x55e8d6a4d000, End: 0x55e8d6b4d000, Offset: 0x2d000, Path: "/usr/sbin/nginx", Dev: unix.Mkdev(0xfe, 1), Inode: 1835},
		"7f0000000000-7f0000001000 r-xp 00000000 103:12345 99 /opt/a b\\012c.so (deleted)": {
			Start: 0x7f0000000000, End: 0x7f0000001000, Path: "/opt/a b\nc.so", Dev: unix.Mkdev(0x103, 0x12345), Inode: 99, Deleted: true},
		"7fff5d9f0000-7fff5d9f2000 r-xp 00000000 00:00 0                          [vdso]": {
			Start: 0x7fff5d9f0000, End: 0x7fff5d9f2000, Path: "[vdso]", VDSO: true},
		"41bd0000-41be0000 r-xp 00000000 00:00 0 ": {Start: 0x41bd0000, End: 0x41be0000, Anonymous: true},
		"41bd0000-41be0000 rwxp 00000000 00:00 0":  {Start: 0x41bd0000, End: 0x41be0000, Anonymous: true},
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]": {
			Start: 0xffffffffff600000, End: 0xffffffffff601000, Path: "[vsyscall]", Anonymous: true},
		"7f00-8000 rwxs 00000000 00:01 5 /dev/zero (deleted)": {Start: 0x7f00, End: 0x8000, Path: "/dev/zero (deleted)", Dev: 1, Inode: 5, Anonymous: true},
		"7f00-8000 rwxs 00000000 00:01 5 /memfd:jit (deleted)": {
			Start: 0x7f00, End: 0x8000, Path: "/memfd:jit", Dev: 1, Inode: 5, Deleted: true},
	} {
		if m, executable, err := parseMapping(line); err != nil || !executable || m != want {
			t.Errorf("%q: %+v, %v, %v; want %+v", line, m, executable, err, want)
		}
	}
	if _, executable, err := parseMapping("7f00-8000 rw-p 00000000 00:00 0 [heap]"); executable || err != nil {
		t.Errorf("of data: %v, %v", executable, err)
	}
	for _, line := range []string{"", "x", "1-2 r-xp 0 0:0", "1-2 r-xp 0 00 0 /a", "2-1 r-xp 0 0:0 0", "1-g r-xp 0 0:0 0", "1-2 rxp 0 0:0 0", "1-2 r-xp 0 0:0 -1"} {
		if m, _, err := parseMapping(line); err == nil {
			t.Errorf("%q: %+v", line, m)
		}
	}
}

// TestMappings wants of a live process that the mapping, the file that Open opens, the bias
// and the memory agree: the code is the same in both.
func TestMappings(t *testing.T) {
	pid := start(t, exec.Command("sleep", "60"))
	blockedAt(t, pid)
	mappings := mappingsOf(t, pid)
	objects := 0
	for _, m := range mappings {
		if m.Anonymous {
			continue
		}
		objects++
		wantMapped(t, pid, m)
	}
	if objects < 4 { // itself, libc, the loader, the vdso
		t.Errorf("%d objects in %+v", objects, mappings)
	}
}

func mappingsOf(t *testing.T, pid int) []Mapping {
	t.Helper()
	mappings, err := Mappings(pid)
	if err != nil {
		t.Fatal(err)
	}
	return mappings
}

// wantMapped compares the start of a mapping, in memory, with where Bias says that it is in
// the object's segments.
func wantMapped(t *testing.T, pid int, m Mapping) {
	t.Helper()
	file, err := Open(pid, m)
	if err != nil {
		t.Errorf("%+v: %v", m, err)
		return
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		t.Errorf("%+v: %v", m, err)
		return
	}
	bias, ok := m.Bias(f)
	if !ok {
		t.Errorf("%+v: no bias", m)
		return
	}
	memory, err := os.Open("/proc/self/mem")
	if pid != os.Getpid() {
		memory, err = os.Open(filepath.Join("/proc", decimal(pid), "mem"))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_X == 0 {
			continue
		}
		there, here := make([]byte, 256), make([]byte, 256)
		_, err1 := p.ReadAt(there, 0x20)
		_, err2 := memory.ReadAt(here, int64(p.Vaddr+0x20+bias))
		if err1 != nil || err2 != nil || string(here) != string(there) {
			t.Errorf("%+v: memory at bias %#x is not the object's: %v, %v", m, bias, err1, err2)
		}
	}
	if rows, err := Rows(f); err != nil || len(rows) == 0 {
		t.Errorf("%+v: %d rows, %v", m, len(rows), err)
	}
}

// TestOpenDeleted runs a program whose file is no longer there, and another in its place.
func TestOpenDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	copyFile(t, "/bin/sleep", path)
	pid := start(t, exec.Command(path, "60"))
	blockedAt(t, pid)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("another"), 0o700); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, m := range mappingsOf(t, pid) {
		if m.Path == path {
			found = m.Deleted
			wantMapped(t, pid, m)
			m.Start, m.End = 1, 2 // as without the capabilities for map_files
			wantSame(t, pid, m)
			m.Inode++
			if f, err := Open(pid, m); !errors.Is(err, ErrNoFile) {
				t.Errorf("another file was opened: %v, %v", f, err)
			}
		}
	}
	if !found {
		t.Error("no mapping is of the deleted file")
	}
}

// wantSame wants Open to open the file with m's inode.
func wantSame(t *testing.T, pid int, m Mapping) {
	t.Helper()
	f, err := Open(pid, m)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	if st, err := f.(*os.File).Stat(); err != nil || st.Sys().(*syscall.Stat_t).Ino != m.Inode {
		t.Errorf("another file was opened: %v, %v", st, err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestOpenElsewhere runs a program in a mount namespace where alone its path leads to it.
func TestOpenElsewhere(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"real", "mounted"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyFile(t, "/bin/sleep", filepath.Join(dir, "real", "program"))
	cmd := exec.Command("unshare", "--map-root-user", "--mount", "sh", "-c", `mount --bind "$0/real" "$0/mounted" && exec "$0/mounted/program" 60`, dir)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	pid := start(t, cmd)
	path := filepath.Join(dir, "mounted", "program")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if exe, err := os.Readlink(filepath.Join("/proc", decimal(pid), "exe")); err == nil && exe == path {
			break
		}
		if time.Now().After(deadline) {
			t.Skipf("no mount namespace: %s", complaint.String())
		}
	}
	blockedAt(t, pid)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("it is here, too: %v", err)
	}
	n := 0
	for _, m := range mappingsOf(t, pid) {
		if m.Path == path {
			n++
			wantMapped(t, pid, m)
			m.Start, m.End = 1, 2
			wantSame(t, pid, m)
		}
	}
	if n == 0 {
		t.Error("no mapping is of the program")
	}
}

// TestOpenRefuses is of what must not be opened, or read.
func TestOpenRefuses(t *testing.T) {
	pid := os.Getpid()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, m := range []Mapping{
		{Start: 1, End: 2, Path: fifo, Inode: 1}, // would wait for who writes to it
		{Start: 1, End: 2, Path: dir, Inode: 1},
		{Start: 1, End: 2, Path: "/dev/null", Inode: 1},
		{Start: 1, End: 2, Path: filepath.Join(dir, "none"), Inode: 1},
		{Start: 1, End: 2, Anonymous: true},
		{Start: 0, End: 1 << 40, Path: "[vdso]", VDSO: true},
		{Start: 0, End: 4096, Path: "[vdso]", VDSO: true},
	} {
		if f, err := Open(pid, m); err == nil {
			f.Close()
			t.Errorf("%+v was opened", m)
		} else if m.Anonymous != errors.Is(err, ErrNoFile) {
			t.Errorf("%+v: %v", m, err)
		}
	}
	if _, err := Mappings(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no process: %v", err)
	}
}

// TestBias is of objects in forms that linkers give them.
func TestBias(t *testing.T) {
	const x, r = elf.PF_R | elf.PF_X, elf.PF_R
	load := func(flags elf.ProgFlag, off, vaddr, size uint64) *elf.Prog {
		return &elf.Prog{ProgHeader: elf.ProgHeader{Type: elf.PT_LOAD, Flags: flags, Off: off, Vaddr: vaddr, Filesz: size, Memsz: size}, ReaderAt: io.NewSectionReader(strings.NewReader(""), 0, 0)}
	}
	for _, test := range []struct {
		name          string
		segments      []*elf.Prog
		start, offset uint64
		want          uint64
		ok            bool
	}{
		{"GNU ld", []*elf.Prog{load(r, 0, 0, 0x900), load(x, 0x1000, 0x1000, 0x5000)}, 0x7f0000001000, 0x1000, 0x7f0000000000, true},
		{"fixed", []*elf.Prog{load(x, 0x1000, 0x401000, 0x5000)}, 0x401000, 0x1000, 0, true},
		{"lld: offset and address differ", []*elf.Prog{load(r, 0, 0, 0x5670), load(x, 0x5670, 0x6670, 0x3000)}, 0x7f0000006000, 0x5000, 0x7f0000000000, true},
		{"mapped in parts", []*elf.Prog{load(x, 0x1000, 0x1000, 0x5000)}, 0x7f0000003000, 0x3000, 0x7f0000000000, true},
		{"linked higher than loaded", []*elf.Prog{load(x, 0, 0xffff0000, 0x1000)}, 0x10000, 0, ^uint64(0xffff0000-0x10000) + 1, true},
		{"two of code", []*elf.Prog{load(x, 0, 0, 0x1000), load(x, 0x3000, 0x200000, 0x1000)}, 0x7f0000200000, 0x3000, 0x7f0000000000, true},
		{"data", []*elf.Prog{load(r, 0, 0, 0x900), load(x, 0x1000, 0x1000, 0x5000)}, 0x7f0000000000, 0, 0, false},
		{"beyond it", []*elf.Prog{load(x, 0x1000, 0x1000, 0x5000)}, 0x7f0000006000, 0x6000, 0, false},
	} {
		m := Mapping{Start: test.start, Offset: test.offset}
		if bias, ok := m.Bias(&elf.File{Progs: test.segments}); bias != test.want || ok != test.ok {
			t.Errorf("%s: %#x, %v; want %#x, %v", test.name, bias, ok, test.want, test.ok)
		}
	}
}
