package bpf

import (
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
)

// taskRegs is 1 where programs may ask the kernel for a thread's registers of user space,
// which came with Linux 5.15. Elsewhere they look for them on the thread's stack.
func taskRegs() uint32 {
	if features.HaveProgramHelper(ebpf.PerfEvent, asm.FnTaskPtRegs) != nil {
		return 0
	}
	return 1
}

// kernelStack is THREAD_SIZE, the size of a thread's stack in the kernel: 16 KiB, or a page
// if that is more.
func kernelStack() uint32 { return uint32(max(16<<10, os.Getpagesize())) }
