package trace

// Heads reads the beginnings of HTTP/1 messages, which may be cut off anywhere. The room
// that knows HTTP implements it; package trace knows nobody.
type Heads interface {
	// Request reads a request head; it is false for bytes that cannot begin one.
	Request(b []byte) (RequestHead, bool)
	// Response reads a response head; it is false for bytes that cannot begin one.
	Response(b []byte) (ResponseHead, bool)
}

// RequestHead is what a request says of itself. The slices alias the bytes that were read.
type RequestHead struct {
	Method      []byte
	Target      []byte // as sent
	Host        []byte // with its port
	Minor       int    // 1 for HTTP/1.1; -1 when cut inside the request line
	TraceParent []byte
	RequestID   []byte // X-Request-Id
	Upgrade     bool   // the client asks to switch protocols
}

// ResponseHead is what a response says of itself.
type ResponseHead struct {
	Status  int   // 0 when cut inside the status line
	Len     int   // bytes of the head; 0 when cut before its end
	Body    int64 // bytes of the body by its Content-Length; -1 when not told so
	Chunked bool
	Close   bool   // the connection closes after it
	Server  []byte // of the header Server
	// UpstreamStatus is X-APISIX-Upstream-Status: the upstream's own status, if it made a 5xx.
	UpstreamStatus []byte
	RequestID      []byte // X-Request-Id
}
