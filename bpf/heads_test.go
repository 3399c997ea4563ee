package bpf_test

import (
	"github.com/apisixscope/apisixscope/internal/http1"
	"github.com/apisixscope/apisixscope/trace"
)

// heads reads messages with http1, as package cmd does.
type heads struct {
	request  http1.Request
	response http1.Response
}

func (h *heads) Request(b []byte) (trace.RequestHead, bool) {
	r := &h.request
	if http1.ParseRequest(b, r) != nil {
		return trace.RequestHead{}, false
	}
	return trace.RequestHead{
		Method: r.Method, Target: r.Target, Host: r.Host, Minor: r.Minor,
		TraceParent: r.TraceParent, RequestID: r.XRequestID, Upgrade: r.Upgrade,
	}, true
}

func (h *heads) Response(b []byte) (trace.ResponseHead, bool) {
	r := &h.response
	if http1.ParseResponse(b, r) != nil {
		return trace.ResponseHead{}, false
	}
	return trace.ResponseHead{
		Status: r.Status, Len: r.HeadLen, Body: r.ContentLength, Chunked: r.Chunked, Close: r.Close,
		Server: r.Server, UpstreamStatus: r.UpstreamStatus, RequestID: r.XRequestID,
	}, true
}
