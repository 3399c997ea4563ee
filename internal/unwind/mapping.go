package unwind

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/hint"
)

const needPtrace = "run as root, or grant CAP_SYS_PTRACE"

// A Mapping is a range of a process's addresses that it may execute.
type Mapping struct {
	Start, End uint64 // addresses in the process
	Offset     uint64 // of Start in the file
	Path       string // of the file as the process sees it; else what the kernel calls it, or empty
	Dev        uint64 // of the file, as st_dev has it in the file system below an overlay
	Inode      uint64
	Anonymous  bool // of no file: code made at run time, as LuaJIT and PCRE do
	Deleted    bool // the file is no longer at Path; Open may find it all the same
	VDSO       bool // the kernel's own object
}

// Mappings returns the executable mappings of a process, by address. Its error wraps
// fs.ErrNotExist when there is no such process.
func Mappings(pid int) ([]Mapping, error) {
	// A kernel thread, and a process that is about to exit, has none: the file is empty.
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, wrapAccess(fmt.Errorf("read mappings of process %d: %w", pid, err))
	}
	var all []Mapping
	for line := range bytes.Lines(maps) {
		m, executable, err := parseMapping(strings.TrimSuffix(string(line), "\n"))
		if err != nil {
			return nil, fmt.Errorf("read mappings of process %d: %w", pid, err)
		}
		if executable {
			all = append(all, m)
		}
	}
	return all, nil
}

// parseMapping reads a line as fs/proc/task_mmu.c's show_map_vma writes it:
//
//	55e8d6a4d000-55e8d6b4d000 r-xp 0002d000 fe:01 1835 /usr/sbin/nginx
func parseMapping(line string) (m Mapping, executable bool, err error) {
	fields := strings.SplitN(line, " ", 6)
	if len(fields) < 5 || len(fields[1]) != 4 {
		return m, false, fmt.Errorf("odd line %q", line)
	}
	if fields[1][2] != 'x' {
		return m, false, nil
	}
	start, end, _ := strings.Cut(fields[0], "-")
	major, minor, _ := strings.Cut(fields[3], ":")
	numbers := []uint64{0, 0, 0, 0, 0, 0}
	for i, f := range []struct {
		text       string
		base, bits int
	}{{start, 16, 64}, {end, 16, 64}, {fields[2], 16, 64}, {major, 16, 32}, {minor, 16, 32}, {fields[4], 10, 64}} {
		if numbers[i], err = strconv.ParseUint(f.text, f.base, f.bits); err != nil {
			return m, false, fmt.Errorf("odd line %q: %w", line, err)
		}
	}
	m = Mapping{Start: numbers[0], End: numbers[1], Offset: numbers[2], Dev: unix.Mkdev(uint32(numbers[3]), uint32(numbers[4])), Inode: numbers[5]}
	if m.Start >= m.End {
		return m, false, fmt.Errorf("odd line %q", line)
	}
	if len(fields) == 6 {
		m.Path = strings.TrimLeft(fields[5], " ")
	}
	m.classify()
	return m, true, nil
}

// classify reads what Path says beyond the path.
func (m *Mapping) classify() {
	switch {
	case m.Path == "[vdso]":
		m.VDSO = true
	case m.Inode == 0 || !strings.HasPrefix(m.Path, "/"), strings.HasPrefix(m.Path, "/dev/zero"):
		m.Anonymous = true // also [uprobes], [vsyscall], [anon:…]
	default:
		m.Path, m.Deleted = strings.CutSuffix(m.Path, " (deleted)")
		m.Path = strings.ReplaceAll(m.Path, `\012`, "\n") // all that the kernel escapes
	}
}

func wrapAccess(err error) error {
	if os.IsPermission(err) {
		return hint.Wrap(err, needPtrace)
	}
	return err
}
