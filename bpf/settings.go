package bpf

import (
	"slices"
	"strings"

	"github.com/apisixscope/apisixscope/internal/gateway"
)

// These must agree with events.h.
const (
	headMax   = 8192
	headUsual = 1024
	lineMax   = 2048
	hostMax   = 128
	headerMax = 96
	wantedMax = 4
	idMax     = 128
	nameMax   = 400
	loggedMax = 512
)

// The first two wanted headers are ours.
const (
	wantedTraceParent = iota
	wantedRequestID
	wantedOther
)

const word = 8 // bytes of a pointer, and of most of nginx's fields

// layoutOf picks the offsets that the programs use.
func layoutOf(l gateway.Layout) traceNgxLayout {
	n := traceNgxLayout{
		R_connection:       l.Request.Connection,
		R_upstream:         l.Request.Upstream,
		R_upstreamStates:   l.Request.UpstreamStates,
		R_headersIn:        l.Request.HeadersIn,
		R_headersOut:       l.Request.HeadersOut,
		R_startSec:         l.Request.StartSec,
		R_startMsec:        l.Request.StartMsec,
		R_httpVersion:      l.Request.HTTPVersion,
		R_requestLine:      l.Request.RequestLine,
		R_main:             l.Request.Main,
		R_requestLength:    l.Request.RequestLength,
		R_stream:           l.Request.Stream,
		R_ctx:              l.Request.Ctx,
		R_variables:        l.Request.Variables,
		R_headerSize:       l.Request.HeaderSize,
		R_errStatus:        l.Request.ErrStatus,
		R_requestStart:     l.Request.RequestStart,
		R_headerIn:         l.Request.Pool + word, // ngx_pool_t *pool; ngx_buf_t *header_in
		InServer:           l.HeadersIn.Server,
		InHost:             l.HeadersIn.Host,
		InUserAgent:        l.HeadersIn.UserAgent,
		InReferer:          l.HeadersIn.Referer,
		InAuthorization:    l.HeadersIn.Authorization,
		InUser:             userOf(l),
		OutStatus:          l.HeadersOut.Status,
		OutContentType:     l.HeadersOut.ContentType,
		OutContentLength:   l.HeadersOut.ContentLengthN,
		C_fd:               l.Connection.FD,
		C_log:              l.Connection.Sent + 8, // off_t sent, ngx_log_t *log
		C_ssl:              l.Connection.SSL,
		C_requests:         l.Connection.Requests,
		C_sent:             l.Connection.Sent,
		C_sockaddr:         l.Connection.Sockaddr,
		C_addrText:         l.Connection.AddrText,
		C_flags:            l.Connection.Requests + word, // what follows: unsigned buffered:8, …
		U_peer:             l.Upstream.Peer,
		U_requestBufs:      l.Upstream.RequestBufs,
		U_headersIn:        l.Upstream.HeadersIn,
		PcConnection:       l.Peer.Connection,
		PcLog:              l.Peer.Log,
		LogData:            l.Log.Data,
		CtxRequest:         l.HTTPLogCtx.Request,
		CtxCurrentRequest:  l.HTTPLogCtx.CurrentRequest,
		StateSize:          l.UpstreamState.Size,
		StateStatus:        l.UpstreamState.Status,
		StateResponseTime:  l.UpstreamState.ResponseTime,
		StateConnectTime:   l.UpstreamState.ConnectTime,
		StateHeaderTime:    l.UpstreamState.HeaderTime,
		StateBytesReceived: l.UpstreamState.BytesReceived,
		StateBytesSent:     l.UpstreamState.BytesSent,
		StatePeer:          l.UpstreamState.Peer,
		EltSize:            l.TableElt.Size,
		EltValue:           l.TableElt.Value,
	}
	n.R_read = word + max(n.R_connection, n.R_upstream, n.R_upstreamStates, n.R_headersIn+3*word, n.R_headersIn+n.InServer+word,
		n.R_headersOut+n.OutStatus, n.R_startSec, n.R_startMsec, n.R_httpVersion, n.R_requestLine+word, n.R_main,
		n.R_requestLength, n.R_stream, n.R_ctx, n.R_variables, n.R_headerSize, n.R_errStatus,
		n.R_headersOut+max(n.OutContentType+word, n.OutContentLength), n.R_headersIn+max(n.InHost, n.InUserAgent, n.InReferer, n.InAuthorization, n.InUser+word))
	n.C_read = word + max(n.C_fd, n.C_ssl, n.C_requests, n.C_sent, n.C_sockaddr, n.C_addrText+word, n.C_flags)
	return n
}

// userOf is where headers_in.user is: ngx_str_t user, passwd; before nginx 1.23 an ngx_array_t
// of cookies; ngx_str_t server.
func userOf(l gateway.Layout) uint32 {
	const array, beforeNext = 5 * word, 6 * word // sizes, the latter of ngx_table_elt_t
	if l.TableElt.Size == beforeNext {
		return l.HeadersIn.Server - array - 4*word
	}
	return l.HeadersIn.Server - 4*word
}

func luaVMOf(vm gateway.LuaVM) traceLuaVm {
	to := traceLuaVm{Cycle: vm.Cycle, HttpIndex: vm.HTTPIndex, LuaIndex: vm.LuaIndex, CurL: vm.CurL}
	if vm.Names() {
		to.Registry, to.CtxRef = vm.Registry, vm.CtxRef
	}
	return to
}

func staticsOf(s gateway.Statics) traceNginxStatics {
	return traceNginxStatics{Cycle: s.Cycle, CachedTime: s.CachedTime, HttpIndex: s.HTTPIndex, CoreIndex: s.CoreIndex}
}

// wantedNames makes the programs' table of what requests are wanted of. A kind for which it has
// no room has none in it: then others must choose.
func (o *Options) wantedNames() (table [8]traceWantedName, kinds uint32) {
	if !o.NoSockets {
		return table, 0
	}
	next := 0
	for kind, names := range map[traceWantedKind][]string{
		traceWantedKindWANTED_ROUTE:    o.Only.Routes,
		traceWantedKindWANTED_SERVICE:  o.Only.Services,
		traceWantedKindWANTED_CONSUMER: o.Only.Consumers,
	} {
		tooLong := func(name string) bool { return len(name) > len(table[0].Text)*word }
		if len(names) == 0 || next+len(names) > len(table) || slices.ContainsFunc(names, tooLong) {
			continue
		}
		kinds |= uint32(kind)
		for _, name := range names {
			w := &table[next]
			next++
			w.Kind, w.Len = uint32(kind), uint32(len(name))
			for i, c := range []byte(name) {
				w.Text[i/word] |= uint64(c) << (8 * (i % word))
			}
		}
	}
	return table, kinds
}

// wantedHeaders makes the programs' table of headers to look for.
func wantedHeaders(more []string) (hash [wantedMax]uint64, length [wantedMax]uint32) {
	names := append([]string{"traceparent", "x-request-id"}, more...)
	for i, name := range names[:min(len(names), wantedMax)] {
		hash[i], length[i] = nginxHash(name), uint32(len(name))
	}
	return hash, length
}

// nginxHash is ngx_hash_key_lc of src/core/ngx_hash.c, which nginx keeps with each header.
func nginxHash(name string) uint64 {
	var h uint64
	for _, c := range []byte(strings.ToLower(name)) {
		h = h*31 + uint64(c)
	}
	return h
}
