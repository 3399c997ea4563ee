package parts

import (
	"math/bits"
	"time"
)

// Heat is how hot a cell of a map is. What is hotter is darker, so that it can be seen without
// colours, too.
type Heat int8

// The heats that have no warmth.
const (
	HeatNone    Heat = -2 // there was nothing
	HeatUnknown Heat = -1
)

// heats are drawn from the coldest to the hottest.
var heats = [...]struct {
	cell string
	look Look
}{{"·", Dim}, {"░", Green}, {"▒", Yellow}, {"▓", Red}, {"█", Alarm}}

// Hottest is the last Heat.
const Hottest = Heat(len(heats) - 1)

// Heat puts cells on a line.
func (l *Line) Heat(cells ...Heat) *Line {
	for _, h := range cells {
		switch {
		case h >= 0:
			h = min(h, Hottest)
			l.Put(heats[h].look, heats[h].cell)
		case h == HeatUnknown:
			l.Put(Dim, "?")
		default:
			l.Put(Plain, " ")
		}
	}
	return l
}

// DurationHeat is that of a length of time: below 1 ms, 10 ms, 100 ms, 1 s, and above.
func DurationHeat(d time.Duration) Heat {
	h := Heat(0)
	for limit := time.Millisecond; d >= limit && h < Hottest; limit *= 10 {
		h++
	}
	return h
}

// DurationHeats put what DurationHeat means on a line.
func (l *Line) DurationHeats() *Line {
	for h, words := range [...]string{"< 1ms", "1ms", "10ms", "100ms", "1s"} {
		l.Heat(Heat(h)).Put(Dim, " "+words+"  ")
	}
	return l
}

// CountHeat is that of a number of times: each is eight times the one before.
func CountHeat(n uint64) Heat {
	if n == 0 {
		return HeatNone
	}
	return min(Heat((bits.Len64(n)-1)/3), Hottest)
}

// Shade puts a number of times on a line: the more, the darker, in a look.
func (l *Line) Shade(look Look, n uint64) *Line {
	h := CountHeat(n)
	if h < 0 {
		return l.Put(Plain, " ")
	}
	return l.Put(look, heats[h].cell)
}
