package luajit

// findJIT looks for what of jit_State the layout lacks: the traces are found when there is
// one, the areas of compiled code when the first was allocated.
func (g *GlobalLayout) findJIT(m *memory, image []byte) {
	end := uint32(len(image))
	if g.Dispatch != 0 {
		end = min(end, g.Dispatch)
	}
	for at := g.JITBase + 8; at+32 <= end; at += 8 {
		switch {
		case g.Trace == 0 && m.isTraceArray(image[at:]):
			g.Trace = at
		case g.Code == 0 && m.isCodeArea(image[at:]):
			g.Code = at
		}
	}
}

const (
	traceSize = 112 // of GCtrace, as far as it is read here
	// tracesMost is what a trace's number can be at most: TraceNo1 has 16 bits.
	tracesMost = 1 << 16
)

// isTraceArray reports whether p is jit_State.trace, freetrace and sizetrace: entry i of the
// array is null or a GCtrace that says it has number i, and there is at least one.
func (m *memory) isTraceArray(p []byte) bool {
	array, free, size := word(p, 0), half(p, 8), half(p, 12)
	if array == 0 || array%8 != 0 || size < 2 || size > tracesMost || free > size {
		return false
	}
	refs := make([]byte, 8*min(size, 256))
	if !m.read(array, refs) {
		return false
	}
	some := false
	for i := uint32(1); 8*i < uint32(len(refs)); i++ {
		ref := word(refs, 8*i)
		if ref == 0 {
			continue
		}
		var head [traceSize]byte
		if !m.object(ref, gctTrace, head[:]) || uint32(short(head[:], traceNumber)) != i {
			return false
		}
		some = true
	}
	return some
}

// isCodeArea reports whether p is jit_State.mcarea, mctop, mcbot and szmcarea (lj_jit.h): an
// area begins with an MCLink {next, size}, and code grows in it from both ends.
func (m *memory) isCodeArea(p []byte) bool {
	area, top, bottom, size := word(p, 0), word(p, 8), word(p, 16), word(p, 24)
	return area != 0 && area%pageSize == 0 && size != 0 && size%pageSize == 0 && size <= codeMost &&
		area < bottom && bottom <= top && top <= area+size && m.word(area+8) == size
}

// codeMost bounds an area of compiled code: -Osizemcode is 32 or 64 KiB unless it is set.
const codeMost = 64 << 20

// codeAreas returns the areas that hold compiled code, the current one first.
func (m *memory) codeAreas(vm *VM) []Range {
	const areasMost = 1024
	if vm.Layout.Global.Code == 0 {
		return nil
	}
	var areas []Range
	seen := map[uint64]bool{}
	at := m.word(vm.Global + uint64(vm.Layout.Global.Code))
	for at != 0 && at%pageSize == 0 && !seen[at] && len(areas) < areasMost {
		size := m.word(at + 8)
		if size == 0 || size%pageSize != 0 || size > codeMost {
			break
		}
		seen[at] = true
		areas = append(areas, Range{at, at + size})
		at = m.word(at)
	}
	return areas
}
