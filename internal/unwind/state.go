package unwind

import "math"

// A rule is how a register of the caller is found. Its zero value says that the function
// left it as it was.
type rule struct {
	kind ruleKind
	n    int64
}

type ruleKind uint8

const (
	ruleSame      ruleKind = iota
	ruleSaved              // at CFA+n
	ruleAtFP               // at fp+n
	ruleAtSP               // at sp+n
	ruleUndefined          // lost
	ruleOther
)

// A state is what the instructions up to some address add up to.
type state struct {
	reg    uint64 // CFA is this register and
	offset int64  // this, unless
	byExpr bool   // it is an expression, and
	expr   Row    // this, of which only the CFA's fields are set

	fp, ra rule
	sp     rule // ruleSame for what nearly all have: the CFA
}

// row returns the row that begins at pc.
func (s *state) row(pc uint64, a *arch, signal bool) Row {
	none := func(why Reason) Row { return Row{PC: uint32(pc), Add: uint16(why)} }
	if s.ra.kind == ruleUndefined {
		return Row{PC: uint32(pc), CFA: CFAEnd}
	}
	if signal && a == x86 && s.isSignal() {
		return Row{PC: uint32(pc), CFA: CFASignal}
	}
	r, ok := s.cfa(a)
	if !ok || s.sp.kind != ruleSame {
		return none(OddCFA)
	}
	r.PC = uint32(pc)
	switch {
	case !a.saved:
		if s.ra != (rule{ruleSaved, -8}) {
			return none(OddReturn)
		}
	case s.ra.kind == ruleSaved && s.ra.n < 0 && s.ra.n%8 == 0 && s.ra.n >= -8*math.MaxUint16:
		r.Add = uint16(-s.ra.n / 8)
	case s.ra.kind != ruleSame:
		return none(OddReturn)
	}
	r.FP, r.FPOffset = s.fpRule()
	return r
}

// cfa returns a row with the CFA's fields alone.
func (s *state) cfa(a *arch) (Row, bool) {
	if s.byExpr {
		return s.expr, s.expr.CFA != CFANone && a == x86
	}
	if s.offset != int64(int32(s.offset)) {
		return Row{}, false
	}
	r := Row{CFAOffset: int32(s.offset)}
	switch {
	case s.reg == a.sp:
		r.CFA = CFASP
	case s.reg == a.fp:
		r.CFA = CFAFP
	case a == x86 && s.reg <= x86R15: // on arm64, Add is the return address's
		r.CFA, r.Add = CFARegister, uint16(s.reg)
	default:
		return Row{}, false
	}
	return r, true
}

func (s *state) fpRule() (FPRule, int32) {
	n := int32(s.fp.n)
	switch {
	case s.fp.kind == ruleSame:
		return FPSame, 0
	case s.fp.n != int64(n):
	case s.fp.kind == ruleSaved:
		return FPAtCFA, n
	case s.fp.kind == ruleAtFP:
		return FPAtFP, n
	}
	return FPUnknown, 0
}

// isSignal reports whether s is what libc's __restore_rt says of the frame that the kernel
// made for a signal's handler: glibc's sysdeps/unix/sysv/linux/x86_64/sigaction.c, by
// struct ucontext of the kernel's arch/x86/include/uapi/asm/sigcontext.h.
func (s *state) isSignal() bool {
	return s.byExpr && s.expr == Row{CFA: CFASPDeref, CFAOffset: 160} &&
		s.fp == rule{ruleAtSP, 120} && s.sp == rule{ruleAtSP, 160} && s.ra == rule{ruleAtSP, 168}
}
