package luajit

import (
	"debug/elf"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/unwind"
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

// codeRules makes rules of an object's rows: each holds up to the next.
func codeRules(f *elf.File) []CodeRule {
	rows, err := unwind.Rows(f)
	if err != nil {
		return nil
	}
	var rules []CodeRule
	for i, row := range rows {
		if row.CFA == unwind.CFASP && row.FP == unwind.FPAtCFA && i+1 < len(rows) {
			code := Range{uint64(row.PC), uint64(rows[i+1].PC)}
			rules = append(rules, CodeRule{code, row.CFAOffset, row.FPOffset})
		}
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
