package bpf

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// tryTracepoint attaches a program that does nothing to a typed tracepoint, and takes it
// off again.
func tryTracepoint() error {
	p, err := idle(ebpf.Tracing, ebpf.AttachTraceRawTp, "sched_process_exit")
	if err != nil {
		return err
	}
	defer p.Close()
	l, err := link.AttachTracing(link.TracingOptions{Program: p})
	if err != nil {
		return err
	}
	return l.Close()
}

// tryUprobe does the same at a place of this very program that is never passed again.
func tryUprobe() error {
	const self = "/proc/self/exe"
	p, err := idle(ebpf.Kprobe, ebpf.AttachNone, "")
	if err != nil {
		return err
	}
	defer p.Close()
	offset, err := entryOffset(self)
	if err != nil {
		return err
	}
	exe, err := link.OpenExecutable(self)
	if err != nil {
		return err
	}
	l, err := exe.Uprobe("entry", p, &link.UprobeOptions{Address: offset})
	if err != nil {
		return err
	}
	return l.Close()
}

// trySampling opens a clock of a CPU that never starts, with a program that does nothing.
func trySampling() error {
	p, err := idle(ebpf.PerfEvent, ebpf.AttachNone, "")
	if err != nil {
		return err
	}
	defer p.Close()
	cpus, err := onlineCPUs()
	if err != nil {
		return err
	}
	s := Sampler{period: time.Second, kernel: sampleKernel{OnClock: p}}
	c, err := s.openClock(cpus[0])
	if err != nil {
		return err
	}
	return c.close()
}

// unsampled says what follows where stacks cannot be sampled. Debian's and Ubuntu's kernels
// know a perf_event_paranoid that keeps perf events even from some who may otherwise.
func unsampled() string {
	then := "profile and trace --cpu do not work"
	b, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
	if n, bad := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && bad == nil && n > 2 {
		then += ": run as root, or sysctl kernel.perf_event_paranoid=2"
	}
	return then
}

// idle loads a program that returns 0.
func idle(kind ebpf.ProgramType, attach ebpf.AttachType, to string) (*ebpf.Program, error) {
	return ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "apisixscope_try", Type: kind, AttachType: attach, AttachTo: to,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
		License:      "Dual MIT/GPL",
	})
}

// entryOffset returns where in an executable's file its first instruction is.
func entryOffset(path string) (uint64, error) {
	f, err := elf.Open(path)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Vaddr <= f.Entry && f.Entry < p.Vaddr+p.Filesz {
			return f.Entry - p.Vaddr + p.Off, nil
		}
	}
	return 0, errors.New("the program has no entry")
}
