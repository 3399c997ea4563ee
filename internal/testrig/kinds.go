package testrig

// A Kind is a way in which the gateway treats a request.
type Kind string

// The kinds of the usual load. Routes says what each one does.
const (
	Keepalive      Kind = "keepalive"
	Fresh          Kind = "fresh"
	RetryRefused   Kind = "retry-refused"
	RetryReset     Kind = "retry-reset"
	RetryTimeout   Kind = "retry-timeout"
	Sleep          Kind = "sleep"
	Cosocket       Kind = "cosocket"
	CosocketFresh  Kind = "cosocket-fresh"
	Mirror         Kind = "mirror"
	Subrequest     Kind = "subrequest"
	Lua401         Kind = "lua-401"
	Lua404         Kind = "lua-404"
	BadGateway     Kind = "bad-gateway"
	GatewayTimeout Kind = "gateway-timeout"
	Upstream500    Kind = "upstream-500"
	Closed         Kind = "closed"
	ClosedReused   Kind = "closed-reused"
	HTTPS          Kind = "https"
	H2             Kind = "h2"
	H2C            Kind = "h2c"
	HTTPSUpstream  Kind = "https-upstream"
	Large          Kind = "large"
	WebSocket      Kind = "websocket"
	Stream         Kind = "stream"
	CloseDelimited Kind = "close-delimited"
	Head           Kind = "head"
	NotModified    Kind = "not-modified"
	Continue       Kind = "expect-continue"
)

// Kinds that are sent only to those who name them. MoreRoutes says what each one does.
const (
	ForwardAuth   Kind = "forward-auth"
	OPA           Kind = "opa"
	OpenID        Kind = "openid-connect"
	HTTPLogger    Kind = "http-logger"
	TwoCalls      Kind = "two-calls"
	FanOut        Kind = "fan-out"
	FaultAbort    Kind = "fault-abort"
	WebConsumer   Kind = "web-consumer"
	InvalidKey    Kind = "invalid-key"
	NoService     Kind = "no-service"
	NumericID     Kind = "numeric-id"
	LongNames     Kind = "long-names"
	RewrittenPath Kind = "rewritten-path"
	Headers       Kind = "headers"
	GRPC          Kind = "grpc"
	GRPCOverTLS   Kind = "grpc-tls"
	GRPCMissing   Kind = "grpc-missing"
	GRPCBreak     Kind = "grpc-break"
)

// A Transport is what a client speaks to the gateway.
type Transport string

// The transports; each has its own port on the gateway.
const (
	OverHTTP  Transport = "http/1.1"
	OverHTTPS Transport = "https/1.1"
	OverH2    Transport = "h2"
	OverH2C   Transport = "h2c"
)

// largeBody is the size of both bodies of Large.
const largeBody = 1 << 20

// MainHost is the host of the plain routes.
const MainHost = "apisix.deepflow.demo"

// grpcHost is the host of the gRPC routes.
const grpcHost = "grpc.deepflow.demo"

// A Route says how to make a request of one kind, and what comes of it.
type Route struct {
	Kind      Kind
	Transport Transport
	Method    string
	Host      string
	Paths     []string // any of them; the first is the kind's own
	Statuses  []int    // what a client may get
	Attempts  []string // the nodes of the main request in order; "" is one of the orders nodes
	About     string
}
