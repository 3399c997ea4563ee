package metrics

import "time"

// recentSeconds is how far back a Recent goes.
const recentSeconds = 300

// A Recent counts what happened in each of the last five minutes' seconds. The zero Recent
// is empty.
type Recent struct {
	counts, errors [recentSeconds]uint32
	last           int64 // the newest second, in Unix time; 0 for none
}

// add counts something that ended at a time. What is older than five minutes is left out, and
// what has no time that can be: a recording may say anything.
func (r *Recent) add(at time.Time, failed bool) {
	second := at.Unix()
	if second <= 0 {
		return
	}
	if r.last == 0 {
		r.last = second
	}
	for ; r.last < second; r.last++ { // seconds in which nothing happened, and the new one
		if second-r.last > recentSeconds {
			r.last = second - recentSeconds
		}
		next := (r.last + 1) % recentSeconds
		r.counts[next], r.errors[next] = 0, 0
	}
	if second <= r.last-recentSeconds {
		return
	}
	r.counts[second%recentSeconds]++
	if failed {
		r.errors[second%recentSeconds]++
	}
}

// Counts returns how much there was, and how much of it failed, in each of the n seconds
// before now, the oldest first. n is at most 300.
func (r *Recent) Counts(now time.Time, n int) (counts, errors []uint32) {
	n = min(n, recentSeconds)
	counts, errors = make([]uint32, n), make([]uint32, n)
	for i := range n {
		second := now.Unix() - int64(n-i)
		if r.last != 0 && second <= r.last && second > r.last-recentSeconds {
			counts[i], errors[i] = r.counts[second%recentSeconds], r.errors[second%recentSeconds]
		}
	}
	return counts, errors
}

// timelineSlots bounds a timeline: of a window that is longer, a slot stands for more time.
const timelineSlots = 600

// A Slot is a part of the window.
type Slot struct {
	Start    time.Time
	Length   time.Duration
	Requests uint64
	Errors   uint64
	P50, P99 time.Duration // -1 where there was no request
}

// timeline counts a whole window in a fixed number of slots.
type timeline struct {
	began time.Time
	step  time.Duration
	slots []slot
}

type slot struct {
	requests, errors uint64
	took             Histogram
}

func (t *timeline) add(at time.Time, took time.Duration, failed bool) {
	if t.slots == nil {
		t.began, t.step = at.Truncate(time.Second), time.Second
	}
	i := int(max(at.Sub(t.began), 0) / t.step) // requests do not quite come in the order of their ends
	for i >= timelineSlots {
		t.coarsen()
		i = int(at.Sub(t.began) / t.step)
	}
	for len(t.slots) <= i {
		t.slots = append(t.slots, slot{})
	}
	s := &t.slots[i]
	s.requests++
	if failed {
		s.errors++
	}
	s.took.Add(took)
}

// coarsen has each slot stand for twice the time.
func (t *timeline) coarsen() {
	half := (len(t.slots) + 1) / 2
	for i := range half {
		t.slots[i] = t.slots[2*i]
		if 2*i+1 < len(t.slots) {
			other := &t.slots[2*i+1]
			t.slots[i].requests += other.requests
			t.slots[i].errors += other.errors
			t.slots[i].took.Merge(&other.took)
		}
	}
	t.slots = t.slots[:half]
	t.step *= 2
}

func (t *timeline) seen() []Slot {
	all := make([]Slot, len(t.slots))
	for i := range t.slots {
		s := &t.slots[i]
		all[i] = Slot{
			Start: t.began.Add(time.Duration(i) * t.step), Length: t.step,
			Requests: s.requests, Errors: s.errors, P50: s.took.Quantile(0.5), P99: s.took.Quantile(0.99),
		}
	}
	return all
}
