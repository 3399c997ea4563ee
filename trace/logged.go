package trace

import "time"

// Logged is what nginx's own access log says of a request, read from the request object
// just before nginx writes it. Names are those of nginx's variables.
type Logged struct {
	Time       time.Time // $time_local, in the gateway's time zone; whole milliseconds
	RemoteAddr string    // $remote_addr, as the realip module left it
	RemotePort int       // 0: not known
	RemoteUser string    // $remote_user; empty without
	Line       string    // $request; of a line that is none, what came of it
	LineLen    int       // its true length, where Line is cut
	HTTPHost   string    // $http_host
	Referer    string    // $http_referer
	UserAgent  string    // $http_user_agent
	// A header that was there, but empty, is not written as one that was not.
	EmptyHost, EmptyReferer, EmptyUserAgent bool
	Status                                  int           // $status: 499 for a client that has gone; 0 is written 000
	BytesSent                               int64         // $bytes_sent
	BodySent                                int64         // $body_bytes_sent
	RequestTime                             time.Duration // $request_time
	// Of $upstream_addr, $upstream_status and $upstream_response_time. One without a peer
	// is no attempt: an upstream was entered there, or the balancer failed.
	Upstreams []UpstreamState
	// The variables that APISIX's configuration sets; empty where it does not.
	UpstreamScheme string
	UpstreamHost   string
	UpstreamURI    string
	RequestID      string // $apisix_request_id

	Cut            bool // nginx logs more: a string is longer than what is read of it, or there were more attempts
	ClientFailed   bool // nginx saw the client's connection fail (ngx_connection_t.error)
	ClientTimedOut bool // the client was too slow for nginx (ngx_connection_t.timedout)
}

// Field is a header, as it was on the wire.
type Field struct {
	Name, Value string
	// Set reports that a plugin set it: the peer did not send it, or not so. Of an HTTP/2
	// request that is not known, and never set.
	Set bool
}

// Head is the header section of a message.
type Head struct {
	Fields []Field
	Cut    int  // so many are missing for want of room, at least
	Seen   bool // false: there was none, or it could not be read
	// Note says what is peculiar to how it was read, in words; empty for nothing.
	Note string
}

// Headers are the header sections of a request on its way through the gateway.
type Headers struct {
	Request          Head // from the client
	UpstreamRequest  Head // to the node of the last attempt
	UpstreamResponse Head // from it
	Response         Head // to the client
}
