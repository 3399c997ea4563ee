package bpf

import (
	"math/rand/v2"
	"testing"
)

// TestSpace takes and gives back parts in a random order: none overlap, and in the end all
// is one piece again.
func TestSpace(t *testing.T) {
	const size = 1000
	random := rand.New(rand.NewPCG(1, 2))
	s, used, refused := newSpace(size), [size]bool{}, 0
	mark := func(p part, to bool) {
		for i := p.first; i < p.first+p.count; i++ {
			if used[i] == to {
				t.Fatalf("element %d of %+v: already %v", i, p, to)
			}
			used[i] = to
		}
	}
	var taken []part
	for range 5000 {
		if len(taken) > 0 && random.IntN(2) == 0 {
			i := random.IntN(len(taken))
			mark(taken[i], false)
			s.give(taken[i])
			taken = append(taken[:i], taken[i+1:]...)
			continue
		}
		p, ok := s.take(uint32(random.IntN(200)))
		if !ok {
			refused++
			continue
		}
		mark(p, true)
		taken = append(taken, p)
	}
	if refused == 0 {
		t.Error("it was never full: this proves little")
	}
	for _, p := range taken {
		s.give(p)
	}
	if len(s.free) != 1 || s.free[0] != (part{0, size}) {
		t.Errorf("after all was given back: %+v", s.free)
	}
}
