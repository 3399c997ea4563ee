package symbol

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"syscall"
)

// Objects are the objects of any number of processes, each of which is kept once:
// the workers of a gateway map the same files, and so do copies of one container
// image. The zero value is empty and ready; its methods may be called from several
// goroutines.
type Objects struct {
	mu    sync.Mutex
	known map[identity]*Object
	all   []*Object
}

// An identity tells files apart by what is loaded of them.
type identity [sha256.Size]byte

// Open is as the function Open, but returns the same Object for two files of the
// same build: of equal build id and program headers. Without a build id two files
// are one if they are the same file, unchanged. What Open returns is closed by the
// Objects' Close, not by the caller.
func (s *Objects) Open(file io.ReaderAt, from Source) (*Object, error) {
	img, err := readImage(file)
	if err != nil {
		closeFile(file)
		return nil, fmt.Errorf("open %s: %w", from.Path, err)
	}
	id, identified := img.identity()
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.known[id]; identified && o != nil {
		return o, closeFile(file)
	}
	o := open(img, from)
	s.all = append(s.all, o)
	if identified {
		if s.known == nil {
			s.known = map[identity]*Object{}
		}
		s.known[id] = o
	}
	return o, nil
}

// Close closes all objects.
func (s *Objects) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, o := range s.all {
		errs = append(errs, o.Close())
	}
	s.all, s.known = nil, nil
	return errors.Join(errs...)
}

// identity is false for a file that cannot be told from others.
func (img *image) identity() (identity, bool) {
	var b bytes.Buffer
	fmt.Fprintln(&b, img.machine, img.buildID())
	_ = binary.Write(&b, binary.LittleEndian, img.programs)
	if img.buildID() != "" {
		return sha256.Sum256(b.Bytes()), true
	}
	file, ok := img.r.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return identity{}, false
	}
	st, err := file.Stat()
	if err != nil {
		return identity{}, false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, false
	}
	// The time of the last change tells a file from an earlier one whose inode it has.
	fmt.Fprintln(&b, sys.Dev, sys.Ino, sys.Size, sys.Ctim)
	return sha256.Sum256(b.Bytes()), true
}
