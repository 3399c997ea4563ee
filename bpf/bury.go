package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/apisixscope/apisixscope/trace"
)

// bury queues the end of a process, after those of the sockets that it had open: the
// kernel closes them without a system call, and nobody would tell what was under way.
func (s *Source) bury(exit trace.Event) error {
	var (
		cursor ebpf.MapBatchCursor
		keys   = make([]uint64, 512)
		states = make([]traceSocketState, 512)
		dead   []uint64
	)
	for {
		n, err := s.objects.Sockets.BatchLookup(&cursor, keys, states, nil)
		for i := range n {
			if int(keys[i]>>32) != exit.Process.PID {
				continue
			}
			dead = append(dead, keys[i])
			if st := &states[i]; st.Side != 0 && st.Exchange != 0 {
				c := s.closeOf(keys[i], st)
				s.queue = append(s.queue, trace.Event{Kind: trace.KindClose, Time: exit.Time, Close: c})
			}
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			break
		}
		if err != nil {
			return fmt.Errorf("read sockets of process %d: %w", exit.Process.PID, err)
		}
	}
	for _, key := range dead {
		// Another process may have got the number, and the entry.
		if err := s.objects.Sockets.Delete(key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("forget socket of process %d: %w", exit.Process.PID, err)
		}
	}
	s.queue = append(s.queue, exit)
	return nil
}

// closeOf is the end of a socket whose process died.
func (s *Source) closeOf(key uint64, st *traceSocketState) *trace.Close {
	pid := uint32(key >> 32)
	worker := uint32(1)
	if s.upstreams.knows(pid) {
		worker = 0
	}
	return &trace.Close{
		Conn: trace.Conn{
			PID: int(pid), FD: int(int32(key)),
			Socket: trace.SocketID(st.Id), Side: trace.Side(st.Side),
			Local: addrPort(&st.Local), Remote: addrPort(&st.Remote),
			Opened: s.clock.at(st.Opened), Established: s.clock.at(st.Established),
			Gateway: worker != 0, Process: s.upstreams.name(pid, worker),
		},
		Exchange:   st.Exchange,
		In:         s.flow(&st.Flows[trace.In]),
		Out:        s.flow(&st.Flows[trace.Out]),
		Owner:      owner(uint8(st.Owner.How), st.Owner.Socket, st.Owner.Request, st.Owner.Exchange),
		PeerClosed: s.clock.at(st.PeerClosed),
		Failed:     s.clock.at(st.Failed),
		Errno:      int(st.Error),
		Asked:      asked(st.Asked),
	}
}
