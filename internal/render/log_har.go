package render

import (
	"cmp"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// logHAR writes HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), which the
// developer tools of browsers open. It writes each entry as it comes, and keeps none; Close
// makes it whole. Fields that begin with "_" are of its own.
type logHAR struct {
	feed
	o       LogOptions
	entry   logs.Entry
	tell    logs.Functions // of entry
	at      stamper
	args    arguments
	began   bool
	closed  bool
	comment string
}

func newLogHAR(w io.Writer, o LogOptions) trace.Sink {
	h := &logHAR{feed: newFeed(w), o: o}
	h.tell = h.entry.Functions()
	return h
}

// Show writes one entry.
func (h *logHAR) Show(x *trace.Exchange) error {
	e := &h.entry
	e.Fill(x, &h.o.View)
	b := h.begin()
	b = append(b, "{"...)
	b = h.at.field(b, `"startedDateTime":`, e.Start)
	b = h.timings(b, e)
	b = h.request(b, e)
	b = h.response(b, e)
	b = append(b, `"cache":{},`...)
	if e.Exchange.Server.IsValid() {
		b = textField(b, `"serverIPAddress":`, e.Exchange.Server.Addr().Unmap().String())
	}
	if e.ClientPort > 0 {
		b = textField(b, `"connection":`, strconv.Itoa(e.ClientPort))
	}
	b = textField(b, `"comment":`, e.Reason)
	b = h.further(b, e)
	return h.commit(shut(b, '}'))
}

// begin appends what comes before an entry.
func (h *logHAR) begin() []byte {
	if h.began {
		return append(h.buf, ",\n"...)
	}
	h.began = true
	b := append(h.buf, `{"log":{"version":"1.2","creator":{"name":"apisixscope","version":`...)
	version := h.o.Version
	if version == "" {
		version = "unknown"
	}
	return append(text.AppendJSON(b, version), `},"entries":[`+"\n"...)
}

// timings appends the time and its parts, which HAR wants to add up to it.
func (h *logHAR) timings(b []byte, e *logs.Entry) []byte {
	t := &e.Exchange.Timing
	send := min(max(t.ClientRead, 0), e.RequestTime)
	receive := min(max(t.ClientWrite, 0), e.RequestTime-send)
	b = msField(b, `"time":`, e.RequestTime)
	b = append(b, `"timings":{"blocked":-1,"dns":-1,"connect":-1,"ssl":-1,`...)
	b = msField(b, `"send":`, send)
	b = msField(b, `"wait":`, e.RequestTime-send-receive)
	b = msField(b, `"receive":`, receive)
	b = msField(b, `"_upstream":`, e.Upstreamed())
	b = msField(b, `"_gateway":`, e.GatewayTime)
	return append(shut(b, '}'), ',')
}

func (h *logHAR) request(b []byte, e *logs.Entry) []byte {
	b = append(b, `"request":{"method":`...)
	b = append(text.AppendJSON(b, e.Method), ',')
	b = append(b, `"url":`...)
	b = append(h.url(b, e), ',')
	b = httpVersion(b, e)
	var head *trace.Head
	if e.Exchange.Headers != nil {
		head = &e.Exchange.Headers.Request
	}
	b = h.headers(b, head)
	b = append(b, `"queryString":[`...)
	h.args.read(e.Query)
	for i := range h.args.all {
		b = pair(b, h.args.all[i].name, h.args.all[i].value)
	}
	b = append(shut(b, ']'), ',')
	if body := &e.RequestBody; body.Seen && len(body.First) > 0 {
		b = append(b, `"postData":{"mimeType":`...)
		b = append(text.AppendJSON(b, h.tell.Header("content-type")), `,"params":[],`...)
		b = h.body(b, body)
		b = append(shut(b, '}'), ',')
	}
	return append(b, `"headersSize":-1,"bodySize":-1},`...)
}

// url appends the URL as the client asked for it: with the port that its Host had.
func (h *logHAR) url(b []byte, e *logs.Entry) []byte {
	host := cmp.Or(e.Host, "unknown") // or it would be no URL
	if l := e.Exchange.Logged; l != nil && l.HTTPHost != "" {
		host = l.HTTPHost
	}
	b = append(append(b, '"'), e.Scheme...)
	b = appendInner(append(b, "://"...), host)
	return append(appendInner(b, e.URI), '"')
}

func (h *logHAR) response(b []byte, e *logs.Entry) []byte {
	b = append(b, `"response":{`...)
	b = intField(b, `"status":`, int64(e.Status))
	b = append(b, `"statusText":`...)
	b = append(text.AppendJSON(b, statusText(e.Status)), ',')
	b = httpVersion(b, e)
	var head *trace.Head
	if e.Exchange.Headers != nil {
		head = &e.Exchange.Headers.Response
	}
	b = h.headers(b, head)
	b = append(b, `"content":{`...)
	b = intField(b, `"size":`, int64(e.BodySent))
	b = append(b, `"mimeType":`...)
	b = append(text.AppendJSON(b, h.tell.ResponseHeader("content-type")), ',')
	if e.ResponseBody.Seen {
		b = h.body(b, &e.ResponseBody)
	}
	b = append(shut(b, '}'), `,"redirectURL":`...)
	b = append(text.AppendJSON(b, h.tell.ResponseHeader("location")), ',')
	b = append(b, `"headersSize":-1,`...)
	b = intField(b, `"bodySize":`, int64(e.BodySent))
	if e.Status == 0 || e.GaveUp == logs.ByClient { // as Chrome marks what failed
		b = textField(b, `"_error":`, e.Reason)
	}
	return append(shut(b, '}'), ',')
}

func (h *logHAR) headers(b []byte, head *trace.Head) []byte {
	b = append(b, `"cookies":[],"headers":[`...)
	if head != nil {
		for name, value := range h.o.View.Shown(head) {
			b = pair(b, name, value)
		}
	}
	return append(shut(b, ']'), ',')
}

func (h *logHAR) body(b []byte, body *logs.Body) []byte {
	if s, ok := body.Text(); ok {
		b = append(text.AppendJSON(append(b, `"text":`...), s), ',')
	} else {
		b = append(text.AppendJSON(append(b, `"text":`...), base64.StdEncoding.EncodeToString(body.First)), `,"encoding":"base64",`...)
	}
	return textField(b, `"comment":`, body.Describe())
}

// further appends what HAR has no place for.
func (h *logHAR) further(b []byte, e *logs.Entry) []byte {
	b = textField(b, `"_client":`, e.Client)
	b = textField(b, `"_upstream":`, e.Upstreams)
	b = textField(b, `"_source":`, e.Source)
	b = textField(b, `"_gave_up":`, e.GaveUp)
	b = textField(b, `"_request_id":`, e.RequestID)
	b = textField(b, `"_route_id":`, e.Route)
	b = textField(b, `"_route_name":`, e.RouteName)
	b = textField(b, `"_service_id":`, e.Service)
	b = textField(b, `"_consumer":`, e.Consumer)
	return countField(b, `"_attempts":`, int64(e.Attempts))
}

// Summary keeps what to say at the end.
func (h *logHAR) Summary(s trace.Summary) error {
	h.comment = "seen " + count(s.Seen) + " requests in " + s.Window.Round(time.Millisecond).String() +
		", shown " + count(s.Shown) + "; lost " + losses(s.Lost)
	return nil
}

// Close ends what Show began, and writes it. The writer stays open.
func (h *logHAR) Close() error {
	if h.closed {
		return nil
	}
	h.closed = true
	b := h.buf
	if !h.began {
		b = h.begin()
	}
	b = append(b, "\n],"...)
	b = textField(b, `"comment":`, h.comment)
	h.buf = append(shut(b, '}'), "}\n"...)
	return h.Flush()
}

func pair(b []byte, name, value string) []byte {
	b = text.AppendJSON(append(b, `{"name":`...), name)
	b = text.AppendJSON(append(b, `,"value":`...), value)
	return append(b, '}', ',')
}

func httpVersion(b []byte, e *logs.Entry) []byte {
	version := "unknown"
	if e.Protocol != "" {
		version = "HTTP/" + e.Protocol
	}
	return textField(b, `"httpVersion":`, version)
}

// statusText names a status; 499 is nginx's.
func statusText(status int) string {
	if status == 499 {
		return "Client Closed Request"
	}
	return http.StatusText(status)
}
