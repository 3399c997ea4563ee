package unwind

import "fmt"

// A Row tells of the instructions from PC on, up to the next row, how their frame is
// unwound. The canonical frame address (CFA) is the stack pointer as it was before the
// call that made the frame. The caller's stack pointer is the CFA, and its program counter:
//
//	x86-64  is at CFA-8
//	arm64   is at CFA-8*Add, or still in x30 if Add is 0
//
// The kernel programs read rows as they lie in memory: 16 bytes, no padding.
type Row struct {
	PC        uint32 // as the object's program headers count addresses
	CFAOffset int32  // n of CFA
	FPOffset  int32  // n of FP
	Add       uint16 // k of CFA; the register of CFARegister; the Reason of CFANone
	CFA       CFARule
	FP        FPRule
}

// A CFARule is how the CFA is found. In comments, n is CFAOffset, k is Add, and *(x) is the
// word at x.
//
// A signal's frame has no CFA. It holds the registers of what was interrupted, from sp+40 on:
// r8 to r15, rdi, rsi, rbp (sp+120), rbx, rdx, rax, rcx, rsp (sp+160), rip (sp+168). That is the
// kernel's struct sigcontext_64. rip is where it goes on: it does not follow a call, so its row
// is that of rip itself, not of the byte before it.
type CFARule uint8

const (
	CFANone      CFARule = iota // not known; see Row.Reason
	CFASP                       // sp + n
	CFAFP                       // fp + n
	CFAPLT                      // sp + n, and 8 more if pc&15 >= k; .plt, where n is 8 and k mostly 11
	CFAFPDeref                  // *(fp+n) + k
	CFASPDeref                  // *(sp+n) + k
	CFARegister                 // register with DWARF number k, 0 to 15, + n: known of the leaf alone, and of what a signal interrupted
	CFASignal                   // a signal's frame; see below
	CFAEnd                      // there is no caller
	CFASPIndexed                // *(sp + n + 8*r9) + k; r9 is known as CFARegister's is
)

// An FPRule is what the caller's frame pointer (rbp, x29) is. In comments, n is FPOffset.
type FPRule uint8

const (
	FPSame    FPRule = iota // what it is in this frame
	FPAtCFA                 // *(CFA+n)
	FPUnknown               // lost: no caller that needs it can be unwound
	FPAtFP                  // *(fp+n), fp of this frame; where the stack was aligned anew
)

// A Reason is why there is no rule.
type Reason uint16

const (
	NoEntry       Reason = iota // the object has no entry for the address
	OddCFA                      // a CFA that no CFARule can express
	OddReturn                   // the return address is elsewhere than Row has it
	OddFrameEntry               // the entry cannot be read
)

// Reason says why there is no rule, if CFA is CFANone.
func (r Row) Reason() Reason { return Reason(r.Add) }

func (r Reason) String() string {
	switch r {
	case NoEntry:
		return "no unwind entry"
	case OddCFA:
		return "unwind rule of the frame address not supported"
	case OddReturn:
		return "unwind rule of the return address not supported"
	case OddFrameEntry:
		return "unwind entry malformed"
	}
	return fmt.Sprintf("reason %d", uint16(r))
}

// sameRules reports whether r and o differ in nothing but where they begin.
func (r Row) sameRules(o Row) bool {
	o.PC = r.PC
	return r == o
}
