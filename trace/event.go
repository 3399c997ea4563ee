package trace

import (
	"net/netip"
	"time"
)

// Kind tells which field of an Event is set.
type Kind uint8

// The kinds of events.
const (
	KindRequest  Kind = iota + 1 // Request: nginx has finished a request
	KindMessage                  // Message: a message began at a socket
	KindTail                     // Tail: how far the messages of a socket have come
	KindClose                    // Close: a socket was closed
	KindProcess                  // Process: a watched process was forked or has exited
	KindSwept                    // every message that ended before Time has been told
	KindLost                     // Count events were lost for Cause
	KindNote                     // Note: what the source has to say about itself
	KindRemoved                  // Count requests were removed by the filter Cause
	KindExchange                 // Exchange: a request that was assembled elsewhere, such as for a recording
	KindWorker                   // Worker: what a worker did in the last second
)

// Event is one decoded record. Of the pointers, the one that Kind names is set.
// A Request and an Exchange belong to the receiver; the others are valid until the next
// call of Next.
type Event struct {
	Kind    Kind
	Time    time.Time
	Request *Request
	Message *Message
	Tail    *Tail
	Close   *Close
	Process *Process
	// Exchange has its names already, where there were any.
	Exchange *Exchange
	Worker   *Worker
	Cause    string // of KindLost and KindRemoved
	Count    uint64 // of the same
	Note     string // of KindNote
}

// SocketID names a socket from its first event to its close; ids are not used twice.
type SocketID uint64

// Side is which end of a connection a socket is.
type Side uint8

// The sides.
const (
	SideAccepted  Side = iota + 1 // the server's end
	SideConnected                 // the client's end
)

// Direction of bytes, as seen from the process that owns the socket.
type Direction uint8

// The directions.
const (
	In Direction = iota
	Out
)

// OwnerHow says how the kernel side found whose work an outgoing exchange is.
type OwnerHow uint8

// How an owner was found.
const (
	OwnerNone       OwnerHow = iota // not found: a timer's work, or background traffic
	OwnerTick                       // the socket last read in the same event-loop tick
	OwnerUpstream                   // the request object, for an attempt of nginx's upstream module
	OwnerCosocket                   // the request object, for a connection that Lua makes
	OwnerSubrequest                 // the request object, for a subrequest's attempt
	OwnerLua                        // the Lua thread that runs while the exchange begins
	OwnerPeer                       // Lua's last request, whose own peer has this socket
	OwnerSubpeer                    // the same of a subrequest
)

// Owner is whose work an outgoing exchange is: an exchange at a client's socket, and the
// address of the request object where that is known.
type Owner struct {
	How      OwnerHow
	Socket   SocketID
	Exchange uint32
	Request  uint64 // address of ngx_http_request_t in the worker, 0 when not known
}

// Flow is what moved in one direction of one exchange. A zero Began means nothing did.
type Flow struct {
	Began, Ended time.Time // first and last byte; a write's entry, a read's return
	Turned       time.Time // first byte since the other direction last had its turn
	Bytes        int64
	Calls        int
	Seq          uint32 // TCP sequence number of the first byte
}

// Conn identifies a socket and tells its life so far. Times that were not seen are zero.
type Conn struct {
	PID           int
	FD            int
	Socket        SocketID
	Side          Side
	Gateway       bool   // the process is a worker; else an upstream's
	Process       string // the name of an upstream's process
	Local, Remote netip.AddrPort
	Opened        time.Time // connect or accept
	Established   time.Time // the TCP handshake was over
}

// Message is the beginning of a run of bytes in one direction. Its end comes with the
// next message of the socket, a Tail, a Close or the Request.
type Message struct {
	Conn
	Exchange  uint32 // counts the exchanges of the socket since the window began
	Starts    bool   // the first message of its exchange
	Joined    bool   // and Before is its request, of which no message told
	Direction Direction
	Flow      Flow      // the first call; of a write, what it wanted to move
	Before    Flow      // the whole message that came before, in the other direction
	Owner     Owner     // of a connected socket
	Plugin    string    // that ran for the owner when the exchange began; of a connected socket
	Tick      time.Time // the event-loop tick in which it was moved
	Head      []byte    // the first bytes, as many as were captured; may be none
	Asked     []byte    // the first eight bytes of a worker's connection's first request; zeros when not known
}

// Tail is the state of both directions of an exchange: of one that goes on after its last
// message, or of one at an upstream's process whose request was not answered yet. Of Conn,
// the times are not set.
type Tail struct {
	Conn
	Exchange uint32
	In, Out  Flow
}

// Close is the end of a socket.
type Close struct {
	Conn
	Exchange     uint32
	In, Out      Flow // of the last exchange
	Owner        Owner
	PeerClosed   time.Time // the peer's FIN arrived
	Failed       time.Time // Errno was seen
	Errno        int       // of the socket, 0 for none
	ConnectErrno int       // what connect itself returned, 0 for none
	Asked        []byte    // as in Message; nil when not known
	Tick         time.Time // the event-loop tick in which it was closed
	Plugin       string    // as in Message
}

// Process is a fork or the end of a watched process.
type Process struct {
	PID    int
	Parent int
	Exited bool
	Status int // as wait(2) has it, when Exited
}

// Request is nginx's request object at its end.
type Request struct {
	PID     int
	ID      uint64    // its address in the worker
	Started time.Time // nginx's clock: milliseconds, set once per event-loop tick
	Line    string    // request line, as received; cut at 512 bytes
	LineLen int       // its true length
	Host    string    // lower case, without port; empty for HTTP/1.0 without Host
	Version int       // 9, 1000, 1001, 2000, 3000
	Status  int       // 0 when no response head was made
	TLS     bool
	Stream  bool // HTTP/2: shares its socket with other requests

	Received          int64  // bytes of request line, headers and body, as nginx counts
	ConnectionRequest uint64 // this is the n-th request of the connection
	Upstream          uint64 // address of its ngx_http_upstream_t, 0 without

	// The client's socket. Zero Socket: it was not seen, or with Unwatched none is.
	Client     Conn
	Unwatched  bool
	Exchange   uint32
	Tick       time.Time // event-loop tick that delivered the first byte
	In, Out    Flow
	PeerClosed time.Time // the client's FIN arrived
	Failed     time.Time
	Errno      int

	Attempts     []UpstreamState // at most six
	AttemptsLen  int             // how many there were, as far as the kernel side counts: to 16
	Phases       Phases
	NoLua        bool   // a 400 that nginx made before Lua saw the request
	TraceParent  string // request headers, empty when absent
	RequestID    string
	HeaderValues []string // of the further headers that were asked for
	Names        Names
	Logged       *Logged  // nil unless asked for
	Headers      *Headers // nil unless asked for
}

// Phases tells when nginx came to a part of its work on a request; a zero time that it did
// not, or that it was not watched.
type Phases struct {
	Process  time.Time     // the head was read: rewrite and preaccess
	Access   time.Time     // Lua's access handler: APISIX's router and most plugins
	Upstream time.Time     // proxying, and with it the balancer
	Response time.Time     // the response's head: header_filter, body_filter
	Ended    time.Time     // the log phase is next
	Lua      time.Duration // for which Lua ran
}

// UpstreamState is nginx's own record of one attempt, in its clock's milliseconds.
// A duration below zero means that it did not come so far.
type UpstreamState struct {
	Peer                      string
	Status                    int
	Connect, Header, Response time.Duration
	Received, Sent            int64
	Redirected                bool // an internal redirect led to it: nginx writes " : " before it
}
