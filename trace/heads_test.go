package trace_test

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"

	"github.com/apisixscope/apisixscope/trace"
)

// netHeads reads heads with net/http, which shares nothing with internal/http1. It is for
// well-formed heads, cut between lines at most.
type netHeads struct{}

// whole returns b up to its blank line, which it adds if b is cut.
func whole(b []byte) (head []byte, n int) {
	if i := bytes.Index(b, []byte("\r\n\r\n")); i >= 0 {
		return b[:i+4], i + 4
	}
	i := bytes.LastIndex(b, []byte("\r\n"))
	return append(bytes.Clone(b[:i+1]), "\n\r\n"...), 0
}

func (netHeads) Request(b []byte) (trace.RequestHead, bool) {
	head, _ := whole(b)
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return trace.RequestHead{}, false
	}
	return trace.RequestHead{
		Method: []byte(r.Method), Target: []byte(r.RequestURI), Host: []byte(r.Host), Minor: r.ProtoMinor,
		TraceParent: []byte(r.Header.Get("traceparent")), RequestID: []byte(r.Header.Get("X-Request-Id")),
		Upgrade: r.Header.Get("Upgrade") != "",
	}, true
}

func (netHeads) Response(b []byte) (trace.ResponseHead, bool) {
	head, n := whole(b)
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: "HEAD"})
	if err != nil {
		return trace.ResponseHead{}, false
	}
	chunked := strings.Contains(strings.ToLower(string(head)), "transfer-encoding: chunked")
	if chunked {
		r.ContentLength = -1
	}
	return trace.ResponseHead{
		Status: r.StatusCode, Len: n, Body: r.ContentLength, Chunked: chunked, Close: r.Close,
		Server: []byte(r.Header.Get("Server")), UpstreamStatus: []byte(r.Header.Get("X-APISIX-Upstream-Status")),
		RequestID: []byte(r.Header.Get("X-Request-Id")),
	}, true
}
