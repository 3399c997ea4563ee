package bpf

import "github.com/apisixscope/apisixscope/profile"

// attach arms all programs, those that follow processes first.
func (s *Sampler) attach() error {
	k := &s.kernel
	if err := attachTracing(&s.links, k.ProcessForks, k.ProcessExits); err != nil {
		return err
	}
	if s.options.Kind == profile.Stall {
		// A tick is from the return of epoll_wait to its next call. sched_switch alone would
		// not do: an epoll_wait with events ready ends one tick and begins another, but does
		// not leave the CPU.
		if err := attachTracing(&s.links, k.TickEnds, k.TickBegins); err != nil {
			return err
		}
	}
	if s.blocks() {
		if err := attachTracing(&s.links, k.OnSwitch); err != nil {
			return err
		}
	}
	return s.setClocks()
}
