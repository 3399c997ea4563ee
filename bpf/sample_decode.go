package bpf

import (
	"fmt"
	"strings"
	"time"
	"unsafe"

	"github.com/apisixscope/apisixscope/internal/luajit"
	"github.com/apisixscope/apisixscope/profile"
	"github.com/apisixscope/apisixscope/trace"
)

// takeSample yields a sample, or holds it until its tick is known to be long.
func (s *Sampler) takeSample(e *sampleSampleEvent, data []byte) {
	const size = int(unsafe.Sizeof(sampleFrame{}))
	n := min(int(e.Frames), len(data)/size)
	out := profile.Sample{Kind: profile.CPU, Time: s.clock.at(e.Time), PID: int(e.Tgid), TID: int(e.Tid), Count: 1, Weight: s.period}
	if sampleSampleKind(e.Kind) == sampleSampleKindSAMPLE_BLOCKED {
		out.Kind, out.Weight = profile.OffCPU, time.Duration(e.Ns)
	}
	labels(&out, e, texts(data[n*size:]))
	if n > 0 {
		s.nameStack(&out, e, unsafe.Slice((*sampleFrame)(unsafe.Pointer(&data[0])), n))
	}
	if s.options.Kind == profile.Stall {
		s.hold(out, e.Tick)
		return
	}
	s.queue = append(s.queue, out)
}

// The states of a VM, as vmstate has them: ~LJ_VMST_* of lj_obj.h.
const (
	vmCollects  = ^2
	vmRecords   = ^4
	vmOptimizes = ^5
	vmAssembles = ^6
)

// labels takes what the programs have read of the request.
func labels(out *profile.Sample, e *sampleSampleEvent, t texts) {
	switch e.VmState {
	case vmCollects:
		out.VM = profile.VMCollect
	case vmRecords, vmOptimizes, vmAssembles:
		out.VM = profile.VMCompile
	}
	l := &out.Labels
	if e.Request == 0 {
		return
	}
	l.Request, l.Started = e.Request, time.UnixMilli(int64(e.StartSec)*1000+int64(e.StartMsec))
	l.Host = t.next(e.HostLen, hostMax)
	l.TraceID = traceID(t.next(e.TraceLen, headerMax))
	if sampleNamesHow(e.Names) != sampleNamesHowNAMES_READ {
		return
	}
	var names trace.Names
	t.names(&names)
	l.Route, l.RouteName, l.Service, l.Consumer = names.RouteID, names.RouteName, names.ServiceID, names.Consumer
}

// traceID returns the trace's id of a traceparent (W3C Trace Context, 3.2), or "".
func traceID(parent string) string {
	const version, id = 2 + 1, 32
	if len(parent) < version+id || parent[2] != '-' {
		return ""
	}
	text := parent[version : version+id]
	if strings.Trim(text, "0123456789abcdef") != "" || strings.Trim(text, "0") == "" {
		return ""
	}
	return text
}

// naming is a stack on the way from addresses to names.
type naming struct {
	s     *Sampler
	p     *sampled
	stack []profile.Frame
	vm    *luajit.Reader // of the frames at hand
	base  luajit.Call    // what a trace says of the frame at jit_base, which comes next
	jit   bool           // there is such a frame
}

// nameStack names the frames of a sample.
func (s *Sampler) nameStack(out *profile.Sample, e *sampleSampleEvent, raw []sampleFrame) {
	n := naming{s: s, p: s.processes[int(e.Tgid)], stack: make([]profile.Frame, 0, len(raw)+8)}
	if n.p == nil {
		out.Truncated = "the process was gone before it was looked at"
		return
	}
	if e.Thread != 0 {
		s.learnVM(n.p, e.Thread)
	}
	n.vm = n.p.reader(0)
	for i := range raw {
		f := &raw[i]
		if sampleFrameKind(f.Kind) == sampleFrameKindFRAME_ERROR && i == len(raw)-1 {
			out.Truncated = n.p.trouble(f)
			break
		}
		var next *sampleFrame
		if i+1 < len(raw) {
			next = &raw[i+1]
		}
		n.add(f, next)
	}
	out.Stack = n.stack
}

func (n *naming) push(f profile.Frame) { n.stack = append(n.stack, f) }

func (n *naming) missing(why string) {
	n.push(profile.Frame{Kind: profile.FrameMissing, Name: why})
}

// add names one frame; next is the one below it.
func (n *naming) add(f, next *sampleFrame) {
	leaf := f.Flags&frameLeaf != 0
	address := f.Address
	if !leaf {
		address-- // of the call, not of what is behind it
	}
	switch sampleFrameKind(f.Kind) {
	case sampleFrameKindFRAME_KERNEL:
		k := profile.Frame{Kind: profile.FrameKernel}
		if n.s.options.Names != nil {
			k.Name = n.s.options.Names.Kernel(address)
		}
		n.push(k)
	case sampleFrameKindFRAME_NATIVE:
		n.push(n.native(address))
	case sampleFrameKindFRAME_VM:
		n.vm = n.p.reader(f.Aux)
		// The function that it runs stands for it. The parser and the like have none.
		if next == nil || !isLuaFrame(next) {
			vm := n.native(address)
			vm.Name = "lj_vm"
			n.push(vm)
		}
	case sampleFrameKindFRAME_JIT:
		n.vm = n.p.reader(f.Aux)
		n.trace(address, next)
	case sampleFrameKindFRAME_LUA:
		n.lua(f)
	case sampleFrameKindFRAME_C:
		n.c(f)
	case sampleFrameKindFRAME_FOREIGN:
		n.push(profile.Frame{Kind: profile.FrameRegex, Name: "PCRE JIT"})
	case sampleFrameKindFRAME_ERROR:
		n.missing(n.p.trouble(f))
	}
}

// frameLeaf and frameBase are FRAME_LEAF and FRAME_BASE of walk.h.
const (
	frameLeaf = 1
	frameBase = 4
)

func isLuaFrame(f *sampleFrame) bool {
	kind := sampleFrameKind(f.Kind)
	return kind == sampleFrameKindFRAME_LUA || kind == sampleFrameKindFRAME_C
}

func (n *naming) native(address uint64) profile.Frame {
	f := profile.Frame{Kind: profile.FrameNative}
	m := n.p.find(address)
	if m == nil {
		n.p.strange = true
		f.Name = "unmapped"
		return f
	}
	if m.object == nil {
		f.Name = "code of no file"
		return f
	}
	f.Address = address - m.bias
	f.Mapping = m.object.mappingOf(f.Address)
	f.Name = m.object.name(f.Address)
	return f
}

// trace names the functions that a trace has inlined; the last one is the frame at jit_base,
// which is on the Lua stack too, and comes next.
func (n *naming) trace(address uint64, next *sampleFrame) {
	n.jit, n.base = true, luajit.Call{}
	if n.vm == nil {
		n.missing("trace of no known VM")
		return
	}
	calls, ok := n.p.calls(n.vm, address)
	if !ok || len(calls) == 0 {
		// Leaving a trace runs code that is in none: the frame at jit_base is what is known.
		if !ok {
			n.p.strange = n.p.find(address) == nil
		}
		return
	}
	last := calls[len(calls)-1]
	if next == nil || next.Kind != uint16(sampleFrameKindFRAME_LUA) || last.Proto != 0 && last.Proto != next.Address {
		n.missing("trace is of another function")
		return
	}
	for _, c := range calls[:len(calls)-1] {
		n.call(c, profile.FrameJIT)
	}
	n.base = last
}

// call names a Lua function, or C function, that a trace tells of.
func (n *naming) call(c luajit.Call, kind profile.FrameKind) {
	if c.Proto != 0 {
		n.luaFrame(c.Proto, c.PC, kind)
		return
	}
	n.cFrame(c)
}

func (n *naming) lua(f *sampleFrame) {
	kind, pc := profile.FrameLua, f.Aux
	if f.Flags&frameBase != 0 && n.jit {
		kind = profile.FrameJIT
		if n.base.Proto == f.Address {
			pc = n.base.PC
		}
	}
	n.jit = false
	n.luaFrame(f.Address, pc, kind)
}

func (n *naming) luaFrame(proto, pc uint64, kind profile.FrameKind) {
	if n.vm == nil {
		n.missing("Lua function of no known VM")
		return
	}
	fn, ok := n.p.function(n.vm, luaPlace{proto, pc})
	if !ok {
		n.missing("Lua function was gone before it was read")
		return
	}
	n.push(profile.Frame{Kind: kind, Name: fn.Name, File: fn.File, Line: fn.Line, StartLine: fn.First})
}

func (n *naming) c(f *sampleFrame) {
	n.jit = false
	n.cFrame(luajit.Call{Func: f.Aux, C: f.Address, FFID: uint8(f.More)})
}

func (n *naming) cFrame(c luajit.Call) {
	f := profile.Frame{Kind: profile.FrameC}
	ok := false
	if n.vm != nil {
		f.Name, ok = n.p.builtin(n.vm, c)
	}
	if !ok {
		native := n.native(c.C)
		f.Name, f.Address, f.Mapping = native.Name, native.Address, native.Mapping
	}
	n.push(f)
}

// trouble says why a stack ends, or misses something.
func (p *sampled) trouble(f *sampleFrame) string {
	where := func(what string) string {
		if m := p.find(f.Address); m != nil && m.object != nil {
			return fmt.Sprintf("%s: %s", what, m.object.path)
		}
		return what
	}
	switch sampleCause(f.More) {
	case sampleCauseCAUSE_MAPPING:
		p.strange = true
		return "code that was not mapped a moment ago"
	case sampleCauseCAUSE_ROW:
		return where("no unwind row")
	case sampleCauseCAUSE_RULE:
		return where("unwind rule needs what is not known")
	case sampleCauseCAUSE_STACK:
		return "stack cannot be read"
	case sampleCauseCAUSE_THREAD:
		return "Lua thread of the interpreter is not known"
	case sampleCauseCAUSE_LUA_READ:
		return "Lua stack cannot be read"
	case sampleCauseCAUSE_LUA_FRAME:
		return "Lua stack makes no sense"
	case sampleCauseCAUSE_CODE:
		return "code that neither LuaJIT nor PCRE has made"
	case sampleCauseCAUSE_DEEP:
		return "stack is too deep"
	case sampleCauseCAUSE_REGISTERS:
		return "registers of user space cannot be read"
	}
	return "unknown"
}
