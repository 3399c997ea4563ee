package bpf

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/profile"
)

// SampleOptions is what a profile may ask of the kernel side.
type SampleOptions struct {
	Target *gateway.Target
	// Names names native code and the kernel; nil leaves those frames without names.
	Names Namer
	// Hz is how often a CPU is looked at in a second, 1 to 10,000; 0 means 99. A sample of
	// kind CPU stands for a period of that.
	Hz int
	// Kind is what to yield; "" means profile.CPU. With profile.OffCPU it is how long the event
	// loops were off the CPU, and where: all that took a millisecond or more, but for
	// epoll_wait, where they wait for work. Threads of a pool are left out, for they do the
	// same. With profile.Stall it is both, but only of ticks of the event loop that took
	// StallsFrom or longer: a tick is what a worker does between two waits for events.
	Kind       profile.Kind
	StallsFrom time.Duration // at least a microsecond
	// Cycles samples by the CPU's cycles, where the CPU counts them, which reaches into parts
	// of the kernel that a clock cannot interrupt. Shares are then of cycles, not of time.
	Cycles bool
	// Swept lets profile.Swept tell, some ten times a second, how far the window was told.
	Swept bool
	// RingBytes is the size of the ring buffer, a power of two and at least a page;
	// 0 means 8 MiB.
	RingBytes int
	// Log is told what happens while attaching; nil for nobody.
	Log *slog.Logger

	noSymbols bool // find the VMs as in a gateway that exports nothing
}

const (
	usualHz = 99 // no divisor of what happens a hundred times a second
	mostHz  = 10000
	// drainEvery bounds how long a sample waits in the ring: the programs wake nobody.
	drainEvery = 100 * time.Millisecond
	// lookEvery is how often processes are looked at for code that they have mapped anew.
	lookEvery = 500 * time.Millisecond
	// Room for what a gateway maps later: modules, another executable after an upgrade.
	spareRows     = 160 << 10
	leastMappings = 8 << 10
	mappingsTimes = 12
)

// A Sampler is an open window on what a gateway's processes do. It is a profile.Source.
type Sampler struct {
	options SampleOptions
	kernel  sampleKernel
	links   []link.Link
	clocks  []*perfClock
	ring    *ringbuf.Reader
	record  ringbuf.Record
	clock   clock
	period  time.Duration

	files        map[objectKey]*object
	fresh        []*object // whose rows are not in the kernel yet
	processes    map[int]*sampled
	rowSpace     space
	mappingSpace space
	given        []givenPart // parts that a running program may still use
	looked       time.Time
	until        uint64 // kernel time up to which an empty ring is waited for
	slept        []int  // processes, after the wait before

	queue   []profile.Sample
	ticks   map[int]*heldTick
	told    [sampleCountCOUNTS]uint64
	drained bool
	closed  bool
}

type givenPart struct {
	part
	at time.Time
}

// sampleKernel are the parts of the object that are loaded; what names.bpf.c brings of
// traces stays out.
type sampleKernel struct {
	OnClock      *ebpf.Program `ebpf:"on_clock"`
	OnSwitch     *ebpf.Program `ebpf:"on_switch"`
	TickEnds     *ebpf.Program `ebpf:"tick_ends"`
	TickBegins   *ebpf.Program `ebpf:"tick_begins"`
	ProcessForks *ebpf.Program `ebpf:"process_forks"`
	ProcessExits *ebpf.Program `ebpf:"process_exits"`

	Processes *ebpf.Map `ebpf:"processes"`
	Mappings  *ebpf.Map `ebpf:"mappings"`
	Rows      *ebpf.Map `ebpf:"rows"`
	Targets   *ebpf.Map `ebpf:"targets"`
	Samples   *ebpf.Map `ebpf:"samples"`
	Counts    *ebpf.Map `ebpf:"counts"`
}

// OpenSampler loads the programs and begins to sample o.Target. It needs CAP_BPF, CAP_PERFMON
// and CAP_SYS_PTRACE, or root. Close the Sampler to detach.
func OpenSampler(ctx context.Context, o SampleOptions) (*Sampler, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Hz == 0 {
		o.Hz = usualHz
	}
	if o.Kind == "" {
		o.Kind = profile.CPU
	}
	if o.Kind == profile.Stall && o.StallsFrom < time.Microsecond {
		return nil, fmt.Errorf("sample ticks of %s or longer: it must be a microsecond or more", o.StallsFrom)
	}
	if o.Hz < 1 || o.Hz > mostHz {
		return nil, fmt.Errorf("sample %d times a second: it must be 1 to %d", o.Hz, mostHz)
	}
	if err := checkHost(); err != nil {
		return nil, err
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		o.Log.Debug("memlock limit stays", "error", err)
	}
	s := &Sampler{
		options: o, files: map[objectKey]*object{}, processes: map[int]*sampled{}, ticks: map[int]*heldTick{},
		period: time.Second / time.Duration(o.Hz),
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(explain(err), s.Close())
	}
	return s, nil
}

func (s *Sampler) open(ctx context.Context) error {
	began := time.Now()
	if err := s.meetGateway(); err != nil {
		return err
	}
	s.options.Log.Debug("processes are known", "took", time.Since(began), "objects", len(s.files))
	if err := s.loadPrograms(); err != nil {
		return err
	}
	s.options.Log.Debug("programs are loaded", "took", time.Since(began))
	var err error
	if s.ring, err = ringbuf.NewReader(s.kernel.Samples); err != nil {
		return fmt.Errorf("open ring buffer: %w", err)
	}
	s.clock = newClock()
	if err := s.tellAll(); err != nil {
		return err
	}
	if err := s.attach(); err != nil {
		return err
	}
	s.looked = time.Now()
	s.await(drainEvery)
	s.options.Log.Debug("sampling", "took", time.Since(began))
	return ctx.Err()
}

// meetGateway reads what its processes have mapped.
func (s *Sampler) meetGateway() error {
	t := s.options.Target
	met := 0
	for _, c := range t.Children {
		if err := s.meet(c.PID, false); err != nil {
			if gone(err) {
				continue
			}
			return fmt.Errorf("look into worker %d: %w", c.PID, err)
		}
		met++
	}
	if met == 0 {
		return fmt.Errorf("sample the gateway: %w: no worker is left", gateway.ErrNotFound)
	}
	if t.Master.PID != 0 {
		if err := s.meet(t.Master.PID, true); err != nil && !gone(err) {
			return fmt.Errorf("look into master %d: %w", t.Master.PID, err)
		}
	}
	return nil
}

// tellAll gives the programs what is known of all processes.
func (s *Sampler) tellAll() error {
	if err := s.tellRows(); err != nil {
		return err
	}
	for _, p := range s.processes {
		if err := s.tell(p); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the window: it detaches and unloads everything. It may be called twice.
func (s *Sampler) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, c := range s.clocks {
		errs = append(errs, c.close())
	}
	errs = append(errs, closeLinks(s.links))
	if s.ring != nil {
		errs = append(errs, s.ring.Close())
	}
	for _, p := range s.processes {
		errs = append(errs, p.memory.Close())
	}
	return errors.Join(append(errs, s.kernel.close())...)
}

func (k *sampleKernel) close() error {
	var errs []error
	for _, p := range []*ebpf.Program{k.OnClock, k.OnSwitch, k.TickEnds, k.TickBegins, k.ProcessForks, k.ProcessExits} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	for _, m := range []*ebpf.Map{k.Processes, k.Mappings, k.Rows, k.Targets, k.Samples, k.Counts} {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}
