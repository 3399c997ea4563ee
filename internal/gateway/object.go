package gateway

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// markGateway is exported by every nginx, also a stripped one: nginx links
	// itself with -Wl,-E so that lua-resty-core's FFI finds its functions.
	markGateway = "ngx_http_free_request"
	// markLua is exported by the Lua module, linked in or loaded.
	markLua = "ngx_http_lua_run_thread"

	// Larger tables are no nginx's; not reading them keeps a scan short.
	maxStringTable = 32 << 20
	maxRodata      = 64 << 20
)

// An Object is an executable or a shared library of the gateway. It holds no open
// file.
type Object struct {
	Path  string // opens the file, through /proc: for debug/elf or a uprobe
	Name  string // its path as the gateway sees it
	Debug string // path that opens its debug file, or empty

	machine elf.Machine
	symbols map[string]uint64 // function to file offset
	rodata  []byte            // only until the version is known
	version Version           // of an executable
}

// Symbol returns where in the file a function begins, in bytes: the offset that a
// uprobe takes. It knows the functions of .dynsym, of .symtab, and of .symtab in the debug
// file; ok is false for others.
func (o *Object) Symbol(name string) (offset uint64, ok bool) {
	offset, ok = o.symbols[name]
	return offset, ok
}

// openGateway reads the executable at path, or returns nil when it is no nginx.
func openGateway(path string) *Object {
	return openMarked(path, markGateway)
}

// openMarked reads the object at path if it defines the function mark. The check
// comes first and reads string tables alone: it is all that most executables cost.
func openMarked(path, mark string) *Object {
	f, closeFile, err := openELF(path)
	if err != nil {
		return nil
	}
	defer closeFile()
	if !mentions(f, mark) {
		return nil
	}
	obj, err := readObject(f)
	if err != nil {
		return nil
	}
	if _, ok := obj.Symbol(mark); !ok {
		return nil // mentioned only, say by a module that calls it
	}
	obj.Path = path
	return obj
}

// openELF opens a regular file as ELF. Anything else, a FIFO that a container left
// at a debug file's path, say, could block us.
func openELF(path string) (*elf.File, func() error, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("open %s: not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := elf.NewFile(file)
	if err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	return f, file.Close, nil
}

// mentions reports whether a string table of f holds name.
func mentions(f *elf.File, name string) bool {
	for _, table := range []string{".dynstr", ".strtab"} {
		if table == ".strtab" && f.Section(".gopclntab") != nil {
			return false // a Go program: a large table, and never nginx
		}
		s := f.Section(table)
		if s == nil || s.Type != elf.SHT_STRTAB || s.Size > maxStringTable {
			continue
		}
		if data, err := s.Data(); err == nil && bytes.Contains(data, []byte("\x00"+name+"\x00")) {
			return true
		}
	}
	return false
}

func readObject(f *elf.File) (*Object, error) {
	if f.Class != elf.ELFCLASS64 || f.Data != elf.ELFDATA2LSB {
		return nil, fmt.Errorf("%v %v is not supported", f.Class, f.Data)
	}
	obj := &Object{machine: f.Machine, symbols: map[string]uint64{}}
	if err := obj.addSymbols(f, f); err != nil {
		return nil, err
	}
	if s := f.Section(".rodata"); s != nil && s.Size <= maxRodata {
		obj.rodata, _ = s.Data()
	}
	return obj, nil
}

// addSymbols takes the functions that from defines; their addresses are mapped to
// file offsets by the loadable segments of the object itself, since a debug file has
// the same addresses but no contents.
func (o *Object) addSymbols(object, from *elf.File) error {
	var all []elf.Symbol
	for _, read := range []func() ([]elf.Symbol, error){from.DynamicSymbols, from.Symbols} {
		syms, err := read()
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read symbols: %w", err)
		}
		all = append(all, syms...)
	}
	for _, sym := range all {
		if elf.ST_TYPE(sym.Info) != elf.STT_FUNC || sym.Section == elf.SHN_UNDEF {
			continue
		}
		if _, known := o.symbols[sym.Name]; known {
			continue
		}
		if offset, ok := fileOffset(object, sym.Value); ok {
			o.symbols[sym.Name] = offset
		}
	}
	return nil
}

// fileOffset maps an address to an offset in the file, through the executable
// segment that holds it.
func fileOffset(f *elf.File, addr uint64) (uint64, bool) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			return addr - p.Vaddr + p.Off, true
		}
	}
	return 0, false
}

// buildID reads .note.gnu.build-id: a note header of 12 bytes, "GNU\0", the id.
func buildID(f *elf.File) string {
	s := f.Section(".note.gnu.build-id")
	if s == nil || s.Size < 16 || s.Size > 4096 {
		return ""
	}
	data, err := s.Data()
	if err != nil || len(data) < 16 || string(data[12:16]) != "GNU\x00" {
		return ""
	}
	size := f.ByteOrder.Uint32(data[4:8])
	if uint64(size) > uint64(len(data)-16) {
		return ""
	}
	return hex.EncodeToString(data[16 : 16+size])
}
