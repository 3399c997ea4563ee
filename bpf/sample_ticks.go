package bpf

import (
	"time"

	"github.com/apisixscope/apisixscope/profile"
)

// heldTick has the samples of the tick that an event loop is in, until its length is known.
type heldTick struct {
	began   uint64
	samples []profile.Sample
}

// heldMost bounds what is held of one tick: at 10,000 samples a second, 6 s of it.
const heldMost = 60000

// hold keeps a sample until its tick is over.
func (s *Sampler) hold(p profile.Sample, began uint64) {
	if began == 0 {
		return // it was taken between two ticks, or in one that was not seen to begin
	}
	h := s.ticks[p.TID]
	if h == nil || h.began != began {
		h = &heldTick{began: began} // the one before it was short
		s.ticks[p.TID] = h
	}
	if len(h.samples) == heldMost {
		s.queue = append(s.queue, profile.Sample{Kind: profile.Lost, Cause: "tick_too_long", Count: 1})
		return
	}
	h.samples = append(h.samples, p)
}

// takeTick yields the samples of a tick that was long.
func (s *Sampler) takeTick(t *sampleTickEvent) {
	h := s.ticks[int(t.Tid)]
	delete(s.ticks, int(t.Tid))
	if h == nil || h.began != t.Began {
		h = &heldTick{}
	}
	s.yieldTick(h, int(t.Tgid), int(t.Tid), t.Began, t.Ended)
}

// endTicks yields what is held of ticks that have not ended with the window, if they are
// long already.
func (s *Sampler) endTicks() {
	now := kernelNow()
	for tid, h := range s.ticks {
		if now-h.began >= uint64(s.options.StallsFrom) {
			s.yieldTick(h, tid, tid, h.began, now)
		}
	}
	clear(s.ticks)
}

// noSample is why the stack of a tick is empty.
const noSample = "no sample was taken in this tick"

func (s *Sampler) yieldTick(h *heldTick, pid, tid int, began, ended uint64) {
	tick := profile.Tick{Start: s.clock.at(began), Length: time.Duration(ended - began)}
	if len(h.samples) == 0 {
		h.samples = append(h.samples, profile.Sample{Time: tick.Start, PID: pid, TID: tid, Count: 1, Truncated: noSample})
	}
	share(h.samples, tick.Length)
	for i := range h.samples {
		h.samples[i].Kind, h.samples[i].Tick = profile.Stall, tick
	}
	s.queue = append(s.queue, h.samples...)
}

// share gives each sample its part of a tick: to those off the CPU what they have measured,
// and the rest to the others, which were taken at equal distances.
func share(samples []profile.Sample, length time.Duration) {
	var blocked time.Duration
	running := 0
	for i := range samples {
		if samples[i].Kind == profile.OffCPU {
			blocked += samples[i].Weight
		} else {
			running++
		}
	}
	rest := max(length-blocked, 0)
	for i := range samples {
		switch p := &samples[i]; {
		case p.Kind != profile.OffCPU:
			p.Weight = rest / time.Duration(running)
		case running == 0 && blocked > 0:
			p.Weight = time.Duration(float64(length) * float64(p.Weight) / float64(blocked))
		}
	}
}
