package luajit

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// hostile is a memory whose words are made up as they are read, of what leads far: each
// points somewhere in it, at itself, or says a huge size.
type hostile struct {
	seed  uint64
	words []uint64 // some that are worth to be there
}

func (h hostile) ReadAt(p []byte, at int64) (int, error) {
	for i := range p {
		addr := uint64(at) + uint64(i)
		rnd := rand.New(rand.NewPCG(h.seed, addr&^7))
		w := h.words[rnd.IntN(len(h.words))]
		if rnd.IntN(8) == 0 {
			w = addr &^ 7 // itself
		}
		p[i] = byte(w >> (8 * (addr & 7)))
	}
	return len(p), nil
}

func (hostile) ReadFile(string) ([]byte, error) { return nil, errNoSource }

// everything asks a Reader all that there is to ask, of one address.
func everything(r *Reader, at uint64) {
	r.Code()
	r.Running()
	r.Stack(Point{State: at, IP: at, Base: at, PC: at})
	r.Stack(Point{State: r.vm.Main, IP: at, Base: at, PC: at})
	r.Frame(at, at+protoSize+4)
	r.CFunction(Call{Func: at, C: at, FFID: byte(at)})
	if t, ok := r.Trace(at); ok {
		for _, c := range t.Calls {
			r.Frame(c.Proto, c.PC)
		}
	}
	for _, t := range r.traces.byCode {
		r.callsAt(t, t.code.Start+at%(1<<16))
	}
	r.protoOf(at)
}

// TestHostileMemory: whatever memory says, a Reader ends, with bounded work.
func TestHostileMemory(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for seed := range uint64(rounds) {
		h := hostile{seed: seed}
		for range 16 {
			h.words = append(h.words, (rnd.Uint64N(1<<20)+1)*8)
			h.words = append(h.words, uint64(itypeTable)<<itypeShift|rnd.Uint64N(1<<20)*8, uint64(itypeFunc)<<itypeShift|rnd.Uint64N(1<<20)*8)
			// Headers of objects, with sizes.
			h.words = append(h.words, uint64(rnd.IntN(16))<<8|uint64(rnd.Uint32())<<32, rnd.Uint64())
		}
		c := &counting{from: h}
		vm := VM{Main: 4096, Global: 8192, Layout: gc64("amd64")}
		vm.Layout.Global = GlobalLayout{CurL: 368, JITBase: 376, Trace: 1120, Code: 3784}
		r := NewReader(vm, countedTarget{c, h})
		started := time.Now()
		everything(r, rnd.Uint64N(1<<23))
		Finder{Memory: h}.FromState(rnd.Uint64N(1 << 23))
		if d := time.Since(started); d > 30*time.Second || c.longest > readMost || len(r.mem.pages) > pagesMost {
			t.Errorf("seed %d: %v, %d reads, the longest of %d bytes", seed, d, c.reads, c.longest)
		}
	}
}

type countedTarget struct {
	io.ReaderAt
	hostile
}

func (r countedTarget) ReadAt(p []byte, at int64) (int, error) { return r.ReaderAt.ReadAt(p, at) }

// FuzzReader changes what a real process had: words of the pages that a Reader looks at.
func FuzzReader(f *testing.F) {
	whole := openImage(f, "luajit-20210510")
	numbers := []uint64{}
	for n := range whole.Pages {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, uint64(0))
	f.Add(binary.LittleEndian.AppendUint64([]byte{0, 40, 0, 9}, whole.State), whole.State)
	f.Fuzz(func(t *testing.T, changes []byte, at uint64) {
		m := whole.clone()
		started := time.Now()
		// Each change: a page, a place in it, a word.
		for ; len(changes) >= 12; changes = changes[12:] {
			page := m.Pages[numbers[int(changes[0])%len(numbers)]]
			copy(page[8*(int(changes[1])|int(changes[2]&1)<<8):], changes[4:12])
		}
		vm, err := m.finder().FromState(m.State)
		if err != nil {
			vm = whole.vm(t)
		}
		r := NewReader(vm, m)
		r.readTraces()
		everything(r, at)
		everything(r, m.State)
		for _, t := range r.traces.byCode {
			r.callsAt(t, t.code.End-1)
		}
		if d := time.Since(started); d > 5*time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

func (m *image) vm(t testing.TB) VM {
	vm, err := m.finder().FromState(m.State)
	if err != nil {
		t.Fatal(err)
	}
	return vm
}
