package apisix

import (
	"fmt"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// stage is how far a call has come: it tells what hung when the time is over.
type stage struct {
	step atomic.Int32
	read atomic.Int64 // bytes of the answer's body
}

const (
	stepConnect int32 = iota
	stepName
	stepTLS
	stepSend
	stepWait
	stepRead
)

// hung says what did not happen within the time.
func (s *stage) hung(within time.Duration) string {
	switch s.step.Load() {
	case stepName:
		return fmt.Sprintf("its name was not resolved within %s", within)
	case stepTLS:
		return fmt.Sprintf("no TLS handshake within %s", within)
	case stepSend:
		return fmt.Sprintf("it did not take the request within %s", within)
	case stepWait:
		return fmt.Sprintf("it took the request and gave no answer within %s", within)
	case stepRead:
		return fmt.Sprintf("its answer did not end within %s, after %d bytes", within, s.read.Load())
	}
	return fmt.Sprintf("no connection within %s", within)
}

func (s *stage) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { s.step.Store(stepName) },
		ConnectStart:         func(string, string) { s.step.Store(stepConnect) },
		TLSHandshakeStart:    func() { s.step.Store(stepTLS) },
		GotConn:              func(httptrace.GotConnInfo) { s.step.Store(stepSend) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { s.step.Store(stepWait) },
		GotFirstResponseByte: func() { s.step.Store(stepRead) },
	}
}
