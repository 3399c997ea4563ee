package bpf_test

import (
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// An outcome is what a trace must say of a request of one kind, beside what the access
// log tells.
type outcome struct {
	source   trace.ResponseSource
	errType  string
	attempts []string // the error type of each; "" for one that was answered
	calls    []string // names, without addresses
}

// outcome says what only a reader of the rig's routes can know.
func (r *request) outcome() outcome {
	answered := outcome{source: trace.FromUpstream, attempts: []string{""}}
	failed := func(kinds ...string) outcome {
		return outcome{trace.FromNginx, kinds[len(kinds)-1], kinds, nil}
	}
	switch r.Kind {
	case testrig.RetryRefused:
		answered.attempts = []string{trace.ErrRefused, ""}
	case testrig.RetryReset:
		answered.attempts = []string{trace.ErrReset, ""}
	case testrig.RetryTimeout:
		answered.attempts = []string{trace.ErrTimeout, ""}
	case testrig.Cosocket, testrig.CosocketFresh:
		answered.calls = []string{"redis"}
	case testrig.Mirror:
		answered.calls = []string{"GET /orders"}
	case testrig.Subrequest:
		answered.calls = []string{"GET /forward_auth"}
	case testrig.Lua401, testrig.Lua404:
		return outcome{source: trace.FromAPISIX}
	case testrig.BadGateway:
		return failed(trace.ErrRefused, trace.ErrRefused)
	case testrig.GatewayTimeout:
		return failed(trace.ErrTimeout)
	case testrig.Closed:
		return failed(trace.ErrClosed)
	case testrig.ClosedReused:
		if r.logged.Status == 502 {
			return failed(trace.ErrClosed)
		}
	case testrig.Upstream500:
		answered.errType = "500"
	}
	return answered
}

// sealed kinds have a client or a node whose bytes the sockets do not tell.
func sealed(kind testrig.Kind) bool {
	switch kind {
	case testrig.HTTPS, testrig.H2, testrig.H2C, testrig.HTTPSUpstream:
		return true
	}
	return false
}

// streamed kinds read and write at the same time, so that their parts overlap.
func streamed(kind testrig.Kind) bool {
	switch kind {
	case testrig.Stream, testrig.WebSocket, testrig.Large:
		return true
	}
	return false
}
