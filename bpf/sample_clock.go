package bpf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/profile"
)

// setClocks lets the clocks of those CPUs run where the gateway's processes may: on any other
// they would interrupt, and so cost, somebody else. Those that a process may go to from now on
// have to be found anew, at the latest after lookEvery.
func (s *Sampler) setClocks() error {
	if s.options.Kind == profile.OffCPU {
		return nil
	}
	cpus, err := s.gatewayCPUs()
	if err != nil || len(cpus) == 0 {
		return err
	}
	var errs []error
	s.clocks = slices.DeleteFunc(s.clocks, func(c *perfClock) bool {
		if slices.Contains(cpus, c.cpu) {
			return false
		}
		errs = append(errs, c.close())
		return true
	})
	running := len(s.clocks)
	for _, cpu := range cpus {
		if slices.ContainsFunc(s.clocks[:running], func(c *perfClock) bool { return c.cpu == cpu }) {
			continue
		}
		c, err := s.openClock(cpu)
		if err != nil {
			return err
		}
		s.clocks = append(s.clocks, c)
	}
	for _, c := range s.clocks[running:] {
		if err := unix.IoctlSetInt(c.fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
			return fmt.Errorf("start clock of CPU %d: %w", c.cpu, err)
		}
	}
	return errors.Join(errs...)
}

// gatewayCPUs returns the CPUs on which threads of the gateway's children may run; none if no
// child is left.
func (s *Sampler) gatewayCPUs() ([]int, error) {
	online, err := onlineCPUs()
	if err != nil {
		return nil, err
	}
	var cpus []int
	for _, p := range s.processes {
		if p.master || !p.gone.IsZero() {
			continue
		}
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", p.pid))
		if err != nil {
			return nil, err
		}
		for _, task := range tasks {
			tid, err := strconv.Atoi(filepath.Base(task))
			if err != nil {
				return nil, fmt.Errorf("list threads of process %d: %w", p.pid, err)
			}
			var may unix.CPUSet
			if err := unix.SchedGetaffinity(tid, &may); errors.Is(err, unix.ESRCH) {
				continue
			} else if err != nil { // the kernel was built for more CPUs than such a set has room for
				return online, nil
			}
			for _, cpu := range online {
				if may.IsSet(cpu) && !slices.Contains(cpus, cpu) {
					cpus = append(cpus, cpu)
				}
			}
		}
		if len(cpus) == len(online) {
			break
		}
	}
	slices.Sort(cpus)
	return cpus, nil
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
		if err != nil && len(s.clocks) == 0 {
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
