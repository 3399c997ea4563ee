package unwind

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A File is what a mapping is of. It reads like the file, from 0 on.
type File interface {
	io.ReaderAt
	io.Closer
}

// ErrNoFile is Open's for a mapping of no file, and for one of a file that no path leads
// to any more.
var ErrNoFile = errors.New("no file")

// Larger is no vdso: it is a few pages.
const maxVDSO = 1 << 20

// Open opens the file of a mapping of process pid, also in another mount namespace and,
// given CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE, when it was deleted or replaced. The vdso
// is copied out of the process's memory. The caller closes what it returns.
func Open(pid int, m Mapping) (File, error) {
	f, err := open(pid, m)
	if err != nil {
		return nil, wrapAccess(fmt.Errorf("open %s of process %d: %w", m.name(), pid, err))
	}
	return f, nil
}

func open(pid int, m Mapping) (File, error) {
	switch {
	case m.VDSO:
		return readVDSO(pid, m)
	case m.Anonymous:
		return nil, ErrNoFile
	}
	f, err := openRegular(fmt.Sprintf("/proc/%d/map_files/%x-%x", pid, m.Start, m.End))
	if err == nil {
		return f, nil
	}
	if m.Deleted {
		// The executable is to be had without those capabilities.
		f, exeErr := openRegular(fmt.Sprintf("/proc/%d/exe", pid))
		if exeErr == nil && isMapped(f, m) {
			return f, nil
		}
		if exeErr == nil {
			f.Close()
		}
		return nil, errors.Join(ErrNoFile, err)
	}
	return openInRoot(pid, m.Path)
}

// openRegular opens a regular file. What a process has mapped is its own choice: it may be
// a device, which is not read.
func openRegular(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	return regular(fd, path)
}

// openInRoot opens path as the process sees it: no link on the way leads out of its root.
func openInRoot(pid int, path string) (*os.File, error) {
	root, err := unix.Open(fmt.Sprintf("/proc/%d/root", pid), unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, path, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, err
	}
	return regular(fd, path)
}

func regular(fd int, path string) (*os.File, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = errors.New("not a regular file")
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// isMapped reports whether f is the file of m. On an overlay it may say no of the same file,
// never yes of another.
func isMapped(f *os.File, m Mapping) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) == nil && st.Ino == m.Inode && st.Dev == m.Dev
}

// memoryFile is an object that is in memory alone.
type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

func readVDSO(pid int, m Mapping) (File, error) {
	if m.End-m.Start > maxVDSO {
		return nil, fmt.Errorf("%d bytes are no vdso", m.End-m.Start)
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, err
	}
	defer memory.Close()
	data := make([]byte, m.End-m.Start)
	if _, err := memory.ReadAt(data, int64(m.Start)); err != nil {
		return nil, err
	}
	return memoryFile{bytes.NewReader(data)}, nil
}

// Bias returns what to take off an address in m to have it as f, the object that m maps,
// counts addresses: Row.PC, symbols. It wraps around for an object that is loaded below
// where it was linked. ok is false if m maps nothing that f has for execution.
func (m Mapping) Bias(f *elf.File) (bias uint64, ok bool) {
	page := uint64(os.Getpagesize())
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_X == 0 {
			continue
		}
		if first := p.Off &^ (page - 1); m.Offset >= first && m.Offset-first < p.Filesz+(p.Off-first) {
			return m.Start - m.Offset + p.Off - p.Vaddr, true
		}
	}
	return 0, false
}

func (m Mapping) name() string {
	if m.Path == "" {
		return "anonymous mapping"
	}
	return m.Path
}
