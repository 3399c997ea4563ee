package bpf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/profile"
)

// Next returns the next sample. After ctx is done it yields what the kernel has reported so
// far, and then io.EOF.
func (s *Sampler) Next(ctx context.Context) (profile.Sample, error) {
	for {
		if len(s.queue) > 0 {
			p := s.queue[0]
			s.queue = s.queue[1:]
			return p, nil
		}
		if s.drained {
			return profile.Sample{}, io.EOF
		}
		s.queue = s.queue[:0]
		over := ctx.Err() != nil
		err := s.ring.ReadInto(&s.record)
		if err == nil {
			if err := s.take(s.record.RawSample); err != nil {
				return profile.Sample{}, err
			}
			if time.Since(s.looked) < lookEvery {
				continue
			}
		} else if !errors.Is(err, os.ErrDeadlineExceeded) {
			return profile.Sample{}, fmt.Errorf("read ring buffer: %w", err)
		}
		if err := s.rest(over, err != nil); err != nil {
			return profile.Sample{}, err
		}
	}
}

// rest does what is to be done now and then, and each time that the ring is empty.
func (s *Sampler) rest(over, empty bool) error {
	if empty && s.options.Swept {
		// The ring was empty after the wait for it, and records are in it once they were made.
		s.queue = append(s.queue, profile.Sample{Kind: profile.Swept, Time: s.clock.at(s.until), Slept: s.slept})
		s.slept = s.asleep() // now, which is before the next time that is waited for
	}
	if over && empty {
		s.drained = true
		s.endTicks()
		return s.countLosses()
	}
	now := time.Now()
	if now.Sub(s.looked) >= lookEvery || s.anyStrange() {
		s.looked = now
		if err := s.lookAgain(now); err != nil {
			return err
		}
		if err := s.countLosses(); err != nil {
			return err
		}
	}
	if empty {
		for _, p := range s.processes {
			for _, r := range p.vms {
				r.Forget() // what was read of its memory is old by the next batch
			}
		}
		wait := drainEvery
		if over {
			wait = time.Millisecond
		}
		s.await(wait)
	}
	return nil
}

// await lets the ring be read for at least so long.
func (s *Sampler) await(wait time.Duration) {
	s.until = kernelNow() + uint64(wait) // no later than the deadline
	s.ring.SetDeadline(time.Now().Add(wait))
}

func (s *Sampler) anyStrange() bool {
	for _, p := range s.processes {
		if p.strange {
			return true
		}
	}
	return false
}

// lookAgain reads what processes have mapped since: LuaJIT's and PCRE's code, modules.
func (s *Sampler) lookAgain(now time.Time) error {
	for _, p := range s.processes {
		p.strange = false
		if !p.gone.IsZero() {
			if now.Sub(p.gone) > 2*lookEvery {
				if err := s.forget(p); err != nil {
					return err
				}
			}
			continue
		}
		if err := s.look(p); err != nil {
			if gone(err) {
				continue // the ring will tell of it
			}
			return fmt.Errorf("look at process %d: %w", p.pid, err)
		}
		if p.symbol("ngx_cycle") != p.cycle { // it has begun another program, as for an upgrade
			p.findVMs(s)
		}
	}
	s.takeBack(now)
	if err := s.tellRows(); err != nil {
		return err
	}
	for _, p := range s.processes {
		if p.gone.IsZero() {
			if err := s.tell(p); err != nil {
				s.note(err.Error())
			}
		}
	}
	if err := s.setClocks(); err != nil {
		s.note(err.Error())
	}
	return nil
}

// giveLater gives a part of the mappings back once no program can be using it.
func (s *Sampler) giveLater(p part) {
	if p.count > 0 {
		s.given = append(s.given, givenPart{p, time.Now()})
	}
}

func (s *Sampler) takeBack(now time.Time) {
	for len(s.given) > 0 && now.Sub(s.given[0].at) > 4*lookEvery {
		s.mappingSpace.give(s.given[0].part)
		s.given = s.given[1:]
	}
}

// take turns a record into what Next yields.
func (s *Sampler) take(raw []byte) error {
	if len(raw) < 4 {
		return nil
	}
	switch kind := sampleSampleKind(*(*uint32)(unsafe.Pointer(&raw[0]))); kind {
	case sampleSampleKindSAMPLE_CPU, sampleSampleKindSAMPLE_BLOCKED:
		if len(raw) >= int(unsafe.Sizeof(sampleSampleEvent{})) {
			s.takeSample((*sampleSampleEvent)(unsafe.Pointer(&raw[0])), raw[unsafe.Sizeof(sampleSampleEvent{}):])
		}
	case sampleSampleKindSAMPLE_TICK:
		if len(raw) >= int(unsafe.Sizeof(sampleTickEvent{})) {
			s.takeTick((*sampleTickEvent)(unsafe.Pointer(&raw[0])))
		}
	case sampleSampleKindSAMPLE_FORK, sampleSampleKindSAMPLE_EXIT:
		if len(raw) >= int(unsafe.Sizeof(sampleProcessChange{})) {
			return s.takeChange((*sampleProcessChange)(unsafe.Pointer(&raw[0])), kind)
		}
	}
	return nil
}

// takeChange follows processes that come and go.
func (s *Sampler) takeChange(c *sampleProcessChange, kind sampleSampleKind) error {
	pid := int(c.Tgid)
	p := s.processes[pid]
	if kind == sampleSampleKindSAMPLE_EXIT {
		if p != nil {
			p.gone = time.Now()
			delete(s.ticks, pid)
		}
		return nil
	}
	if p != nil { // its number was used again
		if err := s.forget(p); err != nil {
			return err
		}
	}
	if err := s.meet(pid, false); err != nil {
		if gone(err) {
			return nil
		}
		return fmt.Errorf("look into new worker %d: %w", pid, explain(err))
	}
	if err := s.tellRows(); err != nil {
		return err
	}
	if err := errors.Join(s.tell(s.processes[pid]), s.setClocks()); err != nil {
		s.note(err.Error())
	}
	return nil
}

// sampleCauses names what COUNT_* of sample.h count as lost.
var sampleCauses = map[sampleCount]string{
	sampleCountCOUNT_LOST:    "samples_ring_full",
	sampleCountCOUNT_CHANGES: "processes_ring_full",
	sampleCountCOUNT_BUSY:    "processes_map_full",
}

// countLosses tells what was lost since the last time.
func (s *Sampler) countLosses() error {
	now, err := s.counts()
	if err != nil {
		return err
	}
	for which, cause := range sampleCauses {
		if n := now[which] - s.told[which]; n > 0 {
			s.queue = append(s.queue, profile.Sample{Kind: profile.Lost, Cause: cause, Count: int64(n)})
		}
	}
	s.told = now
	return nil
}

func (s *Sampler) counts() (now [sampleCountCOUNTS]uint64, err error) {
	for which := range now {
		var perCPU []uint64
		if err := s.kernel.Counts.Lookup(uint32(which), &perCPU); err != nil {
			return now, fmt.Errorf("read counts: %w", err)
		}
		for _, n := range perCPU {
			now[which] += n
		}
	}
	return now, nil
}

// Cost returns how many samples were taken so far, and how long that took all in all.
func (s *Sampler) Cost() (samples int, took time.Duration, err error) {
	now, err := s.counts()
	return int(now[sampleCountCOUNT_SAMPLES]), time.Duration(now[sampleCountCOUNT_TIME]), err
}

func (s *Sampler) note(text string) {
	s.queue = append(s.queue, profile.Sample{Kind: profile.Note, Cause: text})
}

// gone reports whether an error means that a process has exited.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) }

func notThere(err error) bool { return errors.Is(err, ebpf.ErrKeyNotExist) }
