package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// fileID tells one file from another on this host.
type fileID struct {
	dev, inode uint64
}

// A scanner holds one reading of /proc: the processes whose executable is nginx,
// and what was learnt of each distinct executable.
type scanner struct {
	seen       int // user processes looked at
	unreadable int // of them, those whose executable we may not read
	procs      map[int]*proc
	objects    map[fileID]*Object // nil: not a gateway
	layouts    map[fileID]layoutResult
}

// scan reads /proc once. A process that vanishes meanwhile is skipped.
func scan(ctx context.Context) (*scanner, error) {
	s := &scanner{
		procs:   map[int]*proc{},
		objects: map[fileID]*Object{},
		layouts: map[fileID]layoutResult{},
	}
	pids, err := listPIDs()
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.look(pid)
	}
	return s, nil
}

// listPIDs returns the processes that /proc shows, in no order.
func listPIDs() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// look keeps pid when its executable is a gateway's.
func (s *scanner) look(pid int) {
	exe := procPath(pid, "exe")
	id, err := identify(exe)
	switch {
	case errors.Is(err, os.ErrPermission):
		if !isKernelThread(pid) {
			s.seen++
			s.unreadable++
		}
		return
	case err != nil:
		return // a kernel thread, a zombie, or gone
	}
	s.seen++
	obj, known := s.objects[id]
	if !known {
		obj = openGateway(exe)
		s.objects[id] = obj
	}
	if obj == nil {
		return
	}
	if p, err := readProc(pid); err == nil {
		p.exe = id
		s.procs[pid] = p
	}
}

// identify returns the identity of the file at path, links followed.
func identify(path string) (fileID, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return fileID{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return fileID{uint64(st.Dev), st.Ino}, nil
}
