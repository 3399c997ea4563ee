package bpf

import (
	"bytes"
	"net/netip"
	"time"
	"unsafe"

	"github.com/apisixscope/apisixscope/trace"
)

// roomy is the size of the largest record. The kernel sends only so much of it as is
// filled; what views it as a whole must own the whole.
const roomy = max(unsafe.Sizeof(traceMessageEvent{}), unsafe.Sizeof(traceRequestEvent{}), unsafe.Sizeof(traceHeadersEvent{}))

// decode turns a record into an event and says when the kernel made it. A record that is
// none of ours, or too short, is not ok.
func (s *Source) decode(raw []byte) (e trace.Event, at uint64, ok bool) {
	if len(raw) < 8 {
		return e, 0, false
	}
	if cap(raw) < int(roomy) {
		raw = append(make([]byte, 0, roomy), raw...)
	}
	switch traceEventKind(*(*uint32)(unsafe.Pointer(&raw[0]))) {
	case traceEventKindEVENT_MESSAGE:
		m := (*traceMessageEvent)(unsafe.Pointer(&raw[0]))
		if head := int(unsafe.Offsetof(m.Head)); len(raw) < head || len(raw) < head+int(m.HeadLen) {
			return e, 0, false
		}
		msg := s.message(m)
		s.upstreams.saw(msg)
		return trace.Event{Kind: trace.KindMessage, Time: msg.Flow.Began, Message: msg}, m.Flow.Began, true
	case traceEventKindEVENT_REQUEST:
		r := (*traceRequestEvent)(unsafe.Pointer(&raw[0]))
		data := int(unsafe.Offsetof(r.Data))
		if len(raw) < data {
			return e, 0, false
		}
		return trace.Event{Kind: trace.KindRequest, Time: s.clock.at(r.Time), Request: s.request(r, raw[data:])}, r.Time, true
	case traceEventKindEVENT_HEADERS:
		h := (*traceHeadersEvent)(unsafe.Pointer(&raw[0]))
		if data := int(unsafe.Offsetof(h.Data)); len(raw) >= data {
			s.headers[int(h.Pid)] = headersOf{h.Request, headersFrom(h, raw[data:])}
		}
	case traceEventKindEVENT_CLOSE:
		if c, ok := record[traceCloseEvent](raw); ok {
			return trace.Event{Kind: trace.KindClose, Time: s.clock.at(c.Time), Close: s.close(c)}, c.Time, true
		}
	case traceEventKindEVENT_PROCESS:
		if p, ok := record[traceProcessEvent](raw); ok {
			if p.Exited == 0 {
				s.upstreams.inherits(p.Pid, p.Parent)
				s.workers.forked(int(p.Pid), int(p.Parent))
			}
			return trace.Event{Kind: trace.KindProcess, Time: s.clock.at(p.Time), Process: &trace.Process{
				PID: int(p.Pid), Parent: int(p.Parent), Exited: p.Exited != 0, Status: int(p.ExitCode),
			}}, p.Time, true
		}
	}
	return e, 0, false
}

// record views raw as a T, which the ring buffer aligns to eight bytes.
func record[T any](raw []byte) (*T, bool) {
	var t *T
	if len(raw) < int(unsafe.Sizeof(*t)) {
		return nil, false
	}
	return (*T)(unsafe.Pointer(&raw[0])), true
}

// message fills the one message that all share.
func (s *Source) message(m *traceMessageEvent) *trace.Message {
	s.shared = trace.Message{
		Conn:      s.conn(&m.Conn),
		Exchange:  m.Exchange,
		Starts:    traceStarts(m.Starts) != traceStartsSTARTS_NOT,
		Joined:    traceStarts(m.Starts) == traceStartsSTARTS_JOINED,
		Asked:     m.Conn.Asked[:],
		Direction: trace.Direction(m.Direction),
		Flow:      s.flow(&m.Flow),
		Before:    s.flow(&m.Before),
		Owner:     owner(&m.Owner),
		Plugin:    plugin(m.Plugin[:]),
		Tick:      s.clock.at(m.Tick),
		Head:      m.Head[:m.HeadLen],
	}
	return &s.shared
}

func (s *Source) close(c *traceCloseEvent) *trace.Close {
	return &trace.Close{
		Conn:         s.conn(&c.Conn),
		Exchange:     c.Exchange,
		In:           s.flow(&c.In),
		Out:          s.flow(&c.Out),
		Owner:        owner(&c.Owner),
		PeerClosed:   s.clock.at(c.PeerClosed),
		Failed:       s.clock.at(c.Failed),
		Errno:        int(c.Error),
		ConnectErrno: int(c.ConnectError),
		Tick:         s.clock.at(c.Tick),
		Plugin:       plugin(c.Plugin[:]),
		Asked:        asked(c.Conn.Asked),
	}
}

// request fills a request of its own; data is what follows the record's fixed part.
func (s *Source) request(r *traceRequestEvent, data []byte) *trace.Request {
	out := &trace.Request{
		PID:               int(r.Pid),
		ID:                r.Request,
		Started:           time.UnixMilli(int64(r.StartSec)*1000 + int64(r.StartMsec)),
		LineLen:           int(r.LineLen),
		Version:           int(r.HttpVersion),
		Status:            int(r.Status),
		TLS:               r.Ssl != 0,
		Stream:            r.Stream != 0,
		Received:          int64(r.RequestLength),
		ConnectionRequest: r.ConnectionRequests,
		Upstream:          r.Upstream,
		Exchange:          r.Exchange,
		Tick:              s.clock.at(r.Tick),
		In:                s.flow(&r.In),
		Out:               s.flow(&r.Out),
		PeerClosed:        s.clock.at(r.PeerClosed),
		Failed:            s.clock.at(r.Failed),
		Errno:             int(r.Error),
		AttemptsLen:       int(r.AttemptsLen),
		Phases:            s.phases(r),
		NoLua:             r.NoLua != 0,
		Unwatched:         s.options.NoSockets && r.Socket == 0,
	}
	if r.Socket != 0 {
		out.Client = trace.Conn{
			PID: int(r.Pid), FD: int(r.Fd), Socket: trace.SocketID(r.Socket), Side: trace.SideAccepted, Gateway: true,
			Local: addrPort(&r.Local), Remote: addrPort(&r.Remote),
		}
	}
	s.unpack(out, r, data)
	if h, ok := s.headers[out.PID]; ok {
		if delete(s.headers, out.PID); h.request == out.ID {
			out.Headers = h.headers
			judgeSet(out)
		}
	}
	return out
}

func (s *Source) phases(r *traceRequestEvent) trace.Phases {
	began := func(p tracePhase) time.Time { return s.clock.at(r.Phases.Began[p]) }
	return trace.Phases{
		Process: began(tracePhasePHASE_PROCESS), Access: began(tracePhasePHASE_ACCESS),
		Upstream: began(tracePhasePHASE_UPSTREAM), Response: began(tracePhasePHASE_RESPONSE),
		Ended: s.clock.at(r.Time), Lua: time.Duration(r.Phases.Lua),
	}
}

func (s *Source) conn(c *traceConn) trace.Conn {
	return trace.Conn{
		PID: int(c.Pid), FD: int(c.Fd), Socket: trace.SocketID(c.Socket), Side: trace.Side(c.Side),
		Gateway: c.Worker != 0, Process: s.upstreams.name(c.Pid, uint32(c.Worker)),
		Local: addrPort(&c.Local), Remote: addrPort(&c.Remote),
		Opened: s.clock.at(c.Opened), Established: s.clock.at(c.Established),
	}
}

func (s *Source) tail(k *traceTailKey, t *traceTail) *trace.Tail {
	side := trace.SideConnected
	if t.Worker == 0 {
		side = trace.SideAccepted
	}
	return &trace.Tail{
		Conn: trace.Conn{
			PID: int(t.Pid), Socket: trace.SocketID(k.Socket), Side: side, Gateway: t.Worker != 0,
			Process: s.upstreams.name(t.Pid, t.Worker), Local: addrPort(&t.Local), Remote: addrPort(&t.Remote),
		},
		Exchange: uint32(k.Exchange),
		In:       s.flow(&t.Flows[trace.In]), Out: s.flow(&t.Flows[trace.Out]),
	}
}

func (s *Source) flow(f *traceFlow) trace.Flow {
	return trace.Flow{
		Began: s.clock.at(f.Began), Ended: s.clock.at(f.Ended), Turned: s.clock.at(f.Turned),
		Bytes: int64(f.Bytes), Calls: int(f.Calls), Seq: f.Seq,
	}
}

func upstreamState(a *traceAttempt) trace.UpstreamState {
	return trace.UpstreamState{
		Peer:     cut(a.Peer[:], a.PeerLen),
		Status:   int(a.Status),
		Connect:  millis(a.ConnectTime),
		Header:   millis(a.HeaderTime),
		Response: millis(a.ResponseTime),
		Received: int64(a.BytesReceived),
		Sent:     int64(a.BytesSent),

		Redirected: a.Redirected != 0,
	}
}

// millis is an ngx_msec_t; nginx has (ngx_msec_t) -1 for what did not happen.
func millis(ms uint64) time.Duration {
	if ms > 1<<40 {
		return -1
	}
	return time.Duration(ms) * time.Millisecond
}

// asked returns the first bytes of a request, nil if they are not known.
func asked(b [8]uint8) []byte {
	if b == [8]uint8{} {
		return nil
	}
	return b[:]
}

func owner(o *traceOwner) trace.Owner {
	return trace.Owner{
		How: trace.OwnerHow(o.How), Socket: trace.SocketID(o.Socket), Exchange: o.Exchange, Request: o.Request,
	}
}

// plugin returns the name in a fixed buffer; "" for none.
func plugin(b []byte) string {
	if b[0] == 0 {
		return ""
	}
	name, _, _ := bytes.Cut(b, []byte{0})
	return string(name)
}

// cut returns the text of a fixed buffer; n is its true length, which may be larger.
func cut(b []byte, n uint32) string { return string(b[:min(int(n), len(b))]) }

func addrPort(a *traceAddress) netip.AddrPort {
	ip := netip.AddrFrom16(a.Ip)
	if ip.IsUnspecified() && a.Port == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip.Unmap(), a.Port)
}
