package bpf

import "slices"

// space hands out parts of a map that is an array: the first one that is large enough.
type space struct {
	free []part // sorted, and apart
}

// part is a run of elements of an array.
type part struct{ first, count uint32 }

func newSpace(size uint32) space { return space{free: []part{{0, size}}} }

// take returns a part of n elements; ok is false if there is none.
func (s *space) take(n uint32) (p part, ok bool) {
	if n == 0 {
		return part{}, true
	}
	for i, f := range s.free {
		if f.count < n {
			continue
		}
		if f.count == n {
			s.free = slices.Delete(s.free, i, i+1)
		} else {
			s.free[i] = part{f.first + n, f.count - n}
		}
		return part{f.first, n}, true
	}
	return part{}, false
}

// give takes back what take has returned.
func (s *space) give(p part) {
	if p.count == 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(s.free, p, func(a, b part) int { return int(int64(a.first) - int64(b.first)) })
	s.free = slices.Insert(s.free, i, p)
	if i+1 < len(s.free) && p.first+p.count == s.free[i+1].first {
		s.free[i].count += s.free[i+1].count
		s.free = slices.Delete(s.free, i+1, i+2)
	}
	if i > 0 && s.free[i-1].first+s.free[i-1].count == s.free[i].first {
		s.free[i-1].count += s.free[i].count
		s.free = slices.Delete(s.free, i, i+1)
	}
}
