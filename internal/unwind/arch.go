package unwind

import (
	"debug/elf"
	"fmt"
)

// An arch numbers the registers as DWARF does for a processor.
type arch struct {
	sp, fp, ra uint64
	// saved: the return address is at CFA-8*Add, or in its register; else it is at CFA-8.
	saved bool
}

var (
	x86 = &arch{sp: 7, fp: 6, ra: 16}                // System V ABI, AMD64, 3.6.2
	arm = &arch{sp: 31, fp: 29, ra: 30, saved: true} // DWARF for the Arm 64-bit Architecture, 4.1
)

// Further registers of x86-64 in rules: r9 is an index in OpenSSL's assembly, rip is what
// those for .plt tell by. r15 is the last that holds an address.
const (
	x86R9  = 9
	x86R15 = 15
	x86RIP = 16
)

func archOf(f *elf.File) (*arch, error) {
	if f.Class == elf.ELFCLASS64 && f.Data == elf.ELFDATA2LSB {
		switch f.Machine {
		case elf.EM_X86_64:
			return x86, nil
		case elf.EM_AARCH64:
			return arm, nil
		}
	}
	return nil, fmt.Errorf("%v %v %v: only ELFCLASS64 for EM_X86_64 and EM_AARCH64 is supported", f.Class, f.Data, f.Machine)
}
