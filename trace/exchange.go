package trace

import (
	"net/netip"
	"time"
)

// TraceID and SpanID are W3C Trace Context ids.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// Mark tells from which vantage point a span was seen.
type Mark byte

// The marks.
const (
	MarkGateway Mark = 'P' // nginx's request object
	MarkSystem  Mark = 'S' // system calls at a socket
)

// Confidence tells whether an edge is proved.
type Confidence string

// The confidences.
const (
	Exact    Confidence = "exact"
	Inferred Confidence = "inferred"
)

// Source of a response, as APISIX itself names it.
type ResponseSource string

// The sources.
const (
	FromAPISIX   ResponseSource = "apisix"   // made by Lua
	FromNginx    ResponseSource = "nginx"    // made by nginx for want of an upstream's answer
	FromUpstream ResponseSource = "upstream" // the upstream's own
	FromUnknown  ResponseSource = "unknown"  // the window did not show enough
)

// Role says what a span is in the tree.
type Role uint8

// The roles.
const (
	RoleClientSide Role = iota + 1 // the client's connection, at the gateway's socket
	RoleGateway                    // the request inside nginx
	RoleAttempt                    // one try at an upstream node
	RoleCall                       // what Lua or a subrequest asked on the way: Redis, auth, mirror
	RoleUpstream                   // the upstream's own process
	RolePhase                      // a part of nginx's own work on the request
)

// Exchange is one client request, its response and everything that was seen of it.
type Exchange struct {
	TraceID  TraceID
	Parent   SpanID        // of the incoming traceparent; zero without
	Start    time.Time     // the worker woke up for it; its first byte, where that was not seen
	Duration time.Duration // until the last byte to the client

	PID      int // the worker; 0 when nothing tells
	Method   string
	Path     string // without the query
	Query    string
	Host     string
	Protocol string // "1.0", "1.1", "2"
	TLS      bool
	Status   int // 0: the client got no response head
	Client   netip.AddrPort
	Server   netip.AddrPort // the gateway's address
	Received int64          // bytes of the request
	Sent     int64          // bytes to the client; -1 when not known

	RequestID         string
	ConnectionRequest int // n-th request of the client's connection; 0: not known

	Source   ResponseSource
	Reason   string // why, in words; empty for a plain upstream answer
	ErrType  string // error.type of OpenTelemetry: "connection_refused", "timeout", ...; empty for none
	Timing   Timing
	Attempts []Attempt
	Spans    []Span // parents before children

	// Incomplete says what could not be seen, in words; empty when nothing is missing.
	Incomplete []string
	// Clock is "ns" where socket times are the base, "ms" where only nginx's clock was there.
	Clock string

	// Vague says that Path, Query, Host or Method may not be what the client sent: they are cut,
	// or those that the gateway sent upstream.
	Vague        bool
	HeaderValues []string // of the further request headers that were asked for
	Names        Names
	Object       Object
	CPU          CPU
	Logged       *Logged  // nil unless asked for, or where the request object was not read
	Headers      *Headers // nil unless asked for, or where the request object was not read

	// The first bytes of the last attempt's request and response, heads included: what one
	// system call moved of them. Whole heads with bodies only where bodies were asked for.
	Asked, Answered []byte
}

// Object is nginx's request object. Its address is used again once the request has ended.
type Object struct {
	Address uint64    // of ngx_http_request_t in the worker; 0 where it was not read
	Started time.Time // nginx's clock: whole milliseconds
	Ended   time.Time // nginx began to free it: the log phase comes next
}

// CPU is for how long Lua ran for a request, by samples of the stacks of its worker.
type CPU struct {
	Period  time.Duration // between two samples; 0 where none were taken, or the request object was not read
	Samples int           // in which the stack names the request
	Time    time.Duration // for which they stand: 0 means less than a Period or so, not none
}

// Timing is a request's time by part. Parts that were not seen are -1.
// ClientRead, Gateway, the attempts and ClientWrite follow each other, except that
// a streamed response is read and written at the same time.
type Timing struct {
	ClientRead      time.Duration // first to last byte of the request
	Gateway         time.Duration // until the first attempt, or the response where there was none
	GatewayQueue    time.Duration // of it: from the event loop's wake-up to the first read
	GatewayResponse time.Duration // last attempt's first byte to the first byte to the client
	ClientWrite     time.Duration // first to last byte of the response
	Lua             time.Duration // for which Lua's threads ran, mostly in Gateway; 0 where they were not watched
}

// Attempt is one try at an upstream node. Durations that were not seen are -1.
type Attempt struct {
	Peer      netip.AddrPort // the node; invalid for UNIX sockets
	PeerName  string         // as nginx names it
	Local     netip.AddrPort
	Start     time.Time     // with connect, or on a reused connection with the request; zero when its socket was not seen
	Status    int           // 0: no response head
	Reused    bool          // the connection had served other requests
	Exchange  int           // n-th exchange of the connection since the window began; 0: not known
	Age       time.Duration // of the connection at the attempt's start; -1: older than the window
	Connect   time.Duration // the TCP handshake; 0 on a reused connection
	TLS       time.Duration // the TLS handshake
	Send      time.Duration // from then to the last byte of the request
	Wait      time.Duration // from then to the first byte of the response
	Read      time.Duration // from then to its last byte
	Duration  time.Duration // until the last that happened
	Sent      int64         // bytes to the node
	Received  int64
	ErrType   string // as of Exchange; empty for none
	Reason    string // why it failed, in words
	Evidence  string // how it was tied to its connection, in words
	Confident Confidence
}

// Span is one node of an exchange's tree.
type Span struct {
	ID        SpanID
	Parent    SpanID
	Mark      Mark
	Role      Role
	Name      string
	Start     time.Time
	Duration  time.Duration
	PID       int
	Process   string // the name of an upstream's process; empty for the gateway
	Local     netip.AddrPort
	Peer      netip.AddrPort
	Status    int   // HTTP status, 0 for none
	Sent      int64 // bytes; as of the process that owns the socket
	Received  int64
	Attempt   int    // index into Exchange.Attempts; -1 when it is none
	TCPSeq    uint32 // of the request's first byte; 0 when not seen
	ErrType   string
	Plugin    string // APISIX's plugin that made the call; empty where none is known to have
	Evidence  string // of the edge to the parent
	Confident Confidence
}

// Part names a share of a request's time.
type Part struct {
	Name     string // "client_read", "gateway", "attempt 1 wait", ...
	Duration time.Duration
}

// Largest returns the part that took most of the time; a zero Part when none was seen.
// While a response is passed on as it comes, it is the node that takes the time: of
// client_write only what came after the node's last byte counts.
func (x *Exchange) Largest() Part {
	var most Part
	for p := range x.Parts() {
		if p.Name == partClientWrite {
			p.Duration -= x.Streamed()
		}
		if p.Duration > most.Duration {
			most = p
		}
	}
	return most
}

// UpstreamTime returns the time of all attempts, -1 where there was none.
func (x *Exchange) UpstreamTime() time.Duration {
	sum := time.Duration(-1)
	for i := range x.Attempts {
		if d := x.Attempts[i].Duration; d >= 0 {
			sum = max(sum, 0) + d
		}
	}
	return sum
}

// Streamed returns how long the response was read from the node and written to the client
// at the same time.
func (x *Exchange) Streamed() time.Duration {
	last := x.lastAttempt()
	if last == nil || last.Start.IsZero() || last.Read <= 0 {
		return 0
	}
	read := last.Start.Add(last.Duration)
	wrote := x.Start.Add(x.Duration)
	if wrote.Before(read) {
		read = wrote
	}
	return max(read.Sub(wrote.Add(-x.Timing.ClientWrite)), 0)
}
