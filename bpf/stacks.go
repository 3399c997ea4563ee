package bpf

import (
	"bytes"
	"debug/elf"
	"fmt"
	"log/slog"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/unwind"
)

// The names of findings that decide what works.
const (
	Sampling = "sampling" // of the host: stacks can be sampled
	Worker   = "worker"   // of a gateway: its processes can be looked into
	LuaJIT   = "luajit"   // of a gateway: its Lua can be told
)

// Stacks says how well samples can tell the stacks of t, by a look into one of its workers.
// Level Fail means that nothing of it can be sampled, Warn that a part cannot.
func Stacks(t *gateway.Target) []Finding {
	s := &Sampler{
		options: SampleOptions{Target: t, Log: slog.New(slog.DiscardHandler)},
		files:   map[objectKey]*object{}, processes: map[int]*sampled{},
	}
	for _, c := range t.Children {
		err := s.meet(c.PID, false)
		if err != nil && gone(err) {
			continue
		}
		if err != nil {
			return []Finding{{Worker, Fail, fmt.Sprintf("look into worker %d: %v", c.PID, err), needCaps}}
		}
		p := s.processes[c.PID]
		defer p.memory.Close()
		return []Finding{p.luaFinding(t), s.tableFinding()}
	}
	return []Finding{{Worker, Fail, "no worker is left", ""}}
}

// luaFinding says what was found of LuaJIT in a process.
func (p *sampled) luaFinding(t *gateway.Target) Finding {
	if t.Lua == nil {
		return Finding{LuaJIT, OK, "none: this is a plain nginx", "its stacks are native"}
	}
	f := Finding{Name: LuaJIT, Level: OK, Value: p.luaVersion()}
	vms, err := p.vmsBySymbols()
	switch {
	case p.vm.End == 0:
		f.Level, f.Value = Warn, f.Value+", without an interpreter that its unwind table shows"
		f.Then = "frames of Lua are not told"
	case len(vms) > 0:
		var of []string
		for i := range vms {
			of = append(of, vms[i].Module)
		}
		f.Value += fmt.Sprintf(", VM of %s found by symbols", strings.Join(of, " and "))
	case p.symbol("ngx_cycle") == 0:
		f.Value += ", interpreter found by its unwind table"
		f.Then = "no symbols lead to its VM: what the first samples meet does"
	default:
		f.Level, f.Value = Warn, fmt.Sprintf("%s, but %v", f.Value, err)
		f.Then = "frames of Lua may not be told"
	}
	if runtime.GOARCH == "arm64" {
		f.Level, f.Then = Warn, "stacks on arm64 are untested"
	}
	return f
}

// luaVersion returns LUAJIT_VERSION of luajit.h, as the object with the interpreter has it.
func (p *sampled) luaVersion() string {
	const name = "LuaJIT"
	all, err := unwind.Mappings(p.pid)
	if err != nil {
		return name
	}
	for _, m := range all {
		if !(p.vm.Start >= m.Start && p.vm.Start < m.End) {
			continue
		}
		file, err := unwind.Open(p.pid, m)
		if err != nil {
			return name
		}
		defer file.Close()
		f, err := elf.NewFile(file)
		if err != nil {
			return name
		}
		return versionIn(f, name)
	}
	return name
}

// versionIn finds "name 2." and what follows in the constants of an object; name without it.
func versionIn(f *elf.File, name string) string {
	const most = 40
	s := f.Section(".rodata")
	if s == nil {
		return name
	}
	data, err := s.Data()
	if err != nil {
		return name
	}
	_, rest, ok := bytes.Cut(data, []byte("\x00"+name+" 2."))
	if !ok {
		return name
	}
	version, _, ok := bytes.Cut(rest[:min(len(rest), most)], []byte{0})
	if !ok {
		return name
	}
	return name + " 2." + string(version)
}

// tableFinding says which objects have no unwind table.
func (s *Sampler) tableFinding() Finding {
	f := Finding{Name: "unwind tables", Level: OK, Value: fmt.Sprintf("in all %d objects", len(s.files))}
	var without []string
	for key, o := range s.files {
		if o == nil || len(o.rows) == 0 {
			without = append(without, path.Base(key.path))
		}
	}
	if len(without) == 0 {
		return f
	}
	slices.Sort(without)
	f.Level = Warn
	f.Value = fmt.Sprintf("in %d of %d objects, not in %s", len(s.files)-len(without), len(s.files), strings.Join(without, ", "))
	f.Then = "stacks through these are followed by frame pointers, and end where there are none"
	return f
}
