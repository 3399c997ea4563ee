package render

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// logAPISIX writes the access log of APISIX's default configuration, byte for byte:
//
//	$remote_addr - $remote_user [$time_local] $http_host "$request" $status
//	$body_bytes_sent $request_time "$http_referer" "$http_user_agent" $upstream_addr
//	$upstream_status $upstream_response_time
//	"$upstream_scheme://$upstream_host$upstream_uri" "$apisix_request_id"
//
// on one line. The last variable is there from APISIX 3.16 on.
type logAPISIX struct {
	feed
	o     LogOptions
	entry logs.Entry
	stand trace.Logged // for requests whose object was not read
	ids   tristate     // the gateway logs $apisix_request_id

	second int64
	zone   *time.Location
	local  []byte // $time_local of that second
}

type tristate uint8

const (
	unknown tristate = iota
	no
	yes
)

func newLogAPISIX(w io.Writer, o LogOptions) trace.Sink {
	return &logAPISIX{feed: newFeed(w), o: o}
}

// Show writes one line.
func (a *logAPISIX) Show(x *trace.Exchange) error {
	a.entry.Fill(x, &a.o.View)
	l := x.Logged
	if l == nil {
		l = a.standIn()
	}
	hide := func(s string) string { return s }
	if !a.o.View.Secrets {
		hide = logs.HideURL
	}
	b := appendVariable(a.buf, l.RemoteAddr, false)
	b = append(b, " - "...)
	b = appendVariable(b, l.RemoteUser, false)
	b = append(a.time(append(b, " ["...), l.Time), "] "...)
	b = appendVariable(b, l.HTTPHost, l.EmptyHost)
	b = appendVariable(append(b, ` "`...), hide(l.Line), false)
	b = appendStatus(append(b, `" `...), l.Status)
	b = strconv.AppendInt(append(b, ' '), max(l.BodySent, 0), 10)
	b = appendSeconds(append(b, ' '), l.RequestTime)
	b = appendVariable(append(b, ` "`...), hide(l.Referer), l.EmptyReferer)
	b = appendVariable(append(b, `" "`...), l.UserAgent, l.EmptyUserAgent)
	b = appendAttempts(append(b, `" `...), l.Upstreams)
	b = appendEscaped(append(b, ` "`...), l.UpstreamScheme)
	b = appendEscaped(append(b, "://"...), l.UpstreamHost)
	b = appendEscaped(b, hide(l.UpstreamURI))
	b = append(b, '"')
	if a.logsIDs(l) {
		b = appendEscaped(append(b, ` "`...), l.RequestID)
		b = append(b, '"')
	}
	return a.commit(append(b, '\n'))
}

// logsIDs reports whether the gateway's own line has $apisix_request_id. It is set where
// $upstream_scheme is, in the same block of the configuration; a request that did not come
// so far tells neither, and such a one at the very beginning is taken for one of 3.16.
func (a *logAPISIX) logsIDs(l *trace.Logged) bool {
	switch {
	case l.RequestID != "":
		a.ids = yes
	case a.ids == unknown && l.UpstreamScheme != "":
		a.ids = no
	}
	return a.ids != no
}

// standIn says what sockets tell in nginx's words.
func (a *logAPISIX) standIn() *trace.Logged {
	e, x := &a.entry, a.entry.Exchange
	l := &a.stand
	*l = trace.Logged{
		Time: e.Time, RemoteAddr: e.Client, HTTPHost: x.Host, Referer: e.Referer, UserAgent: e.UserAgent,
		Status: e.Status, BodySent: int64(e.BytesSent), RequestTime: e.RequestTime,
		UpstreamScheme: e.Scheme, UpstreamHost: x.Host, RequestID: e.RequestID, Upstreams: l.Upstreams[:0],
	}
	if x.Method != "" {
		l.Line = strings.TrimSuffix(x.Method+" "+e.URI+" HTTP/"+x.Protocol, " HTTP/")
	}
	for i := range x.Attempts {
		t := &x.Attempts[i]
		s := trace.UpstreamState{Peer: t.PeerName, Status: t.Status, Response: t.Duration}
		if s.Peer == "" {
			s.Peer = address(t.Peer)
		}
		l.Upstreams = append(l.Upstreams, s)
	}
	return l
}

// time appends $time_local: in the zone of t, which is the gateway's.
func (a *logAPISIX) time(b []byte, t time.Time) []byte {
	if u := t.Unix(); u != a.second || t.Location() != a.zone || len(a.local) == 0 {
		a.second, a.zone = u, t.Location()
		a.local = t.AppendFormat(a.local[:0], "02/Jan/2006:15:04:05 -0700")
	}
	return append(b, a.local...)
}

// appendAttempts appends $upstream_addr $upstream_status $upstream_response_time.
func appendAttempts(b []byte, all []trace.UpstreamState) []byte {
	if len(all) == 0 {
		return append(b, "- - -"...)
	}
	b = logs.AppendUpstreams(b, all, func(b []byte, s *trace.UpstreamState) []byte { return appendEscaped(b, s.Peer) })
	b = logs.AppendUpstreams(append(b, ' '), all, func(b []byte, s *trace.UpstreamState) []byte {
		if s.Status == 0 {
			return append(b, '-')
		}
		return strconv.AppendInt(b, int64(s.Status), 10)
	})
	return logs.AppendUpstreams(append(b, ' '), all, func(b []byte, s *trace.UpstreamState) []byte {
		if s.Response < 0 {
			return append(b, '-')
		}
		return appendSeconds(b, s.Response)
	})
}

// appendVariable appends a variable: "-" for one that there is not, which is not the same as
// one that is there and empty (ngx_http_log_variable).
func appendVariable(b []byte, s string, empty bool) []byte {
	if s == "" && !empty {
		return append(b, '-')
	}
	return appendEscaped(b, s)
}

// appendEscaped escapes as ngx_http_log_escape does.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	from := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			b = append(b, s[from:i]...)
			b = append(b, '\\', 'x', hex[c>>4], hex[c&0xf])
			from = i + 1
		}
	}
	return append(b, s[from:]...)
}

// appendStatus is nginx's %03ui.
func appendStatus(b []byte, status int) []byte {
	for least := 100; least > max(status, 1) && least > 1; least /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(max(status, 0)), 10)
}

// appendSeconds is nginx's %T.%03M.
func appendSeconds(b []byte, d time.Duration) []byte {
	ms := max(d.Milliseconds(), 0)
	b = append(strconv.AppendInt(b, ms/1000, 10), '.')
	return appendStatus(b, int(ms%1000))
}

// Summary has no place in an access log: the talk on stderr has it.
func (a *logAPISIX) Summary(trace.Summary) error { return a.Flush() }
