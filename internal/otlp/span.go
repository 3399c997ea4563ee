package otlp

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// The span kinds and the status code of OTLP.
const (
	kindInternal = 1
	kindServer   = 2
	kindClient   = 3
	statusError  = 2
)

// appendSpan appends the i-th span of x and a comma. The first span is the tree's root:
// it stands for the whole request and carries what is known of it.
func appendSpan(b []byte, x *trace.Exchange, i int) []byte {
	s := &x.Spans[i]
	root := i == 0
	parent := s.Parent
	if root && parent == (trace.SpanID{}) {
		parent = x.Parent
	}
	b = append(b, '{')
	b = idField(b, `"traceId":`, x.TraceID[:])
	b = idField(b, `"spanId":`, s.ID[:])
	if parent != (trace.SpanID{}) {
		b = idField(b, `"parentSpanId":`, parent[:])
	}
	b = append(b, `"name":`...)
	b = appendName(b, x, s, root)
	kind := kindOf(s.Role, root)
	b = append(b, `,"kind":`...)
	b = append(strconv.AppendInt(b, int64(kind), 10), ',')
	b = timeField(b, `"startTimeUnixNano":`, s.Start)
	b = timeField(b, `"endTimeUnixNano":`, s.Start.Add(max(s.Duration, 0)))
	b = append(b, `"attributes":[`...)
	if root {
		b = exchangeAttrs(b, x)
	} else {
		b = countAttr(b, "http.response.status_code", int64(s.Status))
		b = textAttr(b, "error.type", s.ErrType)
	}
	b = spanAttrs(b, s)
	if s.Attempt >= 0 && s.Attempt < len(x.Attempts) {
		b = attemptAttrs(b, x, s.Attempt)
	}
	b = append(shut(b, ']'), ',')
	b = status(b, x, s, kind)
	return append(shut(b, '}'), ',')
}

// appendName names the root as the conventions want it: by the method, and the route's uri
// where that is known.
func appendName(b []byte, x *trace.Exchange, s *trace.Span, root bool) []byte {
	if !root || x.Method == "" {
		return text.AppendJSON(b, s.Name)
	}
	b = text.AppendJSON(b, x.Method)
	if x.Names.URI == "" {
		return b
	}
	b[len(b)-1] = ' '
	mid := len(b)
	b = text.AppendJSON(b, x.Names.URI)
	return slices.Delete(b, mid, mid+1) // its first quote
}

func kindOf(r trace.Role, root bool) int {
	switch {
	case root || r == trace.RoleClientSide || r == trace.RoleUpstream:
		return kindServer
	case r == trace.RoleAttempt || r == trace.RoleCall:
		return kindClient
	}
	return kindInternal
}

// status tells an error where the conventions for HTTP want it: 5xx, at a client 4xx too,
// and whatever ended without a response.
func status(b []byte, x *trace.Exchange, s *trace.Span, kind int) []byte {
	if s.Status < 500 && !(kind == kindClient && s.Status >= 400) && s.ErrType == "" {
		return b
	}
	why := ""
	switch {
	case s.Attempt >= 0 && s.Attempt < len(x.Attempts):
		why = x.Attempts[s.Attempt].Reason
	case s.Role != trace.RoleUpstream && s.Role != trace.RoleCall:
		why = x.Reason
	}
	b = append(b, `"status":{"code":`...)
	b = append(strconv.AppendInt(b, statusError, 10), ',')
	if why != "" {
		b = append(b, `"message":`...)
		b = append(text.AppendJSON(b, why), ',')
	}
	return append(shut(b, '}'), ',')
}

func exchangeAttrs(b []byte, x *trace.Exchange) []byte {
	scheme := "http"
	if x.TLS {
		scheme = "https"
	}
	b = textAttr(b, "http.request.method", x.Method)
	b = textAttr(b, "url.scheme", scheme)
	b = textAttr(b, "url.path", x.Path)
	b = textAttr(b, "url.query", x.Query)
	b = textAttr(b, "server.address", x.Host)
	b = countAttr(b, "http.response.status_code", int64(x.Status))
	b = textAttr(b, "error.type", errorType(x))
	b = textAttr(b, "network.protocol.name", "http")
	b = textAttr(b, "network.protocol.version", x.Protocol)
	b = addrAttrs(b, "client.address", "client.port", x.Client)
	b = countAttr(b, "http.request.size", x.Received)
	b = countAttr(b, "http.response.size", x.Sent)
	b = textAttr(b, "apisix.request_id", cmp.Or(x.Names.RequestID, x.RequestID))
	b = namesAttrs(b, &x.Names)
	b = textAttr(b, "apisix.response_source", string(x.Source))
	b = textAttr(b, "apisix.response_reason", x.Reason)
	t := &x.Timing
	b = nsAttr(b, "apisixscope.client_read_ns", t.ClientRead)
	b = nsAttr(b, "apisixscope.gateway_ns", t.Gateway)
	b = nsAttr(b, "apisixscope.gateway_queue_ns", t.GatewayQueue)
	b = nsAttr(b, "apisixscope.gateway_response_ns", t.GatewayResponse)
	b = nsAttr(b, "apisixscope.client_write_ns", t.ClientWrite)
	if c := &x.CPU; c.Period > 0 {
		b = intAttr(b, "apisixscope.cpu_samples", int64(c.Samples))
		b = intAttr(b, "apisixscope.cpu_time_ns", int64(c.Time))
		b = intAttr(b, "apisixscope.cpu_period_ns", int64(c.Period))
	}
	return textAttr(b, "apisixscope.clock", x.Clock)
}

// errorType is the status of a 5xx where nothing better is known, as the conventions say.
func errorType(x *trace.Exchange) string {
	if x.ErrType == "" && x.Status >= 500 {
		return strconv.Itoa(x.Status)
	}
	return x.ErrType
}

func spanAttrs(b []byte, s *trace.Span) []byte {
	b = addrAttrs(b, "network.local.address", "network.local.port", s.Local)
	b = addrAttrs(b, "network.peer.address", "network.peer.port", s.Peer)
	b = textAttr(b, "apisix.plugin", s.Plugin)
	b = textAttr(b, "apisixscope.vantage", string(rune(s.Mark)))
	b = textAttr(b, "apisixscope.evidence", s.Evidence)
	b = textAttr(b, "apisixscope.confidence", string(s.Confident))
	return countAttr(b, "tcp.seq", int64(s.TCPSeq))
}

func attemptAttrs(b []byte, x *trace.Exchange, i int) []byte {
	a := &x.Attempts[i]
	b = textAttr(b, "http.request.method", x.Method)
	if a.Peer.IsValid() {
		b = addrAttrs(b, "server.address", "server.port", a.Peer)
	} else {
		b = textAttr(b, "server.address", a.PeerName)
	}
	b = countAttr(b, "http.request.resend_count", int64(i))
	b = boolAttr(b, "apisixscope.connection_reused", a.Reused)
	b = nsAttr(b, "apisixscope.connection_age_ns", a.Age)
	b = nsAttr(b, "apisixscope.connect_ns", a.Connect)
	b = nsAttr(b, "apisixscope.tls_ns", a.TLS)
	b = nsAttr(b, "apisixscope.send_ns", a.Send)
	b = nsAttr(b, "apisixscope.wait_ns", a.Wait)
	return nsAttr(b, "apisixscope.read_ns", a.Read)
}
