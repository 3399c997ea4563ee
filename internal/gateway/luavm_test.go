package gateway

import (
	"debug/elf"
	"encoding/binary"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// memoryOf makes a memory that has these words, and zeros between them.
func memoryOf(t *testing.T, words map[uint64]uint64) *procMemory {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "mem"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	for at, word := range words {
		if _, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, word), int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	return &procMemory{File: f}
}

func TestCurLOffset(t *testing.T) {
	const global, thread, other = 0x1000, 0x4000, 0x5000
	wild := map[uint64]uint64{0x9000: 0}
	for at := uint64(luaCurLFirst) &^ 7; at < luaCurLLast; at += 8 {
		wild[global+at] = at * 0x9e3779b97f4a7c15 // points anywhere
	}
	full := map[uint64]uint64{0x9000: 0}
	for at := uint64(0); at < 0x1000; at += 8 {
		full[global+at] = ^uint64(0) // its sum with an offset wraps around
	}
	for _, tt := range []struct {
		name  string
		words map[uint64]uint64
		want  uint32
	}{
		{"344", map[uint64]uint64{global + 344: thread, thread + luaGlref: global, 0x9000: 0}, 344},
		{"368", map[uint64]uint64{global + 368: thread, thread + luaGlref: global, 0x9000: 0}, 368},
		{"the first of two", map[uint64]uint64{global + 344: thread, global + 368: thread, thread + luaGlref: global, 0x9000: 0}, 344},
		{"past a thread of another VM", map[uint64]uint64{
			global + 344: other, other + luaGlref: 0x7000, global + 368: thread, thread + luaGlref: global, 0x9000: 0,
		}, 368},
		{"past what cannot be read", map[uint64]uint64{
			global + 320: 1 << 62, global + 328: ^uint64(0), global + 336: 7, global + 368: thread, thread + luaGlref: global, 0x9000: 0,
		}, 368},
		{"too early", map[uint64]uint64{global + 288: thread, thread + luaGlref: global, 0x9000: 0}, 0},
		{"too late", map[uint64]uint64{global + 480: thread, thread + luaGlref: global, 0x9000: 0}, 0},
		{"zeros", map[uint64]uint64{0x9000: 0}, 0},
		{"empty", nil, 0},
		{"wild", wild, 0},
		{"full", full, 0},
	} {
		mem := memoryOf(t, tt.words)
		if got := curLOffset(mem, global); got != tt.want || mem.err != nil {
			t.Errorf("%s: %d (%v), want %d", tt.name, got, mem.err, tt.want)
		}
	}
	for _, hostile := range []uint64{0, 1, 1 << 63, ^uint64(0), ^uint64(0) - 350} {
		if got := curLOffset(memoryOf(t, wild), hostile); got != 0 {
			t.Errorf("of a global_State at %#x: %d", hostile, got)
		}
	}
}

// TestWordKeepsTheFirstFailure, so that a chain of words is checked once.
func TestWordKeepsTheFirstFailure(t *testing.T) {
	mem := memoryOf(t, map[uint64]uint64{8: 0x0102030405060708})
	if got := mem.word(8); got != 0x0102030405060708 || mem.err != nil {
		t.Errorf("got %#x (%v)", got, mem.err)
	}
	if got := mem.word(12); got != 0 || mem.err == nil {
		t.Errorf("past the end: %#x (%v)", got, mem.err)
	}
	if got := mem.word(8); got != 0 {
		t.Errorf("after a failure: %#x", got)
	}
}

func TestBiasOf(t *testing.T) {
	const name = "/usr/sbin/ng inx"
	code := func(vaddr uint64) *elf.File {
		return &elf.File{Progs: []*elf.Prog{
			{ProgHeader: elf.ProgHeader{Type: elf.PT_LOAD, Flags: elf.PF_R}},
			{ProgHeader: elf.ProgHeader{Type: elf.PT_GNU_STACK, Flags: elf.PF_X, Vaddr: 0xbad000}},
			{ProgHeader: elf.ProgHeader{Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_X, Vaddr: vaddr}},
		}}
	}
	const maps = `55d000000000-55d000021000 r--p 00000000 fe:01 77 /usr/sbin/ng inx
7f1200000000-7f1200100000 r-xp 00021000 fe:01 78 /usr/lib/libc.so.6
55d000021000-55d000100000 r-xp 00021000 fe:01 77 /usr/sbin/ng inx
7f1300000000-7f1300001000 r-xp 00000000 00:00 0 [vdso]
`
	for _, tt := range []struct {
		name string
		maps string
		file *elf.File
		bias uint64
		ok   bool
	}{
		{"position independent", maps, code(0x21000), 0x55d000000000, true},
		{"code that begins within a page", maps, code(0x21a40), 0x55d000000000, true},
		{"at the addresses of its file", strings.ReplaceAll(maps, "55d0000", "00000"), code(0x21000), 0, true},
		{"replaced on disk", strings.ReplaceAll(maps, "ng inx", "ng inx (deleted)"), code(0x21000), 0x55d000000000, true},
		{"not mapped", strings.ReplaceAll(maps, "ng inx", "nginx"), code(0x21000), 0, false},
		{"not executable", strings.ReplaceAll(maps, "r-xp", "r--p"), code(0x21000), 0, false},
		{"no code in the file", maps, &elf.File{}, 0, false},
		{"no address", strings.ReplaceAll(maps, "55d000021000-", "g-"), code(0x21000), 0, false},
		{"rubbish", "-\n\x00\x00\n- r-xp 0 0 9 /usr/sbin/ng inx\n" + strings.Repeat("z", 100_000), code(0), 0, false},
		{"nothing", "", code(0), 0, false},
	} {
		bias, err := biasOf(strings.NewReader(tt.maps), name, tt.file)
		if bias != tt.bias || (err == nil) != tt.ok {
			t.Errorf("%s: %#x (%v), want %#x", tt.name, bias, err, tt.bias)
		}
	}
}

// currentThread follows vm in a worker, and checks each step that can be checked.
func currentThread(t *testing.T, pid int, vm LuaVM) (thread uint64, mem *procMemory) {
	t.Helper()
	mem, err := openMemory(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mem.Close() })
	http := mem.word(mem.word(mem.word(vm.Cycle)) + 8*uint64(vm.HTTPIndex))
	state := mem.word(mem.word(mem.word(http) + 8*uint64(vm.LuaIndex)))
	global := mem.word(state + luaGlref)
	thread = mem.word(global + uint64(vm.CurL))
	if back := mem.word(thread + luaGlref); mem.err != nil || back != global {
		t.Fatalf("worker %d: the current thread %#x is of VM %#x, the main one of %#x (%v)", pid, thread, back, global, mem.err)
	}
	return thread, mem
}

func TestGatewayLuaVM(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	need(t)
	vm, err := find(t, rig.MasterPID()).FindLuaVM()
	if err != nil {
		t.Fatal(err)
	}
	workers, err := rig.Workers()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range workers {
		currentThread(t, pid, vm)
	}
	ranFor(t, rig, vm, workers)
	if err := rig.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	reloaded, err := rig.Workers()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(reloaded, workers) {
		t.Fatalf("after a reload the workers are still %v", workers)
	}
	for _, pid := range reloaded {
		currentThread(t, pid, vm)
	}
	ranFor(t, rig, vm, reloaded)
	if again, err := find(t, rig.MasterPID()).FindLuaVM(); err != nil || again != vm {
		t.Errorf("after a reload the VM is %+v (%v), before %+v", again, err, vm)
	}
}

// ranFor proves that the current thread leads to the request that it runs for.
func ranFor(t *testing.T, rig *testrig.Rig, vm LuaVM, workers []int) {
	t.Helper()
	const exdata = 96 // of lua_State, see bpf/nginx.h
	url, err := rig.URL(testrig.Sleep)
	if err != nil {
		t.Fatal(err)
	}
	route, err := testrig.RouteOf(testrig.Sleep)
	if err != nil {
		t.Fatal(err)
	}
	ask, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.Host = route.Host
	eventually(t, "Lua has run for a request", func() bool {
		answer, err := http.DefaultClient.Do(ask)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %v, %v", url, answer, err)
		}
		answer.Body.Close()
		return slices.ContainsFunc(workers, func(pid int) bool {
			thread, mem := currentThread(t, pid, vm)
			defer mem.Close()
			r := mem.word(thread + exdata)
			return uint32(mem.word(r)) == requestSignature && mem.err == nil
		})
	})
}
