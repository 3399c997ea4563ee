package luajit

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestGatewayStacks stops a worker under load again and again, and walks its Lua stack: by
// the interpreter's registers, by the trace it runs, or by what was stored before a call of C.
func TestGatewayStacks(t *testing.T) {
	testrig.NeedBPF(t)
	w := startNginx(t)
	r := liveReader(t, w.pid)
	stop := load(t, w)
	defer stop()

	runtime.LockOSThread() // ptrace is a matter of threads
	defer runtime.UnlockOSThread()
	if err := unix.PtraceSeize(w.pid); err != nil {
		t.Fatal(err)
	}
	defer func() { // only what stands still can be let go
		halt(t, w.pid)
		if err := unix.PtraceDetach(w.pid); err != nil {
			t.Error(err)
		}
	}()
	seen := tally{functions: map[string]int{}}
	for range 1500 {
		time.Sleep(1500 * time.Microsecond)
		seen.sample(t, r, w.pid)
	}
	t.Logf("%+v", seen)
	if seen.lua < 300 || seen.jit < 20 || seen.interpreter < 20 || seen.native < 20 {
		t.Errorf("too few samples of a kind")
	}
	// While LuaJIT restores a stack as it leaves a trace (lj_snap_restore), there is none to be
	// seen: one sample in some thousands.
	if limit := seen.lua / 500; seen.wrong > limit || seen.broken > limit {
		t.Errorf("%d of %d stacks have a call that the source does not, %d broke off", seen.wrong, seen.lua, seen.broken)
	}
	for _, name := range []string{"leaf", "middle", "inner", "__index", "number.__add", "sum", "descending", "upper", "depth", "thrower", "body"} {
		if seen.functions[name] == 0 {
			t.Errorf("no sample of %s", name)
		}
	}
}

// liveReader finds the VM in a worker, both ways.
func liveReader(t *testing.T, pid int) *Reader {
	t.Helper()
	p, err := OpenProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	symbols, interpreter := exported(t, pid)
	f := Finder{Memory: p, Interpreter: interpreter}
	vms, err := f.Find(symbols)
	if err != nil || len(vms) != 1 || vms[0].Module != "http" {
		t.Fatalf("found %+v, %v", vms, err)
	}
	r := NewReader(vms[0], p)
	state, _ := r.Running()
	if byState, err := f.FromState(state); err != nil || byState.Global != vms[0].Global || byState.Layout != vms[0].Layout {
		t.Fatalf("by a lua_State: %+v, %v; by symbols: %+v", byState, err, vms[0])
	}
	return r
}

// load keeps the worker at work until it is stopped.
func load(t *testing.T, w worker) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ended:
				return
			default:
			}
			if err := w.ask("/work"); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	return func() { close(ended); <-done }
}

// A tally counts samples.
type tally struct {
	lua, jit, interpreter, native, inlined int // with Lua on the stack; of these, by what ran
	wrong, broken                          int
	functions                              map[string]int
}

// halt stops a process that this thread has seized.
func halt(t *testing.T, pid int) {
	t.Helper()
	if err := unix.PtraceInterrupt(pid); err != nil {
		t.Error(err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil || !status.Stopped() {
		t.Errorf("wait for worker %d: %v, %v", pid, status, err)
	}
}

func (n *tally) sample(t *testing.T, r *Reader, pid int) {
	t.Helper()
	halt(t, pid)
	defer func() {
		if err := unix.PtraceCont(pid, 0); err != nil {
			t.Fatal(err)
		}
	}()
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &regs); err != nil {
		t.Fatal(err)
	}
	r.Forget()
	p := Point{IP: regs.Rip, Base: regs.Rdx, PC: regs.Rbx}
	var runs bool
	if p.State, runs = r.Running(); !runs {
		return
	}
	inVM := r.vm.Interpreter.Contains(p.IP)
	if saved := r.mem.word(regs.Rsp + uint64(r.vm.Layout.CFrame.L)); inVM && r.mem.isThread(saved, r.vm.Global) {
		p.State = saved
	}
	calls, err := r.Stack(p)
	stack := frames(r, calls)
	n.lua++
	switch trace, ok := r.Trace(p.IP); {
	case ok:
		n.jit++
		if len(trace.Calls) > 1 {
			n.inlined++
		}
	case inVM:
		n.interpreter++
	default:
		n.native++
	}
	if err != nil {
		n.broken++
		t.Logf("ip %#x in the interpreter: %v: %v", p.IP, inVM, err)
	}
	if wrong := falseEdges(t, stack); len(wrong) > 0 {
		n.wrong++
		t.Logf("ip %#x in the interpreter: %v: %s", p.IP, inVM, strings.Join(wrong, "; "))
	}
	for _, f := range stack {
		n.functions[f.Name]++
	}
}
