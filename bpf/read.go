package bpf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/apisixscope/apisixscope/trace"
)

const (
	// pollEvery bounds how long a record may wait: the programs wake nobody for one.
	pollEvery = 20 * time.Millisecond
	// sweepEvery is how often messages of many calls are asked for their end.
	sweepEvery = 100 * time.Millisecond
	// unprovedMany edges that Lua did not prove are reason to watch attempts themselves.
	unprovedMany = 16
	// layoutTries bad request objects and no good one prove the layout wrong.
	layoutTries = 8
)

// Source is an open window on a gateway. It yields trace.Events.
type Source struct {
	options   Options
	objects   *traceObjects
	links     []link.Link
	uprobes   []link.Link
	lua       bool // Lua's current thread is followed
	attempts  bool // ngx_event_connect_peer is watched
	ring      *ringbuf.Reader
	record    ringbuf.Record
	shared    trace.Message // of the record
	clock     clock
	upstreams *upstreams
	workers   *workers          // nil unless asked for
	headers   map[int]headersOf // by PID: of the request that comes next

	queue   []trace.Event // to be yielded before the ring is read again
	tails   []trace.Event // of the last sweep: newer than what the ring still holds
	began   uint64        // kernel time at which the last sweep began
	mark    uint64        // kernel time up to which the ring must be read before its tails; 0: none wait
	told    [traceLossLOSS_CAUSES]uint64
	last    bool // the last sweep was made after the window's end
	drained bool // the window is over and the ring was read to its end
	closed  bool
}

// Next returns the next event. After ctx is done it yields what the kernel has
// reported so far, and then io.EOF.
func (s *Source) Next(ctx context.Context) (trace.Event, error) {
	for {
		if len(s.queue) > 0 {
			e := s.queue[0]
			s.queue = s.queue[1:]
			return e, nil
		}
		if s.drained {
			return trace.Event{}, io.EOF
		}
		over := ctx.Err() != nil
		e, at, err := s.read(over)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			at = kernelNow() // the ring is empty
		} else if err != nil {
			return trace.Event{}, err
		}
		switch {
		case s.mark == 0 && (over || at >= s.began+uint64(sweepEvery)):
			if err := s.sweep(over); err != nil {
				return trace.Event{}, err
			}
		case s.mark != 0 && at >= s.mark:
			s.tell()
		}
		if err != nil {
			continue
		}
		if e.Kind != trace.KindProcess || !e.Process.Exited {
			return e, nil
		}
		if err := s.bury(e); err != nil {
			return trace.Event{}, err
		}
	}
}

// read takes one record from the ring and returns it with the kernel time of its making.
// An empty ring it awaits the next time it is called, so that a busy one costs no clock.
func (s *Source) read(over bool) (trace.Event, uint64, error) {
	for {
		if err := s.ring.ReadInto(&s.record); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return trace.Event{}, 0, fmt.Errorf("read ring buffer: %w", err)
			}
			wait := pollEvery
			if over || s.mark != 0 {
				wait = time.Millisecond
			}
			s.ring.SetDeadline(time.Now().Add(wait))
			return trace.Event{}, 0, err
		}
		if e, at, ok := s.decode(s.record.RawSample); ok {
			return e, at, nil
		}
	}
}

// sweep takes the ends of messages that went on after they were reported, and what was
// lost since the last sweep. They wait until the ring, which is behind, was read so far.
func (s *Source) sweep(last bool) error {
	s.last, s.began = last, kernelNow()
	if err := s.sweepTails(); err != nil {
		return err
	}
	if err := s.countLosses(); err != nil {
		return err
	}
	s.workers.count()
	if s.workers.due(s.began) || last && s.workers != nil {
		told, err := s.workers.tell()
		if err != nil {
			return err
		}
		s.queue = append(s.queue, told...)
	}
	if last {
		s.countMisses()
	}
	s.mark = kernelNow()
	return nil
}

// tell queues what the last sweep took, and the time up to which all has been told.
func (s *Source) tell() {
	s.queue = append(s.queue, s.tails...)
	s.queue = append(s.queue, trace.Event{Kind: trace.KindSwept, Time: s.clock.at(s.began)})
	s.tails, s.mark, s.drained = s.tails[:0], 0, s.last
}

func (s *Source) sweepTails() error {
	var (
		cursor ebpf.MapBatchCursor
		keys   = make([]traceTailKey, 512)
		tails  = make([]traceTail, 512)
	)
	for {
		n, err := s.objects.Tails.BatchLookupAndDelete(&cursor, keys, tails, nil)
		for i := range n {
			s.tails = append(s.tails, trace.Event{Kind: trace.KindTail, Tail: s.tail(&keys[i], &tails[i])})
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read open messages: %w", err)
		}
	}
}

// causes names the losses of events.h as users see them. Some are none, and have no name.
var causes = [traceLossLOSS_CAUSES]string{
	traceLossLOSS_REQUESTS:  "requests_ring_full",
	traceLossLOSS_MESSAGES:  "messages_ring_full",
	traceLossLOSS_PROCESSES: "processes_ring_full",
	traceLossLOSS_SOCKETS:   "sockets_map_full",
	traceLossLOSS_TAILS:     "tails_map_full",
	traceLossLOSS_LAYOUT:    "requests_unknown_layout",
	traceLossLOSS_TARGETS:   "targets_map_full",
	traceLossLOSS_HEADERS:   "headers_ring_full",
}

// removals names the filters by which the kernel side removes requests.
var removals = map[traceLoss]string{
	traceLossLOSS_OTHER_ROUTE:    "--route",
	traceLossLOSS_OTHER_SERVICE:  "--service",
	traceLossLOSS_OTHER_CONSUMER: "--consumer",
}

func (s *Source) countLosses() error {
	var now [traceLossLOSS_CAUSES]uint64
	for cause := range now {
		var perCPU []uint64
		if err := s.objects.Losses.Lookup(uint32(cause), &perCPU); err != nil {
			return fmt.Errorf("read losses: %w", err)
		}
		for _, n := range perCPU {
			now[cause] += n
		}
	}
	for cause, name := range causes {
		if n := now[cause] - s.told[cause]; n > 0 && name != "" {
			s.queue = append(s.queue, trace.Event{Kind: trace.KindLost, Cause: name, Count: n})
		}
	}
	for cause, filter := range removals {
		if n := now[cause] - s.told[cause]; n > 0 {
			s.queue = append(s.queue, trace.Event{Kind: trace.KindRemoved, Cause: filter, Count: n})
		}
	}
	s.told = now
	if now[traceLossLOSS_TICK_OWNERS] >= unprovedMany && s.uprobes != nil && !s.attempts {
		s.options.Log.Debug("attempts that Lua does not name: watching " + beginOfAttempt)
		return s.watchAttempts()
	}
	if now[traceLossLOSS_LAYOUT] >= layoutTries && now[traceLossLOSS_SEEN_REQUESTS] == 0 && s.uprobes != nil {
		s.note(fmt.Sprintf("the request objects of nginx %s do not look as %s has them: sockets alone are traced from here, edges are inferred",
			s.options.Target.Version.Nginx, s.options.Target.LayoutSource))
		if err := s.closeRequests(); err != nil || !s.options.NoSockets {
			return err
		}
		return s.watchSockets()
	}
	return nil
}

// countMisses tells, at the end of the window, of program runs that the kernel itself left
// out, which it does when a program would interrupt itself.
func (s *Source) countMisses() {
	var missed uint64
	for _, p := range s.singlePrograms() {
		if st, err := p.Stats(); err == nil {
			missed += st.RecursionMisses
		}
	}
	if missed > 0 {
		s.queue = append(s.queue, trace.Event{Kind: trace.KindLost, Cause: "program_runs_missed", Count: missed})
	}
}

func (s *Source) note(text string) {
	s.queue = append(s.queue, trace.Event{Kind: trace.KindNote, Note: text})
}

// Close ends the window: it detaches and unloads everything. It may be called twice.
func (s *Source) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.upstreams != nil {
		s.upstreams.end()
	}
	errs = append(errs, closeLinks(append(s.links, s.uprobes...)))
	if s.ring != nil {
		errs = append(errs, s.ring.Close())
	}
	if s.objects.Events != nil {
		errs = append(errs, s.objects.Close())
	}
	return errors.Join(errs...)
}
