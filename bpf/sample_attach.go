package bpf

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/profile"
)

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
	if s.options.Kind == profile.OffCPU {
		return nil
	}
	cpus, err := onlineCPUs()
	if err != nil {
		return err
	}
	for _, cpu := range cpus {
		c, err := s.openClock(cpu)
		if err != nil {
			return err
		}
		s.clocks = append(s.clocks, c)
	}
	for _, c := range s.clocks {
		if err := unix.IoctlSetInt(c.fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
			return fmt.Errorf("start clock of CPU %d: %w", c.cpu, err)
		}
	}
	return nil
}

// perfClock is a perf event of one CPU. One for each thread would cost the gateway some ten
// times as much: the kernel sets its timer anew at every context switch.
type perfClock struct{ cpu, fd int }

func (c *perfClock) close() error { return unix.Close(c.fd) }

const needPerf = "the kernel needs CONFIG_PERF_EVENTS, and this process CAP_PERFMON"

// openClock opens the clock of a CPU, with the program, but does not start it.
func (s *Sampler) openClock(cpu int) (*perfClock, error) {
	attr := unix.PerfEventAttr{Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Bits: unix.PerfBitDisabled}
	fd, err := -1, error(unix.ENOENT)
	if s.options.Cycles {
		attr.Type, attr.Config = unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CPU_CYCLES
		attr.Sample, attr.Bits = uint64(s.options.Hz), unix.PerfBitDisabled|unix.PerfBitFreq
		fd, err = unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil && cpu == 0 {
			s.note(fmt.Sprintf("the CPU's cycles cannot be counted (%v): its clock is used", err))
		}
	}
	if err != nil {
		attr.Type, attr.Config = unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_CPU_CLOCK
		attr.Sample, attr.Bits = uint64(s.period), unix.PerfBitDisabled
		fd, err = unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	}
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("open clock of CPU %d: %w", cpu, err), needPerf)
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, s.kernel.OnClock.FD()); err != nil {
		return nil, errors.Join(fmt.Errorf("attach %s to CPU %d: %w", s.kernel.OnClock, cpu, err), unix.Close(fd))
	}
	return &perfClock{cpu: cpu, fd: fd}, nil
}

// onlineCPUs returns the numbers of the CPUs that run.
func onlineCPUs() ([]int, error) {
	text, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, fmt.Errorf("find CPUs: %w", err)
	}
	return parseCPUs(strings.TrimSpace(string(text)))
}

// parseCPUs reads the kernel's way to write a set: "0-3,8".
func parseCPUs(text string) ([]int, error) {
	var cpus []int
	for r := range strings.SplitSeq(text, ",") {
		first, last, ok := strings.Cut(r, "-")
		if !ok {
			last = first
		}
		from, err := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err := errors.Join(err, err2); err != nil || to < from || to > 1<<16 {
			return nil, fmt.Errorf("find CPUs: %q is no set of numbers", text)
		}
		for cpu := from; cpu <= to; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}
