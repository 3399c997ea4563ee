//go:build amd64

package unwind

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A tracee is a process that the test stops at will. All of it happens on one thread.
type tracee struct {
	t   *testing.T
	pid int
}

// trace starts a command and stops it where its own code begins: before that, the loader
// runs, of which no table says where it began.
func trace(t *testing.T, cmd *exec.Cmd) *tracee {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	cmd.SysProcAttr = &unix.SysProcAttr{Ptrace: true}
	cmd.Env = append(os.Environ(), "LD_BIND_NOW=1")
	if err := cmd.Start(); err != nil {
		if os.IsPermission(err) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	p := &tracee{t, cmd.Process.Pid}
	t.Cleanup(func() {
		_ = unix.Kill(p.pid, unix.SIGKILL)
		_, _ = unix.Wait4(p.pid, nil, 0, nil)
	})
	p.wait()
	p.check(unix.PtraceSetOptions(p.pid, unix.PTRACE_O_EXITKILL))
	p.runTo(p.entry())
	return p
}

func (p *tracee) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// wait waits until p stops, and returns the signal that it stops for.
func (p *tracee) wait() unix.Signal {
	p.t.Helper()
	var status unix.WaitStatus
	_, err := unix.Wait4(p.pid, &status, 0, nil)
	for err == unix.EINTR {
		_, err = unix.Wait4(p.pid, &status, 0, nil)
	}
	p.check(err)
	if !status.Stopped() {
		p.t.Fatalf("process %d has ended: %#x", p.pid, status)
	}
	return status.StopSignal()
}

// entry reads the executable's entry point from the auxiliary vector.
func (p *tracee) entry() uint64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/auxv", p.pid))
	p.check(err)
	const entry = 9 // AT_ENTRY
	for words := bytes.NewReader(data); ; {
		var pair [2]uint64
		p.check(binary.Read(words, binary.LittleEndian, &pair))
		if pair[0] == entry {
			return pair[1]
		}
	}
}

func (p *tracee) runTo(addr uint64) {
	p.t.Helper()
	code := make([]byte, 1)
	_, err := unix.PtracePeekText(p.pid, uintptr(addr), code)
	p.check(err)
	_, err = unix.PtracePokeText(p.pid, uintptr(addr), []byte{0xcc})
	p.check(err)
	p.resume(0)
	if s := p.wait(); s != unix.SIGTRAP {
		p.t.Fatalf("stopped by %v", s)
	}
	_, err = unix.PtracePokeText(p.pid, uintptr(addr), code)
	p.check(err)
	var regs unix.PtraceRegs
	p.check(unix.PtraceGetRegs(p.pid, &regs))
	regs.Rip = addr
	p.check(unix.PtraceSetRegs(p.pid, &regs))
}

func (p *tracee) resume(s unix.Signal) {
	p.t.Helper()
	p.check(unix.PtraceCont(p.pid, int(s)))
}

// interrupt lets p run for a while, with the signals that it gets, and stops it.
func (p *tracee) interrupt(after time.Duration) {
	p.t.Helper()
	p.resume(0)
	time.Sleep(after)
	p.check(unix.Kill(p.pid, unix.SIGSTOP))
	for s := p.wait(); s != unix.SIGSTOP; s = p.wait() {
		p.resume(s)
	}
}

// step takes one instruction. A signal that p gets instead of it is delivered, and returned.
func (p *tracee) step(deliver unix.Signal) (interrupted unix.Signal) {
	p.t.Helper()
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SINGLESTEP, uintptr(p.pid), 0, uintptr(deliver), 0, 0)
	if errno != 0 {
		p.t.Fatal(errno)
	}
	if s := p.wait(); s != unix.SIGTRAP {
		return s
	}
	return 0
}

func (p *tracee) registers() registers {
	p.t.Helper()
	var r unix.PtraceRegs
	p.check(unix.PtraceGetRegs(p.pid, &r))
	return registers{pc: r.Rip, sp: r.Rsp, other: map[uint16]uint64{
		0: r.Rax, 1: r.Rdx, 2: r.Rcx, 3: r.Rbx, 4: r.Rsi, 5: r.Rdi, 6: r.Rbp,
		8: r.R8, 9: r.R9, 10: r.R10, 11: r.R11, 12: r.R12, 13: r.R13, 14: r.R14, 15: r.R15,
	}}
}
