package gateway

import (
	"fmt"
	"iter"
	"reflect"
)

// A Layout says where nginx keeps what in its structs. Each field is an offset in bytes
// from the start of the struct that its tag names, or for the tag sizeof.T the size of
// T in bytes. Every field is filled, or the Layout is the zero value.
//
// The declarations are in nginx's src/http/ngx_http_request.h, ngx_http_upstream.h,
// src/event/ngx_event_connect.h and src/core/ngx_connection.h, ngx_log.h, ngx_hash.h,
// ngx_list.h, ngx_array.h, ngx_string.h.
type Layout struct {
	Request       RequestLayout
	HeadersIn     HeadersInLayout
	HeadersOut    HeadersOutLayout
	Connection    ConnectionLayout
	Upstream      UpstreamLayout
	Peer          PeerLayout
	UpstreamState UpstreamStateLayout
	TableElt      TableEltLayout
	List          ListLayout
	ListPart      ListPartLayout
	Array         ArrayLayout
	Str           StrLayout
	Log           LogLayout
	HTTPLogCtx    HTTPLogCtxLayout
}

// RequestLayout is ngx_http_request_t of src/http/ngx_http_request.h.
type RequestLayout struct {
	Signature      uint32 `nginx:"ngx_http_request_t.signature"`
	Connection     uint32 `nginx:"ngx_http_request_t.connection"`
	Ctx            uint32 `nginx:"ngx_http_request_t.ctx"`
	Upstream       uint32 `nginx:"ngx_http_request_t.upstream"`
	UpstreamStates uint32 `nginx:"ngx_http_request_t.upstream_states"`
	Pool           uint32 `nginx:"ngx_http_request_t.pool"`
	HeadersIn      uint32 `nginx:"ngx_http_request_t.headers_in"`
	HeadersOut     uint32 `nginx:"ngx_http_request_t.headers_out"`
	StartSec       uint32 `nginx:"ngx_http_request_t.start_sec"`
	StartMsec      uint32 `nginx:"ngx_http_request_t.start_msec"`
	Method         uint32 `nginx:"ngx_http_request_t.method"`
	HTTPVersion    uint32 `nginx:"ngx_http_request_t.http_version"`
	RequestLine    uint32 `nginx:"ngx_http_request_t.request_line"`
	URI            uint32 `nginx:"ngx_http_request_t.uri"`
	Args           uint32 `nginx:"ngx_http_request_t.args"`
	UnparsedURI    uint32 `nginx:"ngx_http_request_t.unparsed_uri"`
	MethodName     uint32 `nginx:"ngx_http_request_t.method_name"`
	Main           uint32 `nginx:"ngx_http_request_t.main"`
	Parent         uint32 `nginx:"ngx_http_request_t.parent"`
	Variables      uint32 `nginx:"ngx_http_request_t.variables"`
	HeaderSize     uint32 `nginx:"ngx_http_request_t.header_size"`
	RequestLength  uint32 `nginx:"ngx_http_request_t.request_length"`
	ErrStatus      uint32 `nginx:"ngx_http_request_t.err_status"`
	HTTPConnection uint32 `nginx:"ngx_http_request_t.http_connection"`
	Stream         uint32 `nginx:"ngx_http_request_t.stream"`
	RequestStart   uint32 `nginx:"ngx_http_request_t.request_start"`
	Size           uint32 `nginx:"sizeof.ngx_http_request_t"`
}

// HeadersInLayout is ngx_http_headers_in_t of src/http/ngx_http_request.h.
type HeadersInLayout struct {
	Headers        uint32 `nginx:"ngx_http_headers_in_t.headers"`
	Host           uint32 `nginx:"ngx_http_headers_in_t.host"`
	UserAgent      uint32 `nginx:"ngx_http_headers_in_t.user_agent"`
	Referer        uint32 `nginx:"ngx_http_headers_in_t.referer"`
	Authorization  uint32 `nginx:"ngx_http_headers_in_t.authorization"`
	Server         uint32 `nginx:"ngx_http_headers_in_t.server"`
	ContentLengthN uint32 `nginx:"ngx_http_headers_in_t.content_length_n"`
}

// HeadersOutLayout is ngx_http_headers_out_t of src/http/ngx_http_request.h.
type HeadersOutLayout struct {
	Headers        uint32 `nginx:"ngx_http_headers_out_t.headers"`
	Status         uint32 `nginx:"ngx_http_headers_out_t.status"`
	ContentType    uint32 `nginx:"ngx_http_headers_out_t.content_type"`
	ContentLengthN uint32 `nginx:"ngx_http_headers_out_t.content_length_n"`
}

// ConnectionLayout is ngx_connection_t of src/core/ngx_connection.h.
type ConnectionLayout struct {
	Data     uint32 `nginx:"ngx_connection_t.data"`
	FD       uint32 `nginx:"ngx_connection_t.fd"`
	Sent     uint32 `nginx:"ngx_connection_t.sent"`
	Sockaddr uint32 `nginx:"ngx_connection_t.sockaddr"`
	Socklen  uint32 `nginx:"ngx_connection_t.socklen"`
	AddrText uint32 `nginx:"ngx_connection_t.addr_text"`
	Number   uint32 `nginx:"ngx_connection_t.number"`
	SSL      uint32 `nginx:"ngx_connection_t.ssl"`
	Requests uint32 `nginx:"ngx_connection_t.requests"`
}

// UpstreamLayout is ngx_http_upstream_t of src/http/ngx_http_upstream.h.
type UpstreamLayout struct {
	Peer        uint32 `nginx:"ngx_http_upstream_t.peer"`
	RequestBufs uint32 `nginx:"ngx_http_upstream_t.request_bufs"`
	State       uint32 `nginx:"ngx_http_upstream_t.state"`
	HeadersIn   uint32 `nginx:"ngx_http_upstream_t.headers_in"`
}

// PeerLayout is ngx_peer_connection_t of src/event/ngx_event_connect.h.
type PeerLayout struct {
	Connection uint32 `nginx:"ngx_peer_connection_t.connection"`
	Sockaddr   uint32 `nginx:"ngx_peer_connection_t.sockaddr"`
	Name       uint32 `nginx:"ngx_peer_connection_t.name"`
	Tries      uint32 `nginx:"ngx_peer_connection_t.tries"`
	StartTime  uint32 `nginx:"ngx_peer_connection_t.start_time"`
	Log        uint32 `nginx:"ngx_peer_connection_t.log"`
}

// UpstreamStateLayout is ngx_http_upstream_state_t of src/http/ngx_http_upstream.h:
// one attempt. Its times are in milliseconds.
type UpstreamStateLayout struct {
	Status         uint32 `nginx:"ngx_http_upstream_state_t.status"`
	ResponseTime   uint32 `nginx:"ngx_http_upstream_state_t.response_time"`
	ConnectTime    uint32 `nginx:"ngx_http_upstream_state_t.connect_time"`
	HeaderTime     uint32 `nginx:"ngx_http_upstream_state_t.header_time"`
	ResponseLength uint32 `nginx:"ngx_http_upstream_state_t.response_length"`
	BytesReceived  uint32 `nginx:"ngx_http_upstream_state_t.bytes_received"`
	BytesSent      uint32 `nginx:"ngx_http_upstream_state_t.bytes_sent"`
	Peer           uint32 `nginx:"ngx_http_upstream_state_t.peer"`
	Size           uint32 `nginx:"sizeof.ngx_http_upstream_state_t"`
}

// TableEltLayout is ngx_table_elt_t of src/core/ngx_hash.h: one header.
type TableEltLayout struct {
	Key   uint32 `nginx:"ngx_table_elt_t.key"`
	Value uint32 `nginx:"ngx_table_elt_t.value"`
	Size  uint32 `nginx:"sizeof.ngx_table_elt_t"`
}

// ListLayout is ngx_list_t of src/core/ngx_list.h.
type ListLayout struct {
	Last uint32 `nginx:"ngx_list_t.last"`
	Part uint32 `nginx:"ngx_list_t.part"`
}

// ListPartLayout is ngx_list_part_t of src/core/ngx_list.h.
type ListPartLayout struct {
	Elts  uint32 `nginx:"ngx_list_part_t.elts"`
	Nelts uint32 `nginx:"ngx_list_part_t.nelts"`
	Next  uint32 `nginx:"ngx_list_part_t.next"`
}

// ArrayLayout is ngx_array_t of src/core/ngx_array.h.
type ArrayLayout struct {
	Elts  uint32 `nginx:"ngx_array_t.elts"`
	Nelts uint32 `nginx:"ngx_array_t.nelts"`
}

// StrLayout is ngx_str_t of src/core/ngx_string.h.
type StrLayout struct {
	Len  uint32 `nginx:"ngx_str_t.len"`
	Data uint32 `nginx:"ngx_str_t.data"`
}

// LogLayout is ngx_log_t of src/core/ngx_log.h. Its data leads from a peer's log to
// the request on whose behalf the peer is tried.
type LogLayout struct {
	Data uint32 `nginx:"ngx_log_t.data"`
}

// HTTPLogCtxLayout is ngx_http_log_ctx_t of src/http/ngx_http_request.h.
type HTTPLogCtxLayout struct {
	Request        uint32 `nginx:"ngx_http_log_ctx_t.request"`
	CurrentRequest uint32 `nginx:"ngx_http_log_ctx_t.current_request"`
}

// fields yields every tagged field of l by the C name in its tag.
func (l *Layout) fields() iter.Seq2[string, *uint32] {
	return func(yield func(string, *uint32) bool) {
		groups := reflect.ValueOf(l).Elem()
		for i := range groups.NumField() {
			group := groups.Field(i)
			for j := range group.NumField() {
				tag := group.Type().Field(j).Tag.Get("nginx")
				if !yield(tag, group.Field(j).Addr().Interface().(*uint32)) {
					return
				}
			}
		}
	}
}

// set takes every offset from values, which must name them all.
func (l *Layout) set(values map[string]uint32) error {
	for name, field := range l.fields() {
		v, ok := values[name]
		if !ok {
			return fmt.Errorf("%s is missing", name)
		}
		*field = v
	}
	return nil
}
