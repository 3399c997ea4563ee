package render

import (
	"io"
	"strings"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// logJSON writes an object a line, in the terms of the default entry of APISIX's loggers
// (apisix/utils/log-util.lua, get_full_log), and of OpenTelemetry where that has none:
// docs/logs.md describes each field. Its last line is that of a trace's JSON.
type logJSON struct {
	traceJSON
	o     LogOptions
	entry logs.Entry
	args  arguments
	made  headers
}

func newLogJSON(w io.Writer, o LogOptions) trace.Sink {
	return &logJSON{traceJSON: traceJSON{feed: newFeed(w)}, o: o}
}

// Show writes one request.
func (j *logJSON) Show(x *trace.Exchange) error {
	e := &j.entry
	e.Fill(x, &j.o.View)
	b := append(j.buf, `{"type":"log",`...)
	b = j.request(b, e)
	b = j.response(b, e)
	b = j.server(b, x)
	b = textField(b, `"upstream":`, e.Upstreams)
	b = apisixIDs(b, e)
	b = textField(b, `"client_ip":`, e.Client)
	b = intField(b, `"start_time":`, e.Start.UnixMilli())
	b = msField(b, `"latency":`, e.RequestTime)
	b = msField(b, `"upstream_latency":`, e.Upstreamed())
	b = msField(b, `"apisix_latency":`, e.GatewayTime)
	b = j.further(b, e)
	if x.Headers != nil {
		b = j.section(b, `"upstream_request":`, &x.Headers.UpstreamRequest)
		b = j.section(b, `"upstream_response":`, &x.Headers.UpstreamResponse)
	}
	b = j.attempts(b, e)
	b = incomplete(b, e)
	return j.commit(append(shut(b, '}'), '\n'))
}

// attempts appends what nginx has on record of each, and else what its socket tells.
func (j *logJSON) attempts(b []byte, e *logs.Entry) []byte {
	x := e.Exchange
	b = append(b, `"attempts":[`...)
	if !e.Read {
		for i := range x.Attempts {
			b = j.attempt(b, &x.Attempts[i])
		}
		return append(shut(b, ']'), ',')
	}
	all, tried := x.Logged.Upstreams, 0
	for i := range all {
		if all[i].Peer != "" {
			tried++
		}
	}
	known, next := tried == len(x.Attempts), 0 // one by one
	for i := range all {
		s := &all[i]
		if s.Peer == "" {
			continue
		}
		b = append(b, '{')
		if known && x.Attempts[next].Peer.IsValid() {
			b = addrFields(b, `"network.peer.address":`, `"network.peer.port":`, x.Attempts[next].Peer)
		} else {
			b = textField(b, `"network.peer.address":`, s.Peer)
		}
		b = countField(b, `"http.response.status_code":`, int64(s.Status))
		b = msField(b, `"upstream_connect_time":`, s.Connect)
		b = msField(b, `"upstream_header_time":`, s.Header)
		b = msField(b, `"upstream_response_time":`, s.Response)
		b = countField(b, `"sent_bytes":`, s.Sent)
		b = countField(b, `"received_bytes":`, s.Received)
		if known {
			b = textField(b, `"error.type":`, x.Attempts[next].ErrType)
			b = textField(b, `"reason":`, x.Attempts[next].Reason)
		}
		next++
		b = append(shut(b, '}'), ',')
	}
	return append(shut(b, ']'), ',')
}

// incomplete says what is missing. Of a line that nginx's own record made, that is nothing
// at the client's socket, which was not asked.
func incomplete(b []byte, e *logs.Entry) []byte {
	b = append(b, `"incomplete":[`...)
	empty := len(b)
	for _, what := range e.Exchange.Incomplete {
		if !e.Read || !strings.HasPrefix(what, "client side:") {
			b = append(text.AppendJSON(b, what), ',')
		}
	}
	if !e.Read {
		b = append(text.AppendJSON(b, unread), ',')
	}
	if len(b) == empty {
		return b[:empty-len(`"incomplete":[`)]
	}
	return append(shut(b, ']'), ',')
}

func (j *logJSON) request(b []byte, e *logs.Entry) []byte {
	x := e.Exchange
	b = append(b, `"request":{`...)
	b = appendURL(append(b, `"url":`...), e)
	b = append(b, ',')
	b = textField(b, `"uri":`, e.URI)
	b = textField(b, `"method":`, e.Method)
	if x.Headers != nil {
		b = j.head(b, &x.Headers.Request)
	}
	b = j.args.field(b, `"querystring":`, e.Query)
	b = intField(b, `"size":`, int64(e.RequestSize))
	b = bodyFields(b, &e.RequestBody)
	return append(shut(b, '}'), ',')
}

func (j *logJSON) response(b []byte, e *logs.Entry) []byte {
	b = append(b, `"response":{`...)
	b = intField(b, `"status":`, int64(e.Status))
	if h := e.Exchange.Headers; h != nil {
		b = j.head(b, &h.Response)
	}
	b = intField(b, `"size":`, int64(e.BytesSent))
	b = bodyFields(b, &e.ResponseBody)
	return append(shut(b, '}'), ',')
}

// server tells what APISIX knows of itself; its version is in its responses.
func (j *logJSON) server(b []byte, x *trace.Exchange) []byte {
	version := ""
	if x.Headers != nil {
		for i := range x.Headers.Response.Fields {
			f := &x.Headers.Response.Fields[i]
			if v, ok := strings.CutPrefix(f.Value, "APISIX/"); ok && strings.EqualFold(f.Name, "server") {
				version = v
			}
		}
	}
	b = append(b, `"server":{`...)
	if j.o.Hostname != nil {
		b = textField(b, `"hostname":`, *j.o.Hostname)
	}
	b = textField(b, `"version":`, version)
	return append(shut(b, '}'), ',')
}

// apisixIDs appends the ids as APISIX's loggers do: with a route, the service's id is there,
// if empty; without one, the host takes its place.
func apisixIDs(b []byte, e *logs.Entry) []byte {
	switch {
	case e.Route != "":
		b = append(text.AppendJSON(append(b, `"service_id":`...), e.Service), ',')
		b = textField(b, `"route_id":`, e.Route)
	case e.Exchange.Names.From != trace.NamesUnread:
		b = textField(b, `"service_id":`, e.Host)
	}
	if e.Consumer != "" {
		b = append(b, `"consumer":{`...)
		b = textField(b, `"username":`, e.Consumer)
		b = append(shut(b, '}'), ',')
	}
	return b
}

// further appends what APISIX's loggers do not tell.
func (j *logJSON) further(b []byte, e *logs.Entry) []byte {
	x := e.Exchange
	b = j.at.field(b, `"time":`, e.Time)
	b = idField(b, `"trace_id":`, x.TraceID[:])
	b = textField(b, `"response_source":`, e.Source)
	b = textField(b, `"response_reason":`, e.Reason)
	b = textField(b, `"error.type":`, e.Error)
	b = textField(b, `"gave_up":`, e.GaveUp)
	b = countField(b, `"http.request.resend_count":`, int64(e.Attempts-1))
	b = countField(b, `"http.response.body.size":`, int64(e.BodySent))
	b = textField(b, `"network.protocol.version":`, e.Protocol)
	b = countField(b, `"client.port":`, int64(e.ClientPort))
	b = textField(b, `"user.name":`, e.User)
	b = textField(b, `"user_agent.original":`, e.UserAgent)
	b = countField(b, `"process.pid":`, int64(e.Worker))
	b = textField(b, `"apisix.request_id":`, e.RequestID)
	b = textField(b, `"apisix.names":`, string(x.Names.From))
	b = textField(b, `"apisix.route_name":`, e.RouteName)
	b = textField(b, `"http.route":`, x.Names.URI)
	b = textField(b, `"apisix.service_name":`, e.ServiceName)
	b = textField(b, `"apisix.plugin":`, e.Plugin)
	b = listField(b, `"apisix.plugins":`, x.Names.Plugins)
	return labelsField(b, &x.Names)
}

// section appends a header section that is in no message of its own.
func (j *logJSON) section(b []byte, key string, h *trace.Head) []byte {
	if !h.Seen && h.Note == "" {
		return b
	}
	b = append(append(b, key...), '{')
	return append(shut(j.head(b, h), '}'), ',')
}

// head appends the headers of a message, if any are wanted, and what of them is missing.
func (j *logJSON) head(b []byte, h *trace.Head) []byte {
	if !h.Seen || !j.o.View.Headers.Any() {
		return b
	}
	b = j.made.field(b, h, &j.o.View)
	b = countField(b, `"headers_cut":`, int64(h.Cut))
	return textField(b, `"headers_note":`, h.Note)
}
