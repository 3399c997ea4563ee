package luajit

import (
	"bytes"
	"compress/gzip"
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// An image is as much of a process's memory as a Reader looked at, with what it knew
// beforehand. It is a Target.
type image struct {
	Symbols     Symbols
	Interpreter Range
	State       uint64 // lua_State that stood still
	IP          uint64
	Pages       map[uint64][]byte
}

func (m *image) ReadAt(p []byte, addr int64) (int, error) {
	for n := 0; n < len(p); {
		at := uint64(addr) + uint64(n)
		page, known := m.Pages[at/pageSize]
		if !known {
			return n, fmt.Errorf("page of %#x: %w", at, io.ErrUnexpectedEOF)
		}
		n += copy(p[n:], page[at%pageSize:])
	}
	return len(p), nil
}

func (m *image) ReadFile(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join("testdata", filepath.Base(path)))
}

// clone returns an image that can be written to.
func (m *image) clone() *image {
	c := *m
	c.Pages = map[uint64][]byte{}
	for n, page := range m.Pages {
		c.Pages[n] = slices.Clone(page)
	}
	return &c
}

func (m *image) write(addr uint64, p []byte) {
	for i, b := range p {
		at := addr + uint64(i)
		m.Pages[at/pageSize][at%pageSize] = b
	}
}

// finder returns one that knows what was known of the process.
func (m *image) finder() Finder {
	return Finder{Memory: m, Interpreter: m.Interpreter, Arch: "amd64"}
}

// reader returns a Reader of the image's VM.
func (m *image) reader(t testing.TB) *Reader {
	t.Helper()
	vm, err := m.finder().FromState(m.State)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(vm, m)
	r.arch = "amd64"
	return r
}

// A recorder is a Target that remembers what was read of another.
type recorder struct {
	Target
	image *image
}

func (r *recorder) ReadAt(p []byte, addr int64) (int, error) {
	first, last := uint64(addr)/pageSize, (uint64(addr)+uint64(len(p))-1)/pageSize
	for number := first; number <= last; number++ {
		if r.image.Pages[number] != nil {
			continue
		}
		page := make([]byte, pageSize)
		if _, err := r.Target.ReadAt(page, int64(number*pageSize)); err == nil {
			r.image.Pages[number] = page
		}
	}
	return r.image.ReadAt(p, addr)
}

// images are those in testdata; record_test.go makes them.
var images = []string{"nginx-20230119", "luajit-20210510", "luajit-20190507"}

func openImage(t testing.TB, name string) *image {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	m := &image{}
	if err := gob.NewDecoder(z).Decode(m); err != nil {
		t.Fatalf("read image %s: %v", name, err)
	}
	return m
}

// save writes m to testdata.
func (m *image) save(t testing.TB, name string) {
	t.Helper()
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err := gob.NewEncoder(z).Encode(m); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata", name+".gz"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("image %s: %d pages, %d KiB", name, len(m.Pages), b.Len()>>10)
}

// readers opens all images.
func readers(t *testing.T, run func(t *testing.T, m *image, r *Reader)) {
	for _, name := range images {
		t.Run(name, func(t *testing.T) {
			m := openImage(t, name)
			run(t, m, m.reader(t))
		})
	}
}
