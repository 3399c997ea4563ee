package symbol

import (
	"fmt"
	"io"
	"sync"
)

// A Source says where an object came from.
type Source struct {
	// Path is the file as its process sees it, /usr/sbin/nginx, or [vdso]. It is
	// not opened; it lends its last part to functions without a symbol.
	Path string
	// Roots are the directories below which to look for usr/lib/debug/.build-id,
	// in this order: /proc/PID/root first, then our own root. With none, no debug
	// file is looked for.
	Roots []string
}

// An Object is an executable, a shared library, or the vdso. Its methods may be
// called from several goroutines.
type Object struct {
	path    string
	buildID string
	image   *image // headers alone, until Close

	mu       sync.Mutex
	file     io.ReaderAt // nil once the names were read
	debug    io.ReaderAt // its debug file, or nil
	loaded   bool
	names                      // written once, while mu is held
	resolved map[uint64]string // what IFUNCs chose, by start
}

// Open reads the headers of the object in file and finds its debug file. Symbols
// are read when the first address is named: most objects of a process never are
// on a stack. Open takes file over: it is closed, if it is an io.Closer, once the
// symbols were read, by Close, or when Open fails.
func Open(file io.ReaderAt, from Source) (*Object, error) {
	img, err := readImage(file)
	if err != nil {
		closeFile(file)
		return nil, fmt.Errorf("open %s: %w", from.Path, err)
	}
	return open(img, from), nil
}

func open(img *image, from Source) *Object {
	o := &Object{path: from.Path, image: img, file: img.r, buildID: img.buildID()}
	o.debug = openDebug(img, o.buildID, from.Roots)
	return o
}

// Close gives up the files that are still open. Symbols that were read stay, and
// Name goes on to work with what it has.
func (o *Object) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.release()
}

// BuildID returns the object's build id in hexadecimal, or "" if it has none.
func (o *Object) BuildID() string { return o.buildID }

// Address maps an offset in the file to the address that Name takes. For a program
// counter pc in a mapping it is Address(pc - mapping.Start + mapping.Offset). ok
// is false for an offset that is not loaded for execution.
func (o *Object) Address(offset uint64) (addr uint64, ok bool) {
	return o.image.address(offset)
}

// Name returns the function at an address of the object's file. It always has a
// name: where nothing is known of the address, the object and the address itself.
func (o *Object) Name(addr uint64) Function {
	o.load()
	if f, ok := o.table.find(addr); ok {
		return f
	}
	start, size, ok := o.frames.find(addr)
	if !ok {
		return Function{Name: bareName(baseName(o.path), addr), Start: addr}
	}
	if name := o.choice(start); name != "" {
		return Function{Name: name, Symbol: name, Start: start, Size: size}
	}
	return Function{Name: subName(baseName(o.path), start), Start: start, Size: size}
}

func (o *Object) load() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.loaded {
		return
	}
	o.loaded = true
	if o.file == nil {
		return
	}
	o.names = readNames(o.image, o.debug)
	_ = o.release()
}

// release closes what is open. It is called with mu held.
func (o *Object) release() error {
	err := closeFile(o.file)
	if e := closeFile(o.debug); err == nil {
		err = e
	}
	o.file, o.debug = nil, nil
	return err
}

func closeFile(file io.ReaderAt) error {
	if c, ok := file.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
