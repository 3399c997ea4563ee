package unwind

import "math"

// Operations of DWARF expressions (DWARF 5, 7.7.1), those that rules are written with.
const (
	opDeref      = 0x06
	opAnd        = 0x1a
	opMul        = 0x1e
	opPlus       = 0x22
	opPlusUconst = 0x23
	opShl        = 0x24
	opGe         = 0x2a
	opLit0       = 0x30
	opLit31      = 0x4f
	opBreg0      = 0x70
	opBreg31     = 0x8f
)

// An operand is a register and what is added to it: DW_OP_bregN.
type operand struct {
	reg uint64
	n   int32
}

func (c *cursor) breg() operand {
	op := c.u8()
	if op < opBreg0 || op > opBreg31 {
		c.fail()
		return operand{}
	}
	n := c.sleb()
	if n != int64(int32(n)) {
		c.fail()
	}
	return operand{uint64(op - opBreg0), int32(n)}
}

// literal reads DW_OP_litN.
func (c *cursor) literal() uint64 {
	op := c.u8()
	if op < opLit0 || op > opLit31 {
		c.fail()
		return 0
	}
	return uint64(op - opLit0)
}

// want goes bad unless these operations are next.
func (c *cursor) want(ops ...byte) {
	for _, op := range ops {
		if c.u8() != op {
			c.fail()
		}
	}
}

// registerExpression reads an expression that is a register and a number, and no more.
func registerExpression(expr []byte) (operand, bool) {
	c := cursor{b: expr}
	o := c.breg()
	return o, !c.bad && c.at == len(expr)
}

// cfaExpression finds the rule of x86-64 for an expression: one of CFASP, CFAFP, CFAPLT,
// CFAFPDeref, CFASPDeref, CFASPIndexed, and CFANone for any other.
func cfaExpression(expr []byte) Row {
	for _, read := range []func(*cursor) Row{derefRule, pltRule, indexedRule} {
		c := cursor{b: expr}
		if r := read(&c); !c.bad && c.at == len(expr) {
			return r
		}
	}
	if o, ok := registerExpression(expr); ok {
		switch o.reg {
		case x86.sp:
			return Row{CFA: CFASP, CFAOffset: o.n}
		case x86.fp:
			return Row{CFA: CFAFP, CFAOffset: o.n}
		}
	}
	return Row{}
}

// derefRule: breg n; deref [; plus_uconst k]
func derefRule(c *cursor) Row {
	o := c.breg()
	c.want(opDeref)
	r := Row{CFAOffset: o.n}
	if c.more() {
		r.Add = c.added()
	}
	switch o.reg {
	case x86.sp:
		r.CFA = CFASPDeref
	case x86.fp:
		r.CFA = CFAFPDeref
	default:
		c.fail()
	}
	return r
}

// added reads DW_OP_plus_uconst.
func (c *cursor) added() uint16 {
	c.want(opPlusUconst)
	k := c.uleb()
	if k > math.MaxUint16 {
		c.fail()
	}
	return uint16(k)
}

// pltRule: breg7 8; breg16 0; lit15; and; lit11; ge; lit3; shl; plus. An entry of .plt
// pushes its index in its first 11 bytes, or fewer in other forms of it.
func pltRule(c *cursor) Row {
	sp, pc := c.breg(), c.breg()
	c.want(opLit0+15, opAnd)
	k := c.literal()
	c.want(opGe, opLit0+3, opShl, opPlus)
	if sp.reg != x86.sp || pc != (operand{x86RIP, 0}) {
		c.fail()
	}
	return Row{CFA: CFAPLT, CFAOffset: sp.n, Add: uint16(k)}
}

// indexedRule: breg7 n; breg9 0; lit8; mul; plus; deref; plus_uconst k. It is bn_mul_mont's.
func indexedRule(c *cursor) Row {
	sp, index := c.breg(), c.breg()
	c.want(opLit0+8, opMul, opPlus, opDeref)
	k := c.added()
	if sp.reg != x86.sp || index != (operand{x86R9, 0}) {
		c.fail()
	}
	return Row{CFA: CFASPIndexed, CFAOffset: sp.n, Add: k}
}
