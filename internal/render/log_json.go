package render

import (
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"

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
	b = append(b, `"attempts":[`...)
	for i := range x.Attempts {
		b = j.attempt(b, &x.Attempts[i])
	}
	b = append(shut(b, ']'), ',')
	missing := x.Incomplete
	if !e.Read {
		missing = append(missing[:len(missing):len(missing)], unread)
	}
	b = listField(b, `"incomplete":`, missing)
	return j.commit(append(shut(b, '}'), '\n'))
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
	if !h.Seen {
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

// appendURL appends the URL as a string, as APISIX's loggers write it: always with a port.
func appendURL(b []byte, e *logs.Entry) []byte {
	b = append(b, '"')
	b = append(append(b, e.Scheme...), "://"...)
	b = appendInner(b, e.Host)
	if port := e.Exchange.Server.Port(); port != 0 {
		b = strconv.AppendUint(append(b, ':'), uint64(port), 10)
	}
	return append(appendInner(b, e.URI), '"')
}

// appendInner appends a part of a JSON string.
func appendInner(b []byte, s string) []byte {
	at := len(b)
	b = text.AppendJSON(b, s)
	return append(b[:at], b[at+1:len(b)-1]...)
}

// msField appends milliseconds, with a fraction where it is known.
func msField(b []byte, key string, d time.Duration) []byte {
	if d < 0 {
		return b
	}
	b = append(b, key...)
	if d%time.Millisecond == 0 {
		return append(strconv.AppendInt(b, d.Milliseconds(), 10), ',')
	}
	return append(strconv.AppendFloat(b, float64(d)/1e6, 'f', -1, 64), ',')
}

// bodyFields appends the beginning of a body: as text, or in hex where it is none.
func bodyFields(b []byte, body *logs.Body) []byte {
	if !body.Seen {
		return b
	}
	if s, ok := body.Text(); ok {
		b = append(text.AppendJSON(append(b, `"body":`...), s), ',')
	} else {
		b = hex.AppendEncode(append(b, `"body_hex":"`...), body.First)
		b = append(b, '"', ',')
	}
	b = textField(b, `"body_encoding":`, body.Encoding)
	if body.Size < 0 {
		return b
	}
	return intField(b, `"body_size":`, body.Size)
}
