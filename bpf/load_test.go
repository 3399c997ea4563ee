package bpf_test

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

// An inventory is what the kernel holds of BPF, by its ids.
type inventory struct {
	programs, maps, links []uint32
}

func takeInventory(t *testing.T) inventory {
	t.Helper()
	var all inventory
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		id, all.programs = next, append(all.programs, uint32(next))
	}
	for id := ebpf.MapID(0); ; {
		next, err := ebpf.MapGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		id, all.maps = next, append(all.maps, uint32(next))
	}
	links := new(link.Iterator)
	defer links.Close()
	for links.Next() {
		all.links = append(all.links, uint32(links.ID))
	}
	if err := links.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// since returns what came after before was taken.
func (now inventory) since(before inventory) inventory {
	fresh := func(now, before []uint32) []uint32 {
		return slices.DeleteFunc(slices.Clone(now), func(id uint32) bool { return slices.Contains(before, id) })
	}
	return inventory{fresh(now.programs, before.programs), fresh(now.maps, before.maps), fresh(now.links, before.links)}
}

// both returns what is in both.
func (now inventory) both(then inventory) inventory {
	return now.since(now.since(then))
}

// freed waits until nothing of ours is left. The kernel frees after a grace period, and
// cilium/ebpf unmaps the programs' variables when the collector finds them.
func freed(t *testing.T, ours inventory) {
	t.Helper()
	var left inventory
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		runtime.GC()
		left = takeInventory(t).both(ours)
		if len(left.programs)+len(left.maps)+len(left.links) == 0 {
			return
		}
	}
	for _, id := range left.programs {
		t.Errorf("program %d is left", id)
	}
	for _, id := range left.maps {
		name := "?"
		if m, err := ebpf.NewMapFromID(ebpf.MapID(id)); err == nil {
			if info, err := m.Info(); err == nil {
				name = info.Name
			}
			m.Close()
		}
		t.Errorf("map %d (%s) is left", id, name)
	}
	for _, id := range left.links {
		t.Errorf("link %d is left", id)
	}
}

// TestBPFCloseLeavesNothing opens and closes a source, with traffic and without.
func TestBPFCloseLeavesNothing(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartT(t, testrig.Options{})
	bothWays(t, func(t *testing.T, probes bool) {
		before := takeInventory(t)
		source, err := bpf.Open(t.Context(), bpf.Options{Target: find(t, rig), Probes: probes})
		if err != nil {
			t.Fatal(err)
		}
		ours := takeInventory(t).since(before)
		if len(ours.programs) < 6 || len(ours.maps) < 8 || len(ours.links) < 6 {
			t.Errorf("%d programs, %d maps, %d links", len(ours.programs), len(ours.maps), len(ours.links))
		}
		ask(t, rig, 2)
		for range 2 { // it may be called twice
			if err := source.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		freed(t, ours)
		ask(t, rig, 1) // the gateway lives on
	})
}

// TestBPFOpenFails leaves nothing behind when a source cannot be opened.
func TestBPFOpenFails(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartT(t, testrig.Options{})
	before := takeInventory(t)
	target := find(t, rig)
	for name, o := range map[string]bpf.Options{
		"ring size":  {Target: target, RingBytes: 12345},
		"executable": {Target: target, Probes: true},
	} {
		if name == "executable" {
			gone, binary := *target, *target.Binary
			gone.Exe, binary.Path = "/nonexistent", "/nonexistent"
			gone.Binary, o.Target = &binary, &gone
		}
		source, err := bpf.Open(t.Context(), o)
		if err == nil {
			t.Errorf("%s: no error", name)
			source.Close()
		}
		t.Logf("%s: %v", name, err)
	}
	freed(t, takeInventory(t).since(before))
}
