package luajit

import "encoding/binary"

// guards finds where snapshots begin in a trace whose snapshots do not say it, on x86-64.
// A guard, jcc rel32, leaves the trace for the stub of its snapshot (asm_guardcc in
// lj_asm_x86.h), and the stub pushes the snapshot's number. Code before a guard, up to one of an
// earlier snapshot, is in between: only the comparison is counted to it. Guards that lead to
// a side trace tell nothing.
func (m *memory) guards(code Range, snaps int) []place {
	places := []place{{0, 0}}
	if code.End-code.Start > readMost {
		return places
	}
	p := make([]byte, code.End-code.Start)
	if !m.read(code.Start, p) {
		return places
	}
	const (
		length  = 6 // 0f 8x rel32
		compare = 8 // of the usual comparison before it
	)
	end := uint64(0) // of the last guard
	last := 0
	for i := 0; i+length <= len(p); i++ {
		if p[i] != 0x0f || p[i+1]&0xf0 != 0x80 {
			continue
		}
		target := code.Start + uint64(i) + length + uint64(int64(int32(binary.LittleEndian.Uint32(p[i+2:]))))
		if code.Contains(target) {
			continue
		}
		// Snapshots are in order in the code, so what goes back is no guard.
		snap, ok := m.exitNumber(target)
		if !ok || snap < last || snap >= snaps {
			continue
		}
		if snap > last {
			places = append(places, place{max(end, uint64(max(0, i-compare))), snap})
			last = snap
		}
		end = uint64(i) + length
		i += length - 1
	}
	return places
}

// exitNumber returns which exit the stub at addr is for. A group has 32 stubs of 4 bytes,
// push number & 255 and a jump, less the last one's jump; then push number >> 8
// (asm_exitstub_gen).
func (m *memory) exitNumber(addr uint64) (int, bool) {
	const push, jump, spacing, group = 0x6a, 0xeb, 4, 32
	var stub [3]byte
	if !m.read(addr, stub[:]) || stub[0] != push {
		return 0, false
	}
	low := uint64(stub[1])
	end := addr - low%group*spacing + (group-1)*spacing + 2
	var high [2]byte
	if !m.read(end, high[:]) || high[0] != push || high[1] > 15 {
		return 0, false
	}
	if addr+2 != end && stub[2] != jump {
		return 0, false
	}
	return int(high[1])<<8 | int(low), true
}
