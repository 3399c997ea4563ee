package luajit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// A Process is a running process as a Target.
type Process struct {
	pid  int
	root *os.File
}

// OpenProcess opens a process for a Reader. The caller closes it.
func OpenProcess(pid int) (*Process, error) {
	root, err := os.Open(fmt.Sprintf("/proc/%d/root", pid))
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("open process %d: %w", pid, err), "run as root, or grant CAP_SYS_PTRACE")
	}
	return &Process{pid, root}, nil
}

// Close forgets the process.
func (p *Process) Close() error { return p.root.Close() }

// ReadAt reads the process's memory at an address.
func (p *Process) ReadAt(b []byte, addr int64) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	local := []unix.Iovec{{Base: &b[0]}}
	local[0].SetLen(len(b))
	n, err := unix.ProcessVMReadv(p.pid, local, []unix.RemoteIovec{{Base: uintptr(addr), Len: len(b)}}, 0)
	if err != nil {
		return 0, fmt.Errorf("read memory of process %d at %#x: %w", p.pid, addr, err)
	}
	if n < len(b) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

var errNoSource = errors.New("it is no regular file of a reasonable size")

// ReadFile reads a regular file of at most 4 MiB as the process sees it: its own root is
// the root, also for links on the way.
func (p *Process) ReadFile(name string) ([]byte, error) {
	if !path.IsAbs(name) {
		dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.pid))
		if err != nil {
			return nil, err
		}
		name = path.Join(dir, name)
	}
	// O_PATH opens nothing yet: what a process names may be a device, or block.
	fd, err := unix.Openat2(int(p.root.Fd()), name, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	link := fmt.Sprintf("/proc/self/fd/%d", fd)
	if info, err := os.Stat(link); err != nil || !info.Mode().IsRegular() || info.Size() > sourceMost {
		return nil, &os.PathError{Op: "read", Path: name, Err: errors.Join(errNoSource, err)}
	}
	file, err := os.Open(link)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, sourceMost))
}
