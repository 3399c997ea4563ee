package cmd

import (
	"testing"
)

func TestHeads(t *testing.T) {
	var h Heads
	request := []byte("POST /a?b HTTP/1.1\r\nHost: shop.example:9080\r\ntraceparent: 00-x\r\nX-Request-Id: r1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
	r, ok := h.Request(request)
	if !ok || string(r.Method) != "POST" || string(r.Target) != "/a?b" || string(r.Host) != "shop.example:9080" || r.Minor != 1 ||
		string(r.TraceParent) != "00-x" || string(r.RequestID) != "r1" || !r.Upgrade {
		t.Errorf("Request = %+v, %v", r, ok)
	}
	response := []byte("HTTP/1.1 502 Bad Gateway\r\nServer: APISIX/3.16\r\nContent-Length: 7\r\nX-APISIX-Upstream-Status: 502\r\nX-Request-Id: r1\r\nConnection: close\r\n\r\n")
	a, ok := h.Response(response)
	if !ok || a.Status != 502 || a.Len != len(response) || a.Body != 7 || a.Chunked || !a.Close || string(a.Server) != "APISIX/3.16" ||
		string(a.UpstreamStatus) != "502" || string(a.RequestID) != "r1" {
		t.Errorf("Response = %+v, %v", a, ok)
	}
	for _, b := range [][]byte{nil, []byte("\x16\x03\x01"), []byte("*3\r\n$3\r\nGET")} {
		if r, ok := h.Request(b); ok && b != nil {
			t.Errorf("Request(%q) = %+v", b, r)
		}
		if a, ok := h.Response(b); ok && b != nil {
			t.Errorf("Response(%q) = %+v", b, a)
		}
	}
	if n := testing.AllocsPerRun(100, func() { h.Request(request); h.Response(response) }); n != 0 {
		t.Errorf("reading heads allocates %v times", n)
	}
}
