// Package logs turns exchanges into log lines: one for each finished request.
//
//	*trace.Exchange -> Where.Match -> Entry.Fill -> a renderer
//
// An Entry has the single values of a line; header sections and bodies hang on it as they
// are. A View says which headers are shown, and hides secrets: whatever leaves this package
// through an Entry that was filled for a View without Secrets can be shown to anybody.
package logs

import (
	"cmp"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// View says what of a request is shown.
type View struct {
	Headers Selection
	Secrets bool // are shown
	Body    int  // bytes of each body; 0 for none
}

// Entry is one finished request as a log line. The zero Entry is ready for Fill.
type Entry struct {
	Fields
	Exchange *trace.Exchange // as it is, secrets included
	Read     bool            // nginx's request object was: else the values are of sockets
	View     *View

	// The beginnings of the bodies; not Seen unless they were asked for.
	RequestBody, ResponseBody Body
}

// Fill makes e the line of x. It keeps x and v, and allocates nothing in the usual case.
func (e *Entry) Fill(x *trace.Exchange, v *View) {
	*e = Entry{Exchange: x, View: v, Read: x.Logged != nil}
	f := &e.Fields
	f.Method, f.Path, f.Query, f.Host, f.Protocol = x.Method, x.Path, x.Query, x.Host, x.Protocol
	f.Scheme = "http"
	if x.TLS {
		f.Scheme = "https"
	}
	f.Status, f.Source, f.Reason, f.Error = x.Status, string(x.Source), x.Reason, x.ErrType
	f.Attempts, f.RequestSize, f.Worker = len(x.Attempts), int(x.Received), x.PID
	if n := len(x.Attempts); n > 0 {
		f.UpstreamStatus = x.Attempts[n-1].Status
	}
	n := &x.Names
	f.Route, f.RouteName, f.Service, f.ServiceName = n.RouteID, n.RouteName, n.ServiceID, n.ServiceName
	f.Consumer, f.Plugin = n.Consumer, n.Plugin
	if x.Logged != nil {
		f.logged(x.Logged, x)
	} else {
		f.unlogged(x)
	}
	if v.Body > 0 {
		e.bodies(v.Body)
	}
	f.GatewayTime = max(f.RequestTime-max(f.UpstreamTime, 0), 0)
	f.end(x)
	if !v.Secrets {
		f.hide()
	}
}

// logged takes what nginx itself logs.
func (f *Fields) logged(l *trace.Logged, x *trace.Exchange) {
	f.Time, f.Start = l.Time, l.Time.Add(-l.RequestTime)
	f.Client, f.ClientPort, f.User = l.RemoteAddr, l.RemotePort, l.RemoteUser
	f.URI = uri(l.Line, x.Path, x.Query)
	f.Status, f.BytesSent, f.BodySent, f.RequestTime = l.Status, int(l.BytesSent), int(l.BodySent), l.RequestTime
	f.Referer, f.UserAgent = l.Referer, l.UserAgent
	f.RequestID = cmp.Or(l.RequestID, x.Names.RequestID, x.RequestID)
	f.Upstreams = upstreams(l.Upstreams)
	for i := range l.Upstreams {
		s := &l.Upstreams[i]
		if s.Response >= 0 {
			f.UpstreamTime += s.Response
		}
		if s.Peer != "" {
			f.Upstream, f.UpstreamStatus = s.Peer, s.Status
		}
	}
}

// unlogged takes what sockets tell, where there is no request object.
func (f *Fields) unlogged(x *trace.Exchange) {
	f.Start, f.Time, f.RequestTime = x.Start, x.Start.Add(x.Duration), x.Duration
	if x.Client.IsValid() {
		f.Client, f.ClientPort = x.Client.Addr().Unmap().String(), int(x.Client.Port())
	}
	f.URI = uri("", x.Path, x.Query)
	f.BytesSent, f.RequestID = int(max(x.Sent, 0)), cmp.Or(x.Names.RequestID, x.RequestID)
	f.Referer, f.UserAgent = headerOf(x, request, "referer"), headerOf(x, request, "user-agent")
	for i := range x.Attempts {
		a := &x.Attempts[i]
		f.UpstreamTime += max(a.Duration, 0)
		f.Upstream = a.PeerName
		if a.Peer.IsValid() {
			f.Upstream = a.Peer.String()
		}
		if i > 0 {
			f.Upstreams += ", "
		}
		f.Upstreams += f.Upstream
	}
}

// uri returns path and query as they are in a request line, without a copy if they are.
func uri(line, path, query string) string {
	if i := strings.Index(line, path); i >= 0 && path != "" {
		rest := line[i+len(path):]
		if rest != "" && rest[0] == '?' && strings.HasPrefix(rest[1:], query) {
			return line[i : i+len(path)+1+len(query)]
		}
	}
	if query == "" {
		return path
	}
	return path + "?" + query
}

// upstreams is $upstream_addr.
func upstreams(all []trace.UpstreamState) string {
	switch len(all) {
	case 0:
		return ""
	case 1:
		return all[0].Peer
	}
	return string(AppendUpstreams(nil, all, func(b []byte, s *trace.UpstreamState) []byte { return append(b, s.Peer...) }))
}

// AppendUpstreams appends a value of each attempt as nginx's variables have them: ", "
// stands between two attempts, and " : " between two groups of them.
func AppendUpstreams(b []byte, all []trace.UpstreamState, value func([]byte, *trace.UpstreamState) []byte) []byte {
	// nginx puts a record without a peer between the groups (ngx_http_upstream_init_request);
	// of it, the variables show the colon alone (ngx_http_upstream_addr_variable).
	divided := false
	for i := range all {
		s := &all[i]
		switch {
		case i == 0, divided:
		case s.Peer == "":
			b = append(b, " : "...)
			divided = true
			continue
		case s.Redirected && all[i-1].Peer != "":
			b = append(b, " : "...)
		default:
			b = append(b, ", "...)
		}
		divided = false
		b = value(b, s)
	}
	return b
}

// Unknown is a duration that was not seen.
const Unknown time.Duration = -1

// Upstreamed returns UpstreamTime, or Unknown where no node was tried.
func (e *Entry) Upstreamed() time.Duration {
	if e.Attempts == 0 && e.Upstreams == "" {
		return Unknown
	}
	return e.UpstreamTime
}
