package bpf

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/apisixscope/apisixscope/trace"
)

// bury queues the end of a process, after those of the sockets that it had open: the
// kernel closes them without a system call, and nobody would tell what was under way.
func (s *Source) bury(exit trace.Event) error {
	pid := exit.Process.PID
	var (
		cursor ebpf.MapBatchCursor
		keys   = make([]uint64, 512)
		states = make([]traceSocketState, 512)
		dead   = map[uint64]traceSocketState{}
	)
	for {
		n, err := s.objects.Sockets.BatchLookup(&cursor, keys, states, nil)
		for i := range n {
			if int(keys[i]>>32) == pid {
				dead[keys[i]] = states[i]
			}
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			break
		}
		if err != nil {
			return fmt.Errorf("read sockets of process %d: %w", pid, err)
		}
	}
	// Their closes tell more than tails do.
	s.tails = slices.DeleteFunc(s.tails, func(e trace.Event) bool { return e.Tail.PID == pid })
	for _, key := range slices.Sorted(maps.Keys(dead)) {
		st := dead[key]
		if st.Conn.Side != 0 && st.Exchange != 0 {
			s.queue = append(s.queue, trace.Event{Kind: trace.KindClose, Time: exit.Time, Close: s.closeOf(&st)})
		}
		if err := s.forget(key, &st); err != nil {
			return fmt.Errorf("forget socket of process %d: %w", pid, err)
		}
	}
	s.upstreams.forget(uint32(pid))
	s.queue = append(s.queue, exit)
	return nil
}

// forget takes a socket out of the programs' maps. What is not there any more, another
// process that got the same number has closed.
func (s *Source) forget(key uint64, st *traceSocketState) error {
	var at uint64
	if s.objects.BySock.Lookup(st.Sock, &at) == nil && at == key { // else the kernel has used it again
		if err := s.objects.BySock.Delete(st.Sock); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
	}
	tail := traceTailKey{Socket: st.Conn.Socket, Exchange: uint64(st.Exchange)}
	for _, err := range []error{s.objects.Tails.Delete(tail), s.objects.Sockets.Delete(key)} {
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
	}
	return nil
}

// closeOf is the end of a socket whose process died.
func (s *Source) closeOf(st *traceSocketState) *trace.Close {
	return &trace.Close{
		Conn:         s.conn(&st.Conn),
		Exchange:     st.Exchange,
		In:           s.flow(&st.Flows[trace.In]),
		Out:          s.flow(&st.Flows[trace.Out]),
		Owner:        owner(&st.Owner),
		PeerClosed:   s.clock.at(st.PeerClosed),
		Failed:       s.clock.at(st.Failed),
		Errno:        int(st.Error),
		ConnectErrno: int(st.ConnectError),
		Tick:         s.clock.at(st.Tick),
		Plugin:       plugin(st.Plugin[:]),
		Asked:        asked(st.Conn.Asked),
	}
}
