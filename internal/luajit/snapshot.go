package luajit

import "slices"

// snapKind tells the two forms of SnapShot (lj_jit.h) apart. Since v2.1-20211210 it holds
// mcofs, the place in the code where a snapshot begins to hold; before, it did not.
type snapKind int

const (
	snapUnknown snapKind = iota
	snapPlaced           // mapofs 0, ref 4, mcofs 6, nslots 8, topslot 9, nent 10, count 11
	snapBare             // mapofs 0, ref 4, nslots 6, topslot 7, nent 8, count 9
)

const (
	snapSize = 12
	// Beyond these a trace is not believed: -Omaxsnap is 500 unless it is set.
	snapsMost   = 8 << 10
	snapMapMost = 256 << 10
)

// snapshots are those of one trace: which slots of the stack it would restore, were it
// left there. Among the slots are the frames of all functions that it inlined.
type snapshots struct {
	heads   []byte // SnapShot
	entries []byte // SnapEntry: slot << 24 | flags | ref
	ir      uint64
	kind    snapKind
}

// readSnapshots reads those of a trace. prefer decides where the trace fits both forms.
func (m *memory) readSnapshots(head []byte, prefer snapKind) *snapshots {
	n, size := int(short(head, traceSnaps)), half(head, traceMap)
	if n == 0 || n > snapsMost || size > snapMapMost {
		return nil
	}
	s := &snapshots{heads: make([]byte, snapSize*n), entries: make([]byte, 4*size), ir: word(head, traceIR)}
	if !m.read(word(head, traceSnap), s.heads) || !m.read(word(head, traceSnapMap), s.entries) {
		return nil
	}
	placed, bare := s.fits(snapPlaced), s.fits(snapBare)
	switch {
	case placed && bare && prefer != snapUnknown:
		s.kind = prefer
	case placed:
		s.kind = snapPlaced
	case bare:
		s.kind = snapBare
	default:
		return nil
	}
	return s
}

func (s *snapshots) len() int { return len(s.heads) / snapSize }

// fits reports whether each snapshot's entries end, as they must, two words before those of
// the next begin, and at the end of the map for the last.
func (s *snapshots) fits(kind snapKind) bool {
	for i := range s.len() {
		end := uint32(len(s.entries) / 4)
		if i+1 < s.len() {
			end = half(s.heads, uint32(snapSize*(i+1)))
		}
		if uint64(half(s.heads, uint32(snapSize*i)))+uint64(s.count(i, kind))+2 != uint64(end) {
			return false
		}
	}
	return true
}

// count is nent of snapshot i: how many slots it has.
func (s *snapshots) count(i int, kind snapKind) int {
	if kind == snapBare {
		return int(s.heads[snapSize*i+8])
	}
	return int(s.heads[snapSize*i+10])
}

// slots returns the entries of snapshot i by slot, and pc << 8 | (base - 2), which follows.
func (s *snapshots) slots(i int) (refs map[uint8]uint16, pcBase uint64) {
	first := half(s.heads, uint32(snapSize*i))
	n := uint32(s.count(i, s.kind))
	refs = make(map[uint8]uint16, n)
	for e := first; e < first+n; e++ {
		entry := half(s.entries, 4*e)
		refs[uint8(entry>>24)] = uint16(entry)
	}
	return refs, word(s.entries, 4*(first+n))
}

// place says from which byte of a trace's code on a snapshot holds.
type place struct {
	from uint64
	snap int
}

// placesOf returns the places of all snapshots, in order.
func (r *Reader) placesOf(t *trace, s *snapshots) []place {
	if s.kind == snapBare {
		return r.mem.guards(t.code, s.len())
	}
	unit := uint64(1) // mcofs counts units of MCode: bytes, and instructions on arm64
	if r.arch == "arm64" {
		unit = 4
	}
	places := make([]place, s.len())
	for i := range places {
		places[i] = place{unit * uint64(short(s.heads, uint32(snapSize*i+6))), i}
	}
	slices.SortStableFunc(places, func(a, b place) int { return int(int64(a.from) - int64(b.from)) })
	return places
}
