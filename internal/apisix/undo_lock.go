package apisix

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ErrBusy is for a resource that another process of this program is changing.
var ErrBusy = errors.New("busy")

// A Lock is held by the one process that may change a resource. The kernel ends it with the
// process.
type Lock struct{ f *os.File }

// glance is how long Busy may have a lock, and more.
const glance = 200 * time.Millisecond

// Lock locks the resource that u is about. The error is ErrBusy where another process has it.
func (s *Undos) Lock(u *Undo) (*Lock, error) {
	err := s.makeDir()
	sum := sha256.Sum256([]byte(u.Admin + "\n" + string(u.Kind) + "\n" + u.Object))
	path := filepath.Join(s.dir, fmt.Sprintf("%x.lock", sum[:12]))
	for until := time.Now().Add(glance); err == nil; {
		var l *Lock
		if l, err = lock(path); l != nil {
			return l, nil
		}
		if errors.Is(err, ErrBusy) && time.Now().Before(until) {
			time.Sleep(glance / 10)
			err = nil
		}
	}
	if errors.Is(err, ErrBusy) {
		return nil, fmt.Errorf("%s is %w", u.Resource(), err)
	}
	return nil, fmt.Errorf("lock %s in %s: %w", u.Resource(), s.dir, pathless(err))
}

// Busy reports whether a process is changing the resource that u is about.
func (s *Undos) Busy(u *Undo) bool {
	l, err := s.Lock(u)
	if err == nil {
		l.Release()
	}
	return errors.Is(err, ErrBusy)
}

// lock returns nil without an error if whoever had the file has removed it meanwhile.
func lock(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	there, err := claim(f)
	if err != nil || !there {
		return nil, errors.Join(err, f.Close())
	}
	return &Lock{f}, nil
}

// claim locks f, and writes into it whose it is. there is false if f has lost its name.
func claim(f *os.File) (there bool, err error) {
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case err == unix.EWOULDBLOCK:
		pid, _ := io.ReadAll(io.LimitReader(f, 16)) // it is only said
		if _, err := strconv.Atoi(string(pid)); err != nil {
			return false, fmt.Errorf("%w: another process is about to change it", ErrBusy)
		}
		return false, fmt.Errorf("%w: process %s is changing it", ErrBusy, pid)
	case err != nil:
		return false, err
	}
	named, err := os.Stat(f.Name())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	ours, err := f.Stat()
	if err != nil || !os.SameFile(ours, named) {
		return false, err
	}
	if err := f.Truncate(0); err != nil {
		return false, err
	}
	_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return true, err
}

// Release lets go of the resource.
func (l *Lock) Release() {
	_ = os.Remove(l.f.Name()) // a file that stays is locked by nobody
	_ = l.f.Close()
}
