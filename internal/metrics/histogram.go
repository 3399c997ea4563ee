package metrics

import (
	"math"
	"time"
)

// A bucket's upper end is histogramStep times its lower one, and a quantile is told as the
// bucket's geometric middle: it is off by less than 3%.
const (
	histogramStep    = 1.06
	histogramLeast   = 100 * time.Nanosecond // what is shorter counts as this
	histogramBuckets = 418                   // up to an hour; what is longer counts as that
)

// A Histogram counts durations in a fixed amount of memory, some 1.7 KB. The zero Histogram is empty.
type Histogram struct {
	counts [histogramBuckets]uint32
	n      uint64
	max    time.Duration
}

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	i := 0
	if d > histogramLeast {
		i = int(math.Log(float64(d)/float64(histogramLeast)) / math.Log(histogramStep))
	}
	h.counts[min(i, histogramBuckets-1)]++
	h.n++
	h.max = max(h.max, d)
}

// Merge adds what another one has counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.n += other.n
	h.max = max(h.max, other.max)
}

// Quantile returns the duration that a share q of all does not exceed; -1 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return -1
	}
	rank := uint64(math.Ceil(q * float64(h.n)))
	var seen uint64
	for i, n := range h.counts {
		if seen += uint64(n); seen >= rank && n > 0 {
			middle := float64(histogramLeast) * math.Pow(histogramStep, float64(i)+0.5)
			return min(time.Duration(middle), h.max)
		}
	}
	return h.max
}

// Max returns the longest of all, exactly; 0 if there are none.
func (h *Histogram) Max() time.Duration { return h.max }
