package trace_test

import (
	"strings"
	"syscall"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// A socket of a story keeps what socket.bpf.c keeps of one, and tells what it tells.
type socket struct {
	s        *story
	conn     trace.Conn
	request  uint64 // of a client's: the request object in use
	stream   uint32 // the HTTP/2 stream in use, as nginx counts them
	exchange uint32
	flows    [2]trace.Flow
	owner    trace.Owner
	tick     time.Time
	last     trace.Direction
	moved    bool                   // last is set
	fresh    bool                   // connect has begun the exchange
	tails    map[uint32]*trace.Tail // that wait for a sweep, by exchange
	asked    []byte                 // first bytes of a request of which no message told
	closed   bool
	base     uint32 // sequence number of the first byte out
	sent     int64
	peer     *socket // of an upstream's process: the gateway's end
	got      int64   // bytes of it that peer has sent

	peerClosed, failed  time.Time
	errno, connectErrno int
}

func (s *story) socket(side trace.Side, local, remote string) *socket {
	c := &socket{s: s, request: aRequest, tails: map[uint32]*trace.Tail{}, conn: trace.Conn{
		PID: s.worker, FD: 10 + len(s.sockets), Socket: trace.SocketID(s.first+len(s.sockets)+1) << 10,
		Side: side, Gateway: true, Local: addr(local), Remote: addr(remote),
	}}
	c.base = uint32(c.conn.Socket) << 12
	s.sockets = append(s.sockets, c)
	return c
}

// accepts is a client's new connection.
func (s *story) accepts(remote string) *socket {
	c := s.socket(trace.SideAccepted, gatewayAddr, remote)
	c.conn.Opened, c.conn.Established = s.now, s.now
	return c
}

// connects begins a connection, which serves whoever was named last.
func (s *story) connects(remote string) *socket {
	c := s.socket(trace.SideConnected, "10.0.0.1:40000", remote)
	c.conn.Opened, c.exchange, c.fresh, c.tick = s.now, 1, true, s.ticked
	c.owner = c.next()
	s.current = c.owner
	return c
}

// pooled is a connection that has served already; age 0 is one from before the window.
func (s *story) pooled(remote string, age time.Duration) *socket {
	c := s.socket(trace.SideConnected, "10.0.0.1:40000", remote)
	if age > 0 {
		c.conn.Opened, c.conn.Established = s.now.Add(-age), s.now.Add(-age).Add(time.Millisecond)
		c.exchange, c.moved, c.sent = 1, true, 60
	}
	return c
}

// served is the other end of c in an upstream's own process.
func (c *socket) served(process string, pid int) *socket {
	up := c.s.socket(trace.SideAccepted, c.conn.Remote.String(), c.conn.Local.String())
	up.conn.PID, up.conn.Gateway, up.conn.Process = pid, false, process
	up.peer, up.got = c, c.sent
	return up
}

func (c *socket) reads(b string)  { c.s.t.Helper(); c.move(trace.In, b, len(b)) }
func (c *socket) writes(b string) { c.s.t.Helper(); c.move(trace.Out, b, len(b)) }

func (c *socket) tail() *trace.Tail {
	conn := c.conn
	conn.Opened, conn.Established = time.Time{}, time.Time{}
	return &trace.Tail{Conn: conn, Exchange: c.exchange, In: c.flows[trace.In], Out: c.flows[trace.Out]}
}

func (c *socket) established() { c.conn.Established = c.s.now }
func (c *socket) peerCloses()  { c.peerClosed = c.s.now }

func (c *socket) fails(errno syscall.Errno) { c.failed, c.errno = c.s.now, int(errno) }

// closes tells the end of the socket; that of a client only where no request object does.
func (c *socket) closes() {
	c.s.t.Helper()
	if c.closed {
		return
	}
	c.closed = true
	delete(c.tails, c.exchange)
	if c.conn.Side == trace.SideConnected && c.conn.Gateway {
		c.s.current = c.owner
	}
	if !c.silent() {
		c.tellClose()
	}
}

func (c *socket) tellClose() {
	c.s.t.Helper()
	c.s.add(trace.Event{Kind: trace.KindClose, Time: c.s.now, Close: &trace.Close{
		Conn: c.conn, Exchange: c.exchange, In: c.flows[trace.In], Out: c.flows[trace.Out], Owner: c.owner,
		PeerClosed: c.peerClosed, Failed: c.failed, Errno: c.errno, ConnectErrno: c.connectErrno, Tick: c.s.ticked,
	}})
}

// lines joins a first line and header fields to a head.
func lines(first string, fields ...string) string {
	return first + "\r\n" + strings.Join(append(fields, "\r\n"), "\r\n")
}
