package cmd

import (
	"github.com/apisixscope/apisixscope/internal/http1"
	"github.com/apisixscope/apisixscope/trace"
)

// Heads lets package trace, which knows nobody, read messages with http1: it is a
// trace.Heads. It keeps what http1 fills, so that reading allocates nothing; what it
// returns is valid until it is called again.
type Heads struct {
	request  http1.Request
	response http1.Response
}

// Request reads a request head.
func (h *Heads) Request(b []byte) (trace.RequestHead, bool) {
	r := &h.request
	if http1.ParseRequest(b, r) != nil {
		return trace.RequestHead{}, false
	}
	return trace.RequestHead{
		Method:      r.Method,
		Target:      r.Target,
		Host:        r.Host,
		Minor:       r.Minor,
		TraceParent: r.TraceParent,
		RequestID:   r.XRequestID,
		Upgrade:     r.Upgrade,
	}, true
}

// Response reads a response head.
func (h *Heads) Response(b []byte) (trace.ResponseHead, bool) {
	r := &h.response
	if http1.ParseResponse(b, r) != nil {
		return trace.ResponseHead{}, false
	}
	return trace.ResponseHead{
		Status:         r.Status,
		Len:            r.HeadLen,
		Body:           r.ContentLength,
		Chunked:        r.Chunked,
		Close:          r.Close,
		Server:         r.Server,
		UpstreamStatus: r.UpstreamStatus,
		RequestID:      r.XRequestID,
	}, true
}
