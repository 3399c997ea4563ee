package luajit

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// TestLayouts: what is found in the VMs is what compilers made of the releases.
func TestLayouts(t *testing.T) {
	type found struct{ size, curL, jitBase, dispatch, trace uint32 }
	for name, want := range map[string]found{
		// jit_State is right behind global_State, of 736 or 680 bytes.
		"nginx-20230119":  {112, 368, 376, 4008, 736 + 384},
		"luajit-20210510": {112, 368, 376, 4000, 736 + 384},
		"luajit-20190507": {104, 344, 352, 3928, 680 + 392},
	} {
		l := openImage(t, name).reader(t).vm.Layout
		got := found{l.State.Size, l.Global.CurL, l.Global.JITBase, l.Global.Dispatch, l.Global.Trace}
		if got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestFindBySymbols(t *testing.T) {
	m := openImage(t, "nginx-20230119")
	byState := m.reader(t).vm
	vms, err := m.finder().Find(m.Symbols)
	if err != nil || len(vms) != 1 {
		t.Fatalf("found %v, %v", vms, err)
	}
	byState.Module = "http"
	if vms[0] != byState {
		t.Errorf("by symbols %+v, by a coroutine %+v", vms[0], byState)
	}
	// The stream module's have the same shape.
	s := Symbols{Cycle: m.Symbols.Cycle, Stream: m.Symbols.HTTP, StreamLua: m.Symbols.HTTPLua}
	if vms, err := m.finder().Find(s); err != nil || len(vms) != 1 || vms[0].Module != "stream" {
		t.Errorf("of the stream module: %v, %v", vms, err)
	}
	for _, s := range []Symbols{
		{}, {Cycle: m.Symbols.Cycle}, {Cycle: 1, HTTP: 2, HTTPLua: 3},
		{Cycle: m.Symbols.HTTP, HTTP: m.Symbols.HTTPLua, HTTPLua: m.Symbols.Cycle},
	} {
		if vms, err := m.finder().Find(s); !errors.Is(err, ErrNoVM) || len(vms) > 0 {
			t.Errorf("%+v: %v, %v", s, vms, err)
		}
	}
}

// TestWithoutInterpreter: all but the dispatch table is found without knowing its code.
func TestWithoutInterpreter(t *testing.T) {
	m := openImage(t, "nginx-20230119")
	want := m.reader(t).vm
	vm, err := Finder{Memory: m, Arch: "amd64"}.FromState(m.State)
	want.Layout.Global.Dispatch, want.Interpreter = 0, Range{}
	if err != nil || vm != want {
		t.Errorf("%+v (%v), want %+v", vm, err, want)
	}
}

// words is a memory of 8-byte words on pages of zeros.
func words(all map[uint64]uint64) *image {
	m := &image{Pages: map[uint64][]byte{}}
	for at, w := range all {
		if m.Pages[at/pageSize] == nil {
			m.Pages[at/pageSize] = make([]byte, pageSize)
		}
		m.write(at, binary.LittleEndian.AppendUint64(nil, w))
	}
	return m
}

// TestNotGC64: a lua_State with 32-bit references (gct at 5, glref at 8) is told apart, with
// a remedy, from what is none.
func TestNotGC64(t *testing.T) {
	const state, main, global = 0x41000, 0x40300, 0x40360
	thread := uint64(gctThread) << 40
	m := words(map[uint64]uint64{state: thread, state + 8: global, main: thread, main + 8: global})
	_, err := Finder{Memory: m}.FromState(state)
	if !errors.Is(err, ErrNotGC64) || hint.Of(err) == "" {
		t.Errorf("32-bit references: %v, hint %q", err, hint.Of(err))
	}
	m = words(map[uint64]uint64{state: thread, state + 8: global})
	if _, err := (Finder{Memory: m}).FromState(state); !errors.Is(err, ErrNoVM) {
		t.Errorf("no main thread: %v", err)
	}
}

func TestInterpreter(t *testing.T) {
	vm := CodeRule{Range{0x5000, 0x9052}, 80, -16}
	others := []CodeRule{
		{Range{0x1000, 0x4000}, 80, -24},           // another register there
		{Range{0x10000, 0x20000}, 88, -16},         // another frame
		{Range{0x20000, 0x20100}, 80, -16},         // too short
		{Range{0x30000, 0x30000 + 1<<20}, 80, -16}, // too long
		{Range{0x9000, 0x5000}, 80, -16},           // upside down
	}
	if r, ok := Interpreter(append(others, vm), "amd64"); !ok || r != vm.Range {
		t.Errorf("%#x %v", r, ok)
	}
	if r, ok := Interpreter(others, "amd64"); ok {
		t.Errorf("found %#x", r)
	}
	arm := CodeRule{Range{0x5000, 0x9052}, 208, -16}
	if r, ok := Interpreter([]CodeRule{vm, arm}, "arm64"); !ok || r != arm.Range {
		t.Errorf("on arm64: %#x %v", r, ok)
	}
}
