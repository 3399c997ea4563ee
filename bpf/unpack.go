package bpf

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/apisixscope/apisixscope/trace"
)

// unpack takes what data holds in the order in which request.bpf.c appends it.
func (s *Source) unpack(out *trace.Request, r *traceRequestEvent, data []byte) {
	const attempt = int(unsafe.Sizeof(traceAttempt{}))
	var states []trace.UpstreamState
	for range r.AttemptsKept {
		if len(data) < attempt {
			break
		}
		states = append(states, upstreamState((*traceAttempt)(unsafe.Pointer(&data[0]))))
		data = data[attempt:]
	}
	out.Attempts = attempts(states)
	text := texts(data) // one string, of which the others are parts
	out.Line = text.next(r.LineLen, lineMax)
	out.Host = text.next(r.HostLen, hostMax)
	out.TraceParent = text.next(r.HeaderLen[wantedTraceParent], headerMax)
	out.RequestID = text.next(r.HeaderLen[wantedRequestID], headerMax)
	for i := range s.options.Headers[:min(len(s.options.Headers), wantedMax-wantedOther)] {
		out.HeaderValues = append(out.HeaderValues, text.next(r.HeaderLen[wantedOther+i], headerMax))
	}
	switch traceNamesHow(r.Names) {
	case traceNamesHowNAMES_READ:
		text.names(&out.Names)
	case traceNamesHowNAMES_ABSENT:
		out.Names.From = trace.NamesNone
	}
	if s.options.Logged {
		out.Logged = logged(out, r, &text)
		out.Logged.Upstreams = states
		out.Logged.Cut = isCut(r)
	}
}

// attempts are the states that have a peer.
func attempts(states []trace.UpstreamState) []trace.UpstreamState {
	peerless := func(s trace.UpstreamState) bool { return s.Peer == "" }
	if !slices.ContainsFunc(states, peerless) {
		return states
	}
	return slices.DeleteFunc(slices.Clone(states), peerless)
}

// texts is what is left of a record's strings.
type texts string

// next takes a string of true length n, of which at most so many bytes are there.
func (t *texts) next(n uint32, most int) string {
	size := min(int(n), most, len(*t))
	part := (*t)[:size]
	*t = (*t)[size:]
	return string(part)
}

// names takes the fields of api_ctx, in the order of enum name.
func (t *texts) names(to *trace.Names) {
	var v [traceNameNAMES]string
	for i := range v {
		most := idMax
		if name := traceName(i); name == traceNameNAME_ROUTE_NAME || name == traceNameNAME_SERVICE_NAME {
			most = nameMax
		}
		v[i] = t.luaValue(most)
	}
	*to = trace.Names{
		From:    trace.NamesExact,
		RouteID: v[traceNameNAME_ROUTE_ID], RouteName: v[traceNameNAME_ROUTE_NAME],
		ServiceID: v[traceNameNAME_SERVICE_ID], ServiceName: v[traceNameNAME_SERVICE_NAME],
		Consumer: v[traceNameNAME_CONSUMER], Upstream: v[traceNameNAME_UPSTREAM],
		RequestID: v[traceNameNAME_REQUEST_ID], Plugin: v[traceNameNAME_PLUGIN],
	}
	to.Tries, _ = strconv.Atoi(v[traceNameNAME_TRIES])
	if ip := v[traceNameNAME_BALANCER_IP]; ip != "" {
		to.Balancer = net.JoinHostPort(ip, v[traceNameNAME_BALANCER_PORT])
	}
}

// luaNumber marks a number; it is NAME_NUMBER of events.h.
const luaNumber = 1 << 31

// luaValue takes a string of at most so many bytes, or a number, as names.bpf.c has appended it.
func (t *texts) luaValue(most int) string {
	head := t.next(4, 4)
	if len(head) < 4 {
		return ""
	}
	n := binary.LittleEndian.Uint32([]byte(head))
	if n != luaNumber {
		return t.next(n, most)
	}
	raw := t.next(8, 8)
	if len(raw) < 8 {
		return ""
	}
	v := binary.LittleEndian.Uint64([]byte(raw))
	if v>>47 == luaInt {
		return strconv.Itoa(int(int32(v)))
	}
	return strconv.FormatFloat(math.Float64frombits(v), 'f', -1, 64)
}

// luaInt is the type of an integer, where the VM tells it from a double.
const luaInt = 0x1fff2

// absent is the length of a string that is not there: LOGGED_ABSENT of events.h.
const absent = 1<<32 - 1

// logged takes what nginx's access log has of a request.
func logged(q *trace.Request, r *traceRequestEvent, t *texts) *trace.Logged {
	l := &r.Logged
	next := func(which traceLoggedString) string {
		if l.Len[which] == absent {
			return ""
		}
		return t.next(l.Len[which], roomOf(which))
	}
	user := func(s string) string {
		if l.Flags&uint32(traceLoggedFlagsLOGGED_USER_KNOWN) != 0 {
			return s
		}
		return basicUser(s, l.Len[traceLoggedStringLOGGED_USER] > loggedMax)
	}
	out := &trace.Logged{
		RemoteAddr:     next(traceLoggedStringLOGGED_ADDR),
		RemotePort:     int(l.Port),
		Line:           q.Line,
		LineLen:        q.LineLen,
		HTTPHost:       next(traceLoggedStringLOGGED_HOST),
		Referer:        next(traceLoggedStringLOGGED_REFERER),
		UserAgent:      next(traceLoggedStringLOGGED_USER_AGENT),
		RemoteUser:     user(next(traceLoggedStringLOGGED_USER)),
		UpstreamScheme: next(traceLoggedStringLOGGED_UPSTREAM_SCHEME),
		UpstreamHost:   next(traceLoggedStringLOGGED_UPSTREAM_HOST),
		UpstreamURI:    next(traceLoggedStringLOGGED_UPSTREAM_URI),
		RequestID:      next(traceLoggedStringLOGGED_REQUEST_ID),
		Status:         loggedStatus(r),
		BytesSent:      int64(l.Sent),
		BodySent:       max(int64(l.Sent)-int64(l.HeaderSize), 0),
		EmptyHost:      l.Len[traceLoggedStringLOGGED_HOST] == 0,
		EmptyReferer:   l.Len[traceLoggedStringLOGGED_REFERER] == 0,
		EmptyUserAgent: l.Len[traceLoggedStringLOGGED_USER_AGENT] == 0,
		ClientTimedOut: l.Flags&uint32(traceLoggedFlagsLOGGED_TIMED_OUT) != 0,
		ClientFailed:   l.Flags&uint32(traceLoggedFlagsLOGGED_FAILED) != 0,
	}
	if raw := next(traceLoggedStringLOGGED_UNPARSED); raw != "" {
		out.Line, out.LineLen = raw, int(l.Len[traceLoggedStringLOGGED_UNPARSED])
		if end := strings.IndexAny(raw, "\r\n"); end >= 0 {
			out.Line, out.LineLen = raw[:end], end
		}
	}
	now := time.UnixMilli(int64(l.Sec)*1000 + int64(l.Msec))
	out.RequestTime = max(now.Sub(q.Started), 0)
	out.Time = now.In(zone(int(int64(l.Gmtoff))))
	return out
}

// roomOf is how much of a string is kept; see append_logged in logged.bpf.c.
func roomOf(which traceLoggedString) int {
	if which == traceLoggedStringLOGGED_UPSTREAM_URI || which == traceLoggedStringLOGGED_UNPARSED {
		return lineMax
	}
	return loggedMax
}

// isCut reports whether the record has not all of what nginx logs.
func isCut(r *traceRequestEvent) bool {
	for i, n := range r.Logged.Len {
		if n != absent && n > uint32(roomOf(traceLoggedString(i))) {
			return true
		}
	}
	return r.LineLen > lineMax || r.AttemptsLen > r.AttemptsKept
}

// loggedStatus is $status: what ngx_http_free_request makes of the request's status, and
// ngx_http_log_status of that.
func loggedStatus(r *traceRequestEvent) int {
	status := int(r.Status)
	if l := &r.Logged; l.Rc > 0 && (status == 0 || l.Sent == 0) {
		status = int(l.Rc)
	}
	switch {
	case r.Logged.ErrStatus != 0:
		return int(r.Logged.ErrStatus)
	case status == 0 && r.HttpVersion == 9:
		return 9
	}
	return status
}

// basicUser returns $remote_user: the user name of an Authorization header. One that was cut
// still has it.
func basicUser(authorization string, cut bool) string {
	const scheme = "basic "
	if len(authorization) <= len(scheme) || !strings.EqualFold(authorization[:len(scheme)], scheme) {
		return ""
	}
	coded, _, _ := strings.Cut(strings.TrimLeft(authorization[len(scheme):], " "), "=")
	if cut {
		coded = coded[:len(coded)-len(coded)%4]
	}
	plain, err := base64.RawStdEncoding.DecodeString(coded)
	if err != nil || strings.ContainsAny(coded, "\r\n") { // which Go passes over
		return ""
	}
	user, _, ok := strings.Cut(string(plain), ":")
	if !ok {
		return ""
	}
	return user
}

// zone returns the time zone that is so many minutes east of UTC.
func zone(minutes int) *time.Location {
	if minutes == 0 {
		return time.UTC
	}
	return time.FixedZone("", minutes*60)
}
