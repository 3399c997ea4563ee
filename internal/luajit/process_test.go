package luajit

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A mapped is a file that is mapped into a process.
type mapped struct {
	path string
	bias uint64
}

// objects returns the objects of a process, by the lowest address of each.
func objects(t *testing.T, pid int) []mapped {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	var all []mapped
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 6 || !strings.HasPrefix(f[5], "/") || seen[f[5]] || f[2] != "00000000" {
			continue
		}
		seen[f[5]] = true
		first, _, _ := strings.Cut(f[0], "-")
		start, err := strconv.ParseUint(first, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, mapped{f[5], start})
	}
	return all
}

// exported finds what the objects of a process export, and its interpreter.
func exported(t *testing.T, pid int) (Symbols, Range) {
	t.Helper()
	var s Symbols
	var interpreter Range
	wanted := map[string]*uint64{
		"ngx_cycle": &s.Cycle, "ngx_http_module": &s.HTTP, "ngx_http_lua_module": &s.HTTPLua,
		"ngx_stream_module": &s.Stream, "ngx_stream_lua_module": &s.StreamLua,
	}
	for _, o := range objects(t, pid) {
		f, err := elf.Open(o.path)
		if err != nil {
			continue
		}
		if f.Type == elf.ET_EXEC {
			o.bias = 0
		}
		syms, _ := f.DynamicSymbols()
		for _, sym := range syms {
			if at := wanted[sym.Name]; at != nil && sym.Section != elf.SHN_UNDEF {
				*at = sym.Value + o.bias
			}
		}
		if rules := codeRules(f); interpreter.Start == 0 {
			if r, ok := Interpreter(rules, "amd64"); ok {
				interpreter = Range{r.Start + o.bias, r.End + o.bias}
			}
		}
		f.Close()
	}
	return s, interpreter
}

// codeRules reads just enough of .eh_frame to know the interpreter: where each piece of
// code lies, and its rule if it begins as vm_x64.dasc writes it.
func codeRules(f *elf.File) []CodeRule {
	section := f.Section(".eh_frame")
	if section == nil {
		return nil
	}
	p, err := section.Data()
	if err != nil {
		return nil
	}
	var rules []CodeRule
	for at := 0; at+20 < len(p); {
		size, cie := int(binary.LittleEndian.Uint32(p[at:])), binary.LittleEndian.Uint32(p[at+4:])
		if size == 0 || size > len(p)-at-4 {
			break
		}
		if cie != 0 && size >= 20 {
			// pc-relative, 4 bytes each, as gcc and LuaJIT have them; then no augmentation data.
			start := section.Addr + uint64(at) + 8 + uint64(int64(int32(binary.LittleEndian.Uint32(p[at+8:]))))
			end := start + uint64(binary.LittleEndian.Uint32(p[at+12:]))
			rule := CodeRule{Range: Range{start, end}}
			// DW_CFA_def_cfa_offset 80, DW_CFA_offset rbp 2.
			if code := p[at+17 : at+4+size]; len(code) >= 4 && string(code[:4]) == "\x0e\x50\x86\x02" {
				rule.CFA, rule.FP = 80, -16
			}
			rules = append(rules, rule)
		}
		at += 4 + size
	}
	return rules
}

// asleep waits until a process sleeps in usleep, and returns its stack and instruction
// pointers there.
func asleep(t *testing.T, pid int) (sp, ip uint64) {
	t.Helper()
	const nanosleep, clockNanosleep = "35", "230"
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
		f := strings.Fields(string(text))
		if len(f) == 9 && (f[0] == nanosleep || f[0] == clockNanosleep) {
			sp, _ := strconv.ParseUint(f[7], 0, 64)
			ip, _ := strconv.ParseUint(f[8], 0, 64)
			return sp, ip
		}
	}
	t.Fatalf("process %d does not sleep", pid)
	return 0, 0
}

// stateOnStack finds a VM as one without symbols does: by a lua_State that the interpreter
// saved on the stack of C.
func stateOnStack(t *testing.T, f Finder, sp uint64) VM {
	t.Helper()
	m := newMemory(f.Memory)
	for at := sp; at < sp+64<<10; at += 8 {
		if state := m.word(at); m.isThread(state, m.word(state+16)) {
			if vm, err := f.FromState(state); err == nil {
				return vm
			}
		}
	}
	t.Fatal("found no lua_State on the stack")
	return VM{}
}
