package bpf

import (
	"context"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/trace"
)

// upstreams finds the processes behind upstream addresses on this host, in whichever
// network namespace they listen, and has them watched.
type upstreams struct {
	objects *traceObjects
	target  *gateway.Target
	mine    map[int]bool            // the gateway's processes, and us: not upstreams
	known   map[netip.AddrPort]bool // has been asked for; at most maxKnown
	watched int
	died    atomic.Uint64 // how many of them have: another may listen now
	names   sync.Map      // uint32 pid -> string, of upstream processes
	ask     chan netip.AddrPort
	stop    context.CancelFunc
	done    sync.WaitGroup
}

const (
	// maxUpstreams bounds how many other processes are watched, their children apart.
	maxUpstreams = 256
	// maxKnown bounds for how many addresses such processes are looked for.
	maxKnown = 1 << 14
	// relistEvery bounds how often the host's listening sockets are read.
	relistEvery = time.Second
)

func newUpstreams(objects *traceObjects, t *gateway.Target) *upstreams {
	u := &upstreams{
		objects: objects, target: t,
		mine:  map[int]bool{os.Getpid(): true, t.Master.PID: true},
		known: map[netip.AddrPort]bool{},
		ask:   make(chan netip.AddrPort, 64),
		stop:  func() {},
	}
	for _, p := range t.Children {
		u.mine[p.PID] = true
	}
	return u
}

// begin watches the processes at the other end of the gateway's open connections, and
// starts to look for those of new ones.
func (u *upstreams) begin(ctx context.Context) error {
	index, err := gateway.Listeners(ctx)
	if err != nil {
		return err
	}
	for _, pid := range u.target.Workers() {
		addrs, err := gateway.Established(pid)
		if err != nil {
			continue // it exited
		}
		for _, a := range addrs {
			if !u.known[a] {
				u.known[a] = true
				u.watch(index, a)
			}
		}
	}
	ctx, u.stop = context.WithCancel(context.WithoutCancel(ctx))
	u.done.Go(func() { u.look(ctx, index) })
	return nil
}

// saw takes note of an upstream's address. It never waits: when many new ones come at
// once, some are found at their next message.
func (u *upstreams) saw(m *trace.Message) {
	if m.Side != trace.SideConnected || u.known[m.Remote] || len(u.known) >= maxKnown {
		return
	}
	select {
	case u.ask <- m.Remote:
		u.known[m.Remote] = true
	default:
	}
}

// look resolves addresses until ctx is done. Reading the host's listening sockets takes
// milliseconds, hence its own goroutine, and not for each address.
func (u *upstreams) look(ctx context.Context, index *gateway.ListenerIndex) {
	read, died := time.Now(), u.died.Load()
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-u.ask:
			if died == u.died.Load() && (u.watch(index, a) || time.Since(read) < relistEvery) {
				continue
			}
			n := u.died.Load()
			if fresh, err := gateway.Listeners(ctx); err == nil {
				index, read, died = fresh, time.Now(), n
				u.watch(index, a)
			}
		}
	}
}

// watch adds the processes that listen at a, and says whether there are any.
func (u *upstreams) watch(index *gateway.ListenerIndex, a netip.AddrPort) bool {
	pids := index.Processes(u.target.NetNS, a)
	for _, pid := range pids {
		if u.mine[pid] || u.watched >= maxUpstreams {
			continue
		}
		key := uint64(pid)<<32 | uint64(a.Port())
		flags := traceTarget{Flags: uint32(traceTargetFlagsTARGET_UPSTREAM)}
		// The port first: the first call of the process must find it.
		if u.objects.Listening.Put(key, uint8(1)) == nil {
			// A process that serves several ports is there already.
			u.names.Store(uint32(pid), processName(pid))
			if u.objects.Targets.Update(uint32(pid), &flags, ebpf.UpdateNoExist) == nil {
				u.watched++
			}
		}
	}
	return len(pids) > 0
}

// name returns the name of an upstream's process; the gateway's own need none.
func (u *upstreams) name(pid, worker uint32) string {
	if worker != 0 {
		return ""
	}
	name, _ := u.names.Load(pid)
	s, _ := name.(string)
	return s
}

// inherits takes note of a fork: the child of an upstream's process is one, too.
func (u *upstreams) inherits(pid, parent uint32) {
	if name, ok := u.names.Load(parent); ok {
		u.names.Store(pid, name)
	}
}

// forget takes the end of a process, of the gateway's or of an upstream. Whoever comes after
// an upstream listens where it did, so what was asked is asked again.
func (u *upstreams) forget(pid uint32) {
	if _, was := u.names.LoadAndDelete(pid); was {
		u.died.Add(1)
		clear(u.known)
	}
}

func processName(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return "" // it exited
	}
	return strings.TrimSpace(string(b))
}

func (u *upstreams) end() {
	u.stop()
	u.done.Wait()
}
