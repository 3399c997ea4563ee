package bpf

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/hint"
)

// Options is what a trace may ask of the kernel side.
type Options struct {
	Target *gateway.Target
	// Probes lets the request object be read. Without, or where the object's layout is
	// not known, the sockets alone speak.
	Probes bool
	// Phases also tells how far nginx came with each request, and when. It costs the
	// gateway some five microseconds a request.
	Phases bool
	// RingBytes is the size of the ring buffer, a power of two and at least a page;
	// 0 means 8 MiB.
	RingBytes int
	// Logged fills Request.Logged.
	Logged bool
	// AllHeaders fills Request.Headers.
	AllHeaders bool
	// Body is how many bytes of bodies are told, at most MaxBody; 0 for none. They are those
	// that went to an upstream and came from it, where that is in plain HTTP/1.
	Body int
	// NoSockets leaves the sockets alone where the request object can be read: requests
	// cost the gateway less, and their times are nginx's, in milliseconds.
	NoSockets bool
	// Only removes, in the kernel, requests of other routes, services and consumers. Requests
	// whose names cannot be read are not removed. It needs NoSockets: sockets tell of all.
	Only Only
	// Workers tells of each worker once a second: the ticks of its event loop, its CPU time and
	// its sockets.
	Workers bool
	// Headers are names of request headers whose values are wanted, at most two.
	Headers []string
	// Log is told what happens while attaching; nil for nobody.
	Log *slog.Logger
}

// Only names what requests are wanted of, each by id or name; an empty list wants all.
type Only struct{ Routes, Services, Consumers []string }

// MaxBody is the most that Options.Body may be.
const MaxBody = headMax - headUsual

// defaultRing holds some 200 ms of events at 30,000 requests a second.
const defaultRing = 8 << 20

// Open loads the programs, attaches them to o.Target and begins the window. It needs
// CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE, or root. Close the Source to detach.
func Open(ctx context.Context, o Options) (*Source, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := checkHost(); err != nil {
		return nil, err
	}
	// Since 5.11 memory of BPF is not counted here, so a refusal is no obstacle.
	if err := rlimit.RemoveMemlock(); err != nil {
		o.Log.Debug("memlock limit stays", "error", err)
	}
	s := &Source{options: o, objects: &traceObjects{}, headers: map[int]headersOf{}}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(explain(err), s.Close())
	}
	return s, nil
}

func (s *Source) open(ctx context.Context) error {
	began := time.Now()
	if err := s.load(); err != nil {
		return err
	}
	s.options.Log.Debug("programs are loaded", "took", time.Since(began))
	var err error
	if s.ring, err = ringbuf.NewReader(s.objects.Events); err != nil {
		return fmt.Errorf("open ring buffer: %w", err)
	}
	s.clock = newClock()
	if err := s.watchGateway(); err != nil {
		return err
	}
	s.upstreams = newUpstreams(s.objects, s.options.Target)
	if err := s.findUpstreams(ctx); err != nil {
		s.note(fmt.Sprintf("upstream processes are not shown: %v", err))
	}
	if err := s.attach(); err != nil {
		return err
	}
	if s.options.Workers {
		s.followWorkers()
	}
	s.options.Log.Debug("probes are armed", "took", time.Since(began))
	s.record.RawSample = make([]byte, 0, roomy)
	s.began = kernelNow()
	s.ring.SetDeadline(time.Now().Add(pollEvery))
	return nil
}

// findUpstreams watches upstreams' processes, whose sockets tell their side.
func (s *Source) findUpstreams(ctx context.Context) error {
	if s.options.NoSockets {
		return nil
	}
	return s.upstreams.begin(ctx)
}

// load sets the programs' settings and puts them into the kernel.
func (s *Source) load() error {
	spec, err := loadTrace()
	if err != nil {
		return fmt.Errorf("read programs: %w", err)
	}
	ring := s.options.RingBytes
	if ring == 0 {
		ring = defaultRing
	}
	spec.Maps[traceMapEvents].MaxEntries = uint32(ring)
	if !s.options.AllHeaders {
		spec.Maps[traceMapHeads].MaxEntries = 1
	}
	if !s.options.Workers {
		spec.Maps[traceMapLoops].MaxEntries = 1
	}
	probes := traceRequestsREQUESTS_UNREAD
	if s.options.Probes && s.options.Target.LayoutSource.Known() {
		probes = traceRequestsREQUESTS_READ
	}
	hash, length := wantedHeaders(s.options.Headers)
	vm, err := s.options.Target.FindLuaVM()
	if s.lua = err == nil && s.options.Target.LayoutSource.Known(); !s.lua {
		s.options.Log.Debug("Lua's current thread is not followed", "error", err)
	}
	if probes != traceRequestsREQUESTS_UNREAD && s.options.Target.Lua != nil && !vm.Names() {
		s.note("what APISIX calls a request (its route, service, consumer) cannot be read from this gateway's Lua")
	}
	statics, err := s.options.Target.FindStatics()
	if err != nil && s.options.Logged {
		return fmt.Errorf("find nginx's variables: %w", err)
	}
	wanted, kinds := s.options.wantedNames()
	for name, value := range map[string]any{
		traceVarWakeupBytes:   uint32(min(1<<20, ring/8)),
		traceVarNgx:           layoutOf(s.options.Target.Layout),
		traceVarLua:           luaVMOf(vm),
		traceVarRequestProbes: probes,
		traceVarStatics:       staticsOf(statics),
		traceVarWantPhases:    flag(s.options.Phases),
		traceVarWantLog:       flag(s.options.Logged),
		traceVarWantTicks:     flag(s.options.Workers),
		traceVarWantHeaders:   flag(s.options.AllHeaders),
		traceVarWantBody:      uint32(min(s.options.Body, MaxBody)),
		traceVarWantedNames:   wanted,
		traceVarWantedKinds:   kinds,
		traceVarWantedHash:    hash,
		traceVarWantedLen:     length,
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	if err := spec.LoadAndAssign(s.objects, nil); err != nil {
		return fmt.Errorf("load programs: %w", err)
	}
	return nil
}

func flag(on bool) uint32 {
	if on {
		return 1
	}
	return 0
}

// watchGateway tells the programs whom to watch.
func (s *Source) watchGateway() error {
	t := s.options.Target
	if t.Master.PID != 0 {
		if err := s.watch(t.Master.PID, traceTargetFlagsTARGET_MASTER); err != nil {
			return err
		}
	}
	for _, p := range t.Children {
		if err := s.watch(p.PID, traceTargetFlagsTARGET_WORKER); err != nil {
			return err
		}
	}
	for _, pid := range t.Workers() {
		ports, err := gateway.Listening(pid)
		if err != nil {
			continue // it exited; its successor listens at the same ports
		}
		for _, a := range ports {
			// Key 0 for the process: any of the gateway's.
			if err := s.objects.Listening.Put(uint64(a.Port()), uint8(1)); err != nil {
				return fmt.Errorf("note listening port %d: %w", a.Port(), err)
			}
		}
	}
	return nil
}

func (s *Source) watch(pid int, flags traceTargetFlags) error {
	if err := s.objects.Targets.Put(uint32(pid), &traceTarget{Flags: uint32(flags)}); err != nil {
		return fmt.Errorf("watch process %d: %w", pid, err)
	}
	return nil
}

// checkHost refuses hosts on which nothing can work, with the reason.
func checkHost() error {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		return hint.Wrap(fmt.Errorf("read kernel type information: %w", err),
			"apisixscope needs Linux 5.10 or later with CONFIG_DEBUG_INFO_BTF (/sys/kernel/btf/vmlinux)")
	}
	if err := features.HaveMapType(ebpf.RingBuf); errors.Is(err, ebpf.ErrNotSupported) {
		return hint.Wrap(fmt.Errorf("create ring buffer: %w", err),
			"the BPF ring buffer came with Linux 5.8; apisixscope needs 5.10 or later")
	}
	return nil
}

const needCaps = "run as root, or grant CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"

// explain adds the remedy to errors that have a known one.
func explain(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return hint.Wrap(err, needCaps)
	}
	return err
}
