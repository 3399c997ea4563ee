package render

import (
	"io"
	"maps"
	"slices"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// traceJSON writes an object a line: docs/trace.md describes each field. It appends to
// one buffer and allocates nothing per exchange.
type traceJSON struct {
	feed
	at stamper
}

func newTraceJSON(w io.Writer, _ Options) trace.Sink {
	return &traceJSON{feed: newFeed(w)}
}

// Show writes one exchange.
func (j *traceJSON) Show(x *trace.Exchange) error {
	b := append(j.buf, `{"type":"trace",`...)
	b = idField(b, `"trace_id":`, x.TraceID[:])
	b = j.at.field(b, `"start":`, x.Start)
	b = nsField(b, `"duration_ns":`, x.Duration)
	b = requestFields(b, x)
	b = timingField(b, x)
	b = cpuField(b, &x.CPU)

	b = append(b, `"attempts":[`...)
	for i := range x.Attempts {
		b = j.attempt(b, &x.Attempts[i])
	}
	b = append(shut(b, ']'), `,"spans":[`...)
	for i := range x.Spans {
		parent := x.Spans[i].Parent
		if i == 0 && parent == (trace.SpanID{}) {
			parent = x.Parent
		}
		b = j.span(b, &x.Spans[i], parent)
	}
	b = append(shut(b, ']'), ',')
	b = listField(b, `"incomplete":`, x.Incomplete)
	return j.commit(append(shut(b, '}'), '\n'))
}

// requestFields appends what the exchange is as a whole.
func requestFields(b []byte, x *trace.Exchange) []byte {
	b = textField(b, `"http.request.method":`, x.Method)
	if x.TLS {
		b = append(b, `"url.scheme":"https",`...)
	} else {
		b = append(b, `"url.scheme":"http",`...)
	}
	b = textField(b, `"server.address":`, x.Host)
	b = textField(b, `"url.path":`, x.Path)
	b = textField(b, `"url.query":`, x.Query)
	b = countField(b, `"http.response.status_code":`, int64(x.Status))
	b = textField(b, `"response_source":`, string(x.Source))
	b = textField(b, `"response_reason":`, x.Reason)
	b = textField(b, `"error.type":`, x.ErrType)
	b = countField(b, `"http.request.resend_count":`, int64(len(x.Attempts)-1))
	b = textField(b, `"network.protocol.version":`, x.Protocol)
	b = addrFields(b, `"client.address":`, `"client.port":`, x.Client)
	b = addrFields(b, `"network.local.address":`, `"network.local.port":`, x.Server)
	b = countField(b, `"http.request.size":`, x.Received)
	b = countField(b, `"http.response.size":`, x.Sent)
	b = countField(b, `"process.pid":`, int64(x.PID))
	b = textField(b, `"apisix.request_id":`, requestID(x))
	b = countField(b, `"connection_request":`, int64(x.ConnectionRequest))
	return namesFields(b, &x.Names)
}

func timingField(b []byte, x *trace.Exchange) []byte {
	t := &x.Timing
	b = append(b, `"timing":{`...)
	b = nsField(b, `"client_read_ns":`, t.ClientRead)
	b = nsField(b, `"gateway_ns":`, t.Gateway)
	b = nsField(b, `"gateway_queue_ns":`, t.GatewayQueue)
	b = nsField(b, `"gateway_response_ns":`, t.GatewayResponse)
	b = nsField(b, `"client_write_ns":`, t.ClientWrite)
	b = countField(b, `"lua_ns":`, int64(t.Lua))
	b = textField(b, `"clock":`, x.Clock)
	return append(shut(b, '}'), ',')
}

func (j *traceJSON) attempt(b []byte, a *trace.Attempt) []byte {
	b = append(b, '{')
	b = addrFields(b, `"network.peer.address":`, `"network.peer.port":`, a.Peer)
	if !a.Peer.IsValid() {
		b = textField(b, `"network.peer.address":`, a.PeerName)
	}
	b = addrFields(b, `"network.local.address":`, `"network.local.port":`, a.Local)
	b = j.at.field(b, `"start":`, a.Start)
	b = nsField(b, `"duration_ns":`, a.Duration)
	b = countField(b, `"http.response.status_code":`, int64(a.Status))
	b = boolField(b, `"reused":`, a.Reused)
	b = countField(b, `"connection_exchange":`, int64(a.Exchange))
	b = nsField(b, `"connection_age_ns":`, a.Age)
	b = nsField(b, `"connect_ns":`, a.Connect)
	b = nsField(b, `"tls_ns":`, a.TLS)
	b = nsField(b, `"send_ns":`, a.Send)
	b = nsField(b, `"wait_ns":`, a.Wait)
	b = nsField(b, `"read_ns":`, a.Read)
	b = countField(b, `"sent_bytes":`, a.Sent)
	b = countField(b, `"received_bytes":`, a.Received)
	b = textField(b, `"error.type":`, a.ErrType)
	b = textField(b, `"reason":`, a.Reason)
	b = textField(b, `"evidence":`, a.Evidence)
	b = textField(b, `"confidence":`, string(a.Confident))
	return append(shut(b, '}'), ',')
}

func (j *traceJSON) span(b []byte, s *trace.Span, parent trace.SpanID) []byte {
	b = append(b, '{')
	b = idField(b, `"span_id":`, s.ID[:])
	if parent != (trace.SpanID{}) {
		b = idField(b, `"parent_span_id":`, parent[:])
	}
	b = append(b, `"kind":"`...)
	b = append(b, byte(s.Mark))
	b = append(b, `","role":"`...)
	b = append(b, roleWord(s.Role)...)
	b = append(b, '"', ',')
	b = textField(b, `"name":`, s.Name)
	b = j.at.field(b, `"start":`, s.Start)
	b = nsField(b, `"duration_ns":`, s.Duration)
	b = textField(b, `"evidence":`, s.Evidence)
	b = textField(b, `"confidence":`, string(s.Confident))
	if s.Attempt >= 0 {
		b = intField(b, `"attempt":`, int64(s.Attempt))
	}
	b = append(b, `"attributes":{`...)
	b = countField(b, `"http.response.status_code":`, int64(s.Status))
	b = textField(b, `"error.type":`, s.ErrType)
	b = countField(b, `"process.pid":`, int64(s.PID))
	b = textField(b, `"process.executable.name":`, s.Process)
	b = addrFields(b, `"network.local.address":`, `"network.local.port":`, s.Local)
	b = addrFields(b, `"network.peer.address":`, `"network.peer.port":`, s.Peer)
	b = countField(b, `"sent_bytes":`, s.Sent)
	b = countField(b, `"received_bytes":`, s.Received)
	b = countField(b, `"tcp.seq":`, int64(s.TCPSeq))
	b = textField(b, `"apisix.plugin":`, s.Plugin)
	b = shut(b, '}')
	return append(b, '}', ',')
}

func roleWord(r trace.Role) string {
	switch r {
	case trace.RoleClientSide:
		return "client_side"
	case trace.RoleGateway:
		return "gateway"
	case trace.RoleAttempt:
		return "attempt"
	case trace.RoleCall:
		return "call"
	case trace.RoleUpstream:
		return "upstream"
	case trace.RolePhase:
		return "phase"
	}
	return "unknown"
}

func listField(b []byte, key string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(b, key...)
	b = append(b, '[')
	for _, s := range list {
		b = append(text.AppendJSON(b, s), ',')
	}
	return append(shut(b, ']'), ',')
}

// Summary writes the last line. Its members are always there, but for what was not asked for.
func (j *traceJSON) Summary(s trace.Summary) error {
	b := append(j.buf, `{"type":"summary",`...)
	b = intField(b, `"seen":`, int64(s.Seen))
	b = intField(b, `"shown":`, int64(s.Shown))
	b = countsField(b, `"removed":`, s.Removed)
	b = countsField(b, `"lost":`, s.Lost)
	b = cpuUseField(b, &s.CPU)
	b = append(b, `"notes":[`...)
	for _, note := range s.Notes {
		b = append(text.AppendJSON(b, note), ',')
	}
	b = append(shut(b, ']'), ',')
	b = intField(b, `"window_ns":`, int64(s.Window))
	if err := j.commit(append(shut(b, '}'), '\n')); err != nil {
		return err
	}
	return j.Flush()
}

func countsField(b []byte, key string, counts map[string]uint64) []byte {
	b = append(b, key...)
	b = append(b, '{')
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		b = append(text.AppendJSON(b, name), ':')
		b = intField(b, "", int64(counts[name]))
	}
	return append(shut(b, '}'), ',')
}
