package bpf

import (
	"debug/elf"
	"fmt"
	"io"
	"strconv"

	"github.com/apisixscope/apisixscope/internal/luajit"
	"github.com/apisixscope/apisixscope/internal/unwind"
	"github.com/apisixscope/apisixscope/profile"
)

// A Namer names native code, as internal/symbol does.
type Namer interface {
	// Open takes over an object's file, also if it fails. The path is as the process sees
	// it; debug files are looked for below roots.
	Open(file io.ReaderAt, path string, roots []string) (ObjectNames, error)
	// Kernel returns the function at an address of the kernel.
	Kernel(address uint64) string
}

// ObjectNames names the addresses of an object's file. It is an alias, so that who makes
// them need not know this room.
type ObjectNames = interface {
	Name(address uint64) string
	BuildID() string
}

// An objectKey tells objects apart. Workers are forks, so they share most.
type objectKey struct {
	dev, inode uint64
	path       string
}

// object is a file, or the vdso, whose code some process has mapped. It is kept until the
// window ends: what reloads bring is the same again.
type object struct {
	path     string
	rows     []unwind.Row // until they are in the kernel
	part     part         // where they are
	headers  *elf.File    // what is in them: the file itself is closed
	mappings []*profile.Mapping
	data     map[string]uint64 // addresses in the file of nginx's variables
	vm       luajit.Range      // of lj_vm, in the file
	names    ObjectNames
	known    map[uint64]string
}

// nginxData are the variables that lead to the Lua VMs.
var nginxData = map[string]bool{
	"ngx_cycle": true, "ngx_http_module": true, "ngx_http_lua_module": true,
	"ngx_stream_module": true, "ngx_stream_lua_module": true,
}

// readObject reads all that is to be known of the object that process pid has mapped at m.
func (s *Sampler) readObject(pid int, m unwind.Mapping) (*object, error) {
	file, err := unwind.Open(pid, m)
	if err != nil {
		return nil, fmt.Errorf("open %s of process %d: %w", m.Path, pid, err)
	}
	f, err := elf.NewFile(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("read %s of process %d: %w", m.Path, pid, err)
	}
	o := &object{path: m.Path, headers: f, known: map[uint64]string{}}
	rows, err := unwind.Rows(f)
	if err != nil {
		s.options.Log.Debug("no unwind table", "object", m.Path, "error", err)
	}
	o.rows = rows
	o.data = dataOf(f)
	o.vm, _ = luajit.Interpreter(codeRules(rows), "")
	buildID := ""
	if s.options.Names != nil {
		roots := []string{"/proc/" + strconv.Itoa(pid) + "/root", "/"}
		if o.names, err = s.options.Names.Open(file, m.Path, roots); err != nil {
			s.options.Log.Debug("no symbols", "object", m.Path, "error", err)
			o.names = nil
		} else {
			buildID = o.names.BuildID()
		}
	} else {
		file.Close()
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			o.mappings = append(o.mappings, &profile.Mapping{Path: m.Path, BuildID: buildID,
				Start: p.Vaddr, Limit: p.Vaddr + p.Memsz, Offset: p.Off})
		}
	}
	return o, nil
}

// dataOf returns the addresses of nginx's variables in an object that exports them.
func dataOf(f *elf.File) map[string]uint64 {
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return nil
	}
	found := map[string]uint64{}
	for _, sym := range symbols {
		if sym.Section != elf.SHN_UNDEF && nginxData[sym.Name] {
			found[sym.Name] = sym.Value
		}
	}
	return found
}

// codeRules says of rows what finding the interpreter takes.
func codeRules(rows []unwind.Row) []luajit.CodeRule {
	var rules []luajit.CodeRule
	for i := 0; i+1 < len(rows); i++ {
		r := &rows[i]
		if r.CFA != unwind.CFASP || r.FP != unwind.FPAtCFA {
			continue
		}
		rules = append(rules, luajit.CodeRule{
			Range: luajit.Range{Start: uint64(r.PC), End: uint64(rows[i+1].PC)}, CFA: r.CFAOffset, FP: r.FPOffset,
		})
	}
	return rules
}

// mappingOf returns the segment that holds an address of the file, nil for none.
func (o *object) mappingOf(address uint64) *profile.Mapping {
	for _, m := range o.mappings {
		if address >= m.Start && address < m.Limit {
			return m
		}
	}
	return nil
}

// knownMost bounds the names that are kept of an object.
const knownMost = 1 << 16

// name returns what is at an address of the file.
func (o *object) name(address uint64) string {
	if o.names == nil {
		return ""
	}
	name, ok := o.known[address]
	if !ok {
		if len(o.known) >= knownMost {
			clear(o.known)
		}
		name = o.names.Name(address)
		o.known[address] = name
	}
	return name
}
