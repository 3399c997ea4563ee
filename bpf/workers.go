package bpf

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/cilium/ebpf"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/trace"
)

// tellEvery is how often workers are told of.
const tellEvery = time.Second

// workers follows the gateway's workers: what the programs count of their event loops, and
// what the system has of them. A nil one follows none.
type workers struct {
	loops  *ebpf.Map
	turns  *ebpf.Variable // the programs' tick_turn
	turn   uint64
	clock  clock
	log    *slog.Logger
	next   uint64 // kernel time at which they are told of
	master int
	of     map[int]*worker
}

// worker is a process of the gateway: most likely a worker, which its title tells. Others stay,
// too: one may become a new master.
type worker struct {
	pid     int
	known   bool // to be a worker, whatever its title
	counted bool // its ticks are
	// When it was last told of, what it had done until then.
	since   uint64
	cpu     time.Duration
	busy    uint64
	ticks   [trace.TickClasses]uint64
	sockets sockets
}

// followWorkers begins to follow the workers that there are.
func (s *Source) followWorkers() {
	t := s.options.Target
	s.workers = &workers{
		loops: s.objects.Loops, turns: s.objects.TickTurn, turn: 1, clock: s.clock, log: s.options.Log,
		next: kernelNow() + uint64(tellEvery), master: t.Master.PID, of: map[int]*worker{},
	}
	serving := t.Workers()
	for _, p := range t.Children {
		s.workers.add(p.PID, slices.Contains(serving, p.PID))
	}
}

// forked follows what a process of the gateway has forked.
func (w *workers) forked(pid, parent int) {
	if w == nil || parent != w.master && w.of[parent] == nil {
		return
	}
	w.add(pid, false)
}

func (w *workers) add(pid int, known bool) {
	one := &worker{pid: pid, known: known, since: kernelNow(), cpu: cpuTime(pid), sockets: sockets{n: -1}}
	if err := w.loops.Put(uint32(pid), &traceLoop{}); err != nil {
		w.log.Debug("ticks are not counted", "process", pid, "error", err)
	} else {
		one.counted = true
	}
	w.of[pid] = one
}

// due reports whether it is time to tell.
func (w *workers) due(now uint64) bool { return w != nil && now >= w.next }

// tell returns what each worker did since it was last told of, by PID.
func (w *workers) tell() ([]trace.Event, error) {
	w.next = max(w.next+uint64(tellEvery), kernelNow())
	past := w.turn
	w.turn++
	if err := w.turns.Set(w.turn); err != nil {
		return nil, fmt.Errorf("begin another count of ticks: %w", err)
	}
	var all []trace.Event
	for _, pid := range slices.Sorted(maps.Keys(w.of)) {
		one := w.of[pid]
		role, err := gateway.RoleOf(pid)
		gone := errors.Is(err, fs.ErrNotExist)
		serves := role == gateway.RoleWorker || role == gateway.RoleDraining || one.known
		if serves || gone {
			told, err := w.look(one, past, gone)
			if err != nil {
				return nil, err
			}
			told.Ending = gone || role == gateway.RoleDraining
			if !gone || told.Busy > 0 { // what it did at the last
				all = append(all, trace.Event{Kind: trace.KindWorker, Time: told.Time, Worker: told})
			}
		}
		if gone {
			if err := w.loops.Delete(uint32(pid)); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
				return nil, fmt.Errorf("forget ticks of process %d: %w", pid, err)
			}
			delete(w.of, pid)
		}
	}
	return all, nil
}

// look returns what a worker did since it was last looked at, when the turn past was the
// one that had begun.
func (w *workers) look(one *worker, past uint64, gone bool) (*trace.Worker, error) {
	var l traceLoop
	if one.counted {
		if err := w.loops.Lookup(uint32(one.pid), &l); err != nil {
			return nil, fmt.Errorf("read ticks of process %d: %w", one.pid, err)
		}
	}
	now := kernelNow()
	told := &trace.Worker{
		PID: one.pid, Time: w.clock.at(now), Span: time.Duration(now - one.since), CPU: -1, Conns: -1, Unwatched: !one.counted,
	}
	if !gone {
		cpu := cpuTime(one.pid)
		if cpu >= 0 && one.cpu >= 0 {
			told.CPU = cpu - one.cpu
		}
		one.cpu = cpu
		told.Conns = one.sockets.n
	}
	if longest := l.Longest[past&1]; longest.Turn == past {
		told.Longest = time.Duration(longest.Ns)
	}
	busy := l.Busy
	if l.Began != 0 && l.Began < now && !gone { // a tick goes on
		busy += now - l.Began
		told.Longest = max(told.Longest, time.Duration(now-l.Began))
	}
	if busy > one.busy { // else such a one ended while it was looked at
		told.Busy = min(time.Duration(busy-one.busy), told.Span)
		one.busy = busy
	}
	for i, n := range l.Ticks {
		told.Ticks[i] = n - one.ticks[i]
	}
	one.ticks, one.since = l.Ticks, now
	return told, nil
}
