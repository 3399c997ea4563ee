package unwind

// Call frame instructions (DWARF 5, 7.24; GNU's and Arm's as in binutils' dwarf2.def). The
// first three keep an operand in their lower six bits.
const (
	insAdvanceLoc = 1 // << 6
	insOffset     = 2
	insRestore    = 3

	insNop              = 0x00
	insSetLoc           = 0x01
	insAdvanceLoc1      = 0x02
	insAdvanceLoc2      = 0x03
	insAdvanceLoc4      = 0x04
	insOffsetExtended   = 0x05
	insRestoreExtended  = 0x06
	insUndefined        = 0x07
	insSameValue        = 0x08
	insRegister         = 0x09
	insRememberState    = 0x0a
	insRestoreState     = 0x0b
	insDefCFA           = 0x0c
	insDefCFARegister   = 0x0d
	insDefCFAOffset     = 0x0e
	insDefCFAExpression = 0x0f
	insExpression       = 0x10
	insOffsetExtendedSF = 0x11
	insDefCFASF         = 0x12
	insDefCFAOffsetSF   = 0x13
	insValOffset        = 0x14
	insValOffsetSF      = 0x15
	insValExpression    = 0x16
	insNegateRAState    = 0x2d // DW_CFA_AARCH64_negate_ra_state; pointers are signed from here on
	insGNUArgsSize      = 0x2e
	insGNUNegOffset     = 0x2f
)

// Compilers nest two deep.
const maxRemembered = 64

// A program runs the instructions of an entry: those of its CIE first, then its own.
type program struct {
	arch *arch
	cie  *cie
	base uint64 // address of the cursor's first byte

	state      state
	loc        uint64
	remembered []state
}

// run runs all of c. Before an instruction that goes on to a higher address, it calls emit, which may
// end the run. It returns false at an instruction that it cannot read; state and
// loc are those from before it.
func (p *program) run(c *cursor, emit func() bool) bool {
	for c.more() {
		op := c.u8()
		loc, moves := p.advance(c, op)
		if moves {
			if c.bad || loc < p.loc {
				return false
			}
			if loc > p.loc && !emit() {
				return true
			}
			p.loc = loc
			continue
		}
		if !p.step(c, op) || c.bad {
			return false
		}
	}
	return !c.bad
}

// advance returns where an instruction goes on to, if it is of that kind.
func (p *program) advance(c *cursor, op byte) (loc uint64, moves bool) {
	switch {
	case op>>6 == insAdvanceLoc:
		return p.loc + uint64(op&0x3f)*p.cie.codeAlign, true
	case op == insSetLoc:
		return c.pointer(p.cie.encoding, p.base), true
	case op == insAdvanceLoc1:
		return p.loc + c.fixed(1)*p.cie.codeAlign, true
	case op == insAdvanceLoc2:
		return p.loc + c.fixed(2)*p.cie.codeAlign, true
	case op == insAdvanceLoc4:
		return p.loc + c.fixed(4)*p.cie.codeAlign, true
	}
	return 0, false
}

// step takes an instruction that changes a rule.
func (p *program) step(c *cursor, op byte) bool {
	switch op >> 6 {
	case insOffset:
		p.set(uint64(op&0x3f), rule{ruleSaved, int64(c.uleb()) * p.cie.dataAlign})
		return true
	case insRestore:
		p.restore(uint64(op & 0x3f))
		return true
	}
	switch op {
	case insNop:
	case insRememberState:
		if len(p.remembered) == maxRemembered {
			return false
		}
		p.remembered = append(p.remembered, p.state)
	case insRestoreState:
		n := len(p.remembered)
		if n == 0 {
			return false
		}
		p.state, p.remembered = p.remembered[n-1], p.remembered[:n-1]
	case insGNUArgsSize:
		c.uleb() // of what a call pushes: for exceptions alone
	case insNegateRAState:
		return p.arch == arm
	default:
		return p.define(c, op) || p.rule(c, op)
	}
	return true
}

// define takes an instruction that changes the CFA. As in libgcc's execute_cfa_program, a
// new offset changes nothing while an expression holds.
func (p *program) define(c *cursor, op byte) bool {
	s := &p.state
	switch op {
	case insDefCFA:
		s.reg, s.offset, s.byExpr = c.uleb(), int64(c.uleb()), false
	case insDefCFASF:
		s.reg, s.offset, s.byExpr = c.uleb(), c.sleb()*p.cie.dataAlign, false
	case insDefCFARegister:
		s.reg, s.byExpr = c.uleb(), false
	case insDefCFAOffset:
		s.offset = int64(c.uleb())
	case insDefCFAOffsetSF:
		s.offset = c.sleb() * p.cie.dataAlign
	case insDefCFAExpression:
		s.expr, s.byExpr = cfaExpression(c.take(c.uleb())), true
	default:
		return false
	}
	return true
}

// rule takes an instruction that changes how a register is found.
func (p *program) rule(c *cursor, op byte) bool {
	if op < insOffsetExtended || op > insValExpression && op != insGNUNegOffset {
		return false
	}
	reg := c.uleb()
	switch op {
	case insOffsetExtended:
		p.set(reg, rule{ruleSaved, int64(c.uleb()) * p.cie.dataAlign})
	case insOffsetExtendedSF:
		p.set(reg, rule{ruleSaved, c.sleb() * p.cie.dataAlign})
	case insGNUNegOffset:
		p.set(reg, rule{ruleSaved, -int64(c.uleb()) * p.cie.dataAlign})
	case insRestoreExtended:
		p.restore(reg)
	case insUndefined:
		p.set(reg, rule{kind: ruleUndefined})
	case insSameValue:
		p.set(reg, rule{kind: ruleSame})
	case insValOffset, insValOffsetSF:
		r := rule{kind: ruleOther}
		if c.uleb() == 0 && reg == p.arch.sp {
			r.kind = ruleSame // it is the CFA
		}
		p.set(reg, r)
	case insRegister:
		c.uleb()
		p.set(reg, rule{kind: ruleOther})
	case insValExpression:
		c.take(c.uleb())
		p.set(reg, rule{kind: ruleOther})
	case insExpression:
		p.set(reg, p.savedBy(c.take(c.uleb())))
	default:
		return false
	}
	return true
}

// savedBy returns the rule of a register that is saved where an expression says.
func (p *program) savedBy(expr []byte) rule {
	o, ok := registerExpression(expr)
	switch {
	case ok && o.reg == p.arch.fp:
		return rule{ruleAtFP, int64(o.n)}
	case ok && o.reg == p.arch.sp:
		return rule{ruleAtSP, int64(o.n)}
	}
	return rule{kind: ruleOther}
}

func (p *program) set(reg uint64, r rule) {
	switch reg {
	case p.arch.fp:
		p.state.fp = r
	case p.arch.ra:
		p.state.ra = r
	case p.arch.sp:
		p.state.sp = r
	}
}

// restore sets a register to what the CIE has for it.
func (p *program) restore(reg uint64) {
	switch reg {
	case p.arch.fp:
		p.state.fp = p.cie.initial.fp
	case p.arch.ra:
		p.state.ra = p.cie.initial.ra
	case p.arch.sp:
		p.state.sp = p.cie.initial.sp
	}
}
