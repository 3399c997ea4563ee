package bpf

import (
	"reflect"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

// opened returns a window on a gateway of the rig.
func opened(t *testing.T, o Options) *Source {
	t.Helper()
	testrig.NeedBPF(t)
	rig := testrig.StartT(t, testrig.Options{})
	var err error
	if o.Target, err = gateway.Find(t.Context(), gateway.Query{PID: rig.MasterPID()}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fieldsOf returns the fields of one of bpf2go's structs, by name.
func fieldsOf[T any](objects any) map[string]T {
	all := map[string]T{}
	v := reflect.ValueOf(objects)
	for i := range v.NumField() {
		if one, ok := v.Field(i).Interface().(T); ok {
			all[v.Type().Field(i).Name] = one
		}
	}
	return all
}

// TestBPFPrograms says how hard the verifier worked. It gives up at a million
// instructions; well before that, another kernel's verifier may.
func TestBPFPrograms(t *testing.T) {
	s := opened(t, Options{Probes: true, Logged: true, AllHeaders: true, Workers: true})
	programs := fieldsOf[*ebpf.Program](s.objects.tracePrograms)
	if len(programs) < 8 {
		t.Errorf("%d programs", len(programs))
	}
	for name, p := range programs {
		info, err := p.Info()
		if err != nil {
			t.Fatal(err)
		}
		n, ok := info.VerifiedInstructions()
		if !ok {
			t.Skip("a kernel before 5.16 does not tell how many instructions it verified")
		}
		size, _ := info.TranslatedSize()
		t.Logf("%-24s %6d instructions verified, %5d long", name, n, size/8)
		if n > 300_000 {
			t.Errorf("%s: the verifier looked at %d instructions", name, n)
		}
	}
}

// TestBPFMemory adds up what the maps take of the kernel's memory.
func TestBPFMemory(t *testing.T) {
	s := opened(t, Options{Probes: true, Logged: true, AllHeaders: true, Workers: true})
	maps := fieldsOf[*ebpf.Map](s.objects.traceMaps)
	if len(maps) < 8 {
		t.Errorf("%d maps", len(maps))
	}
	var sum uint64
	for name, m := range maps {
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		n, ok := info.Memlock()
		if !ok && m.Type() == ebpf.RingBuf {
			// From 5.11 to 6.3 a ring, which has no entries, is told to take nothing.
			n, ok = uint64(m.MaxEntries()), true
		}
		if !ok {
			t.Skip("this kernel does not tell how much memory a map takes")
		}
		t.Logf("%-12s %8d KiB for at most %d entries", name, n>>10, m.MaxEntries())
		sum += n
	}
	t.Logf("all together %d MiB", sum>>20)
	if sum > 96<<20 {
		t.Errorf("the maps take %d MiB", sum>>20)
	}
}
