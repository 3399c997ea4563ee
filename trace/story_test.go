package trace_test

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/trace"
)

// A story is a course of events, told to an assembler as the kernel side would tell it:
// it does what bpf/*.bpf.c do. Its clock is set with at, in microseconds.
type story struct {
	t       testing.TB
	a       *trace.Assembler
	first   int // numbers its sockets
	began   time.Time
	now     time.Time
	probes  bool // the request object is read
	worker  int
	sockets []*socket
	events  []trace.Event // all that was told
	shown   []trace.Exchange

	ticked  time.Time    // the event-loop tick began
	current trace.Owner  // whose work runs, as sockets have it
	pending *trace.Owner // whose work it is, as the request object or Lua has it
	lost    int          // so many messages to come are lost
}

const (
	gatewayAddr = "10.0.0.1:9080"
	aClient     = "10.0.0.9:51234"
	node1       = "10.0.0.4:80"
	node2       = "10.0.0.5:80"
	redisAddr   = "10.0.0.6:6379"
	aRequest    = 0x7f0000001000 // an ngx_http_request_t
)

func newStory(t testing.TB, probes bool) *story {
	began := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	s := &story{t: t, began: began, now: began, ticked: began, probes: probes, worker: 4131}
	s.a = trace.NewAssembler(netHeads{}, s.show)
	if probes { // then the kernel side cuts heads anywhere
		s.a = trace.NewAssembler(&cmd.Heads{}, s.show)
	}
	return s
}

func (s *story) show(x *trace.Exchange) error {
	checkExchange(s.t, x)
	keep := *x
	keep.Attempts, keep.Spans, keep.Incomplete = slices.Clone(x.Attempts), slices.Clone(x.Spans), slices.Clone(x.Incomplete)
	s.shown = append(s.shown, keep)
	return nil
}

func (s *story) at(us int) { s.now = s.began.Add(time.Duration(us) * time.Microsecond) }

func (s *story) add(e trace.Event) {
	s.t.Helper()
	s.events = append(s.events, e)
	if err := s.a.Add(lend(&e)); err != nil {
		s.t.Errorf("Add: %v", err)
	}
	spoil(&e)
}

// tick says that epoll_wait has returned: what follows is nobody's until something is read.
func (s *story) tick(us int) {
	s.at(us)
	s.ticked, s.current, s.pending = s.now, trace.Owner{}, nil
}

// by says whose the exchange is that begins next, by the request object or by Lua.
func (s *story) by(c *socket, how trace.OwnerHow) {
	s.pending = &trace.Owner{How: how, Socket: c.conn.Socket, Exchange: c.exchange, Request: c.request}
	if c.stream != 0 {
		s.pending.Exchange = c.stream
	}
}

// ends says that nginx has freed the request of c: the request probe tells of it.
func (s *story) ends(c *socket, r trace.Request) {
	s.t.Helper()
	if r.PID = s.worker; r.ID == 0 {
		r.ID = aRequest
	}
	if r.Started.IsZero() {
		r.Started = s.began.Truncate(time.Millisecond)
	}
	if r.Version == 0 {
		r.Version = 1001
	}
	r.LineLen = max(r.LineLen, len(r.Line))
	r.AttemptsLen = max(r.AttemptsLen, len(r.Attempts))
	if c != nil {
		r.ID = c.request
		r.Client = c.conn
		r.Client.Opened, r.Client.Established = time.Time{}, time.Time{}
		r.Exchange, r.Tick, r.In, r.Out = c.exchange, c.tick, c.flows[trace.In], c.flows[trace.Out]
		r.PeerClosed, r.Failed, r.Errno = c.peerClosed, c.failed, c.errno
		if r.ConnectionRequest == 0 {
			r.ConnectionRequest = uint64(max(c.exchange, 1))
		}
		r.Received = max(r.Received, r.In.Bytes)
		if r.Stream {
			r.Exchange, r.ConnectionRequest = c.stream, uint64(c.stream)
		} else {
			c.exchange++
			c.flows, c.tick = [2]trace.Flow{}, time.Time{}
		}
	}
	s.add(trace.Event{Kind: trace.KindRequest, Time: s.now, Request: &r})
}

// get is a request that nginx has ended, with its record of each attempt.
func get(path string, status int, attempts ...trace.UpstreamState) trace.Request {
	return trace.Request{
		Line: "GET " + path + " HTTP/1.1", Host: "shop.example", Status: status, Attempts: attempts,
		Upstream: uint64(min(len(attempts), 1)) * 0x7f0000002000,
	}
}

// state is nginx's record of one attempt, in ms; -1 did not come so far.
func state(peer string, status int, connect, header, response time.Duration) trace.UpstreamState {
	ms := func(d time.Duration) time.Duration { return max(d*time.Millisecond, -1) }
	u := trace.UpstreamState{
		Peer: peer, Status: status, Connect: ms(connect), Header: ms(header), Response: ms(response),
	}
	if header >= 0 {
		u.Received, u.Sent = 90, 60
	}
	return u
}

// sweep tells the tails of all sockets, and that all is told that ended by now.
func (s *story) sweep() {
	s.t.Helper()
	for _, c := range s.sockets {
		for _, x := range slices.Sorted(maps.Keys(c.tails)) {
			s.add(trace.Event{Kind: trace.KindTail, Time: s.now, Tail: c.tails[x]})
		}
		clear(c.tails)
	}
	s.add(trace.Event{Kind: trace.KindSwept, Time: s.now})
}

// exits says that a process has ended. The kernel closes its sockets without a system call,
// so the source tells of each that was in use.
func (s *story) exits(pid, status int) {
	for _, c := range s.sockets {
		if c.conn.PID == pid && !c.closed && c.exchange != 0 {
			c.tellClose()
		}
		c.closed = c.closed || c.conn.PID == pid
	}
	s.add(trace.Event{Kind: trace.KindProcess, Time: s.now, Process: &trace.Process{PID: pid, Exited: true, Status: status}})
}

// end closes all sockets and proves that nothing is kept.
func (s *story) end() {
	s.t.Helper()
	s.now = s.now.Add(time.Second)
	for _, c := range s.sockets {
		c.closes()
	}
	s.sweep()
	for range 3 { // what would have been told by now, and what was lost
		s.now = s.now.Add(10 * time.Minute)
		s.sweep()
	}
	if err := s.a.Flush(); err != nil {
		s.t.Errorf("Flush: %v", err)
	}
	if held := held(s.a); held != "" {
		s.t.Errorf("after the end the assembler holds %s", held)
	}
}

// held names the maps and lists of an assembler that are not empty.
func held(a *trace.Assembler) string {
	var names []string
	v := reflect.ValueOf(a).Elem()
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if k := f.Kind(); (k == reflect.Map || name == "ready") && name != "lost" && f.Len() > 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func addr(s string) netip.AddrPort {
	if s == "" {
		return netip.AddrPort{}
	}
	return netip.MustParseAddrPort(s)
}
