package http1_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/http1"
)

const browserHead = "POST /orders/checkout?currency=eur HTTP/1.1\r\n" +
	"Host: apisix.deepflow.demo\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
	"Accept: application/json\r\n" +
	"Content-Type: application/json\r\n" +
	"Content-Length: 512\r\n" +
	"X-Request-Id: 7c1e9a52-3f0b-4d4e\r\n" +
	"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n" +
	"\r\n"

const answerHead = "HTTP/1.1 502 Bad Gateway\r\n" +
	"Date: Mon, 02 Jun 2025 10:00:00 GMT\r\n" +
	"Content-Type: text/html; charset=utf-8\r\n" +
	"Content-Length: 154\r\n" +
	"Connection: keep-alive\r\n" +
	"Server: APISIX/3.16.0\r\n" +
	"X-Request-Id: 7c1e9a52-3f0b-4d4e\r\n" +
	"X-APISIX-Upstream-Status: 502\r\n" +
	"\r\n"

// show flattens a parsed head to its interesting fields, so that tables read.
func show(v any) string {
	var out []string
	s := reflect.ValueOf(v).Elem()
	for i := range s.NumField() {
		name, f := s.Type().Field(i).Name, s.Field(i)
		switch x := f.Interface().(type) {
		case []byte:
			if x != nil {
				out = append(out, name+"="+string(x))
			}
		case bool:
			if x {
				out = append(out, name)
			}
		case int, int64:
			usual := map[string]int64{"ContentLength": -1, "Minor": 1}
			if f.Int() != usual[name] {
				out = append(out, fmt.Sprintf("%s=%d", name, x))
			}
		}
	}
	return strings.Join(out, " ")
}

func TestParseRequest(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{
			"whole", browserHead,
			"Method=POST Target=/orders/checkout?currency=eur Host=apisix.deepflow.demo ContentLength=512 HeadLen=303 " +
				"TraceParent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 XRequestID=7c1e9a52-3f0b-4d4e",
		},
		{"bare", "GET / HTTP/1.1\r\n\r\n", "Method=GET Target=/ HeadLen=18"},
		{"body behind", "GET / HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n", "Method=GET Target=/ HeadLen=18"},
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", "Method=GET Target=/ Host=a HeadLen=24"},
		{"blank lines first", "\r\n\nGET / HTTP/1.1\r\n\r\n", "Method=GET Target=/ HeadLen=21"},
		{"spaces about", "GET   /   HTTP/1.1  \r\n\r\n", "Method=GET Target=/ HeadLen=24"},
		{"space in target", "GET /a b HTTP/1.1\r\n\r\n", "Method=GET Target=/a b HeadLen=21"},
		{"bytes over 0x7f", "GET /\xff HTTP/1.1\r\n\r\n", "Method=GET Target=/\xff HeadLen=19"},
		{"odd method", "M-SEARCH * HTTP/1.1\r\n\r\n", "Method=M-SEARCH Target=* HeadLen=23"},
		{"longest method", strings.Repeat("A", 32) + " / HTTP/1.1\n\n", "Method=" + strings.Repeat("A", 32) + " Target=/ HeadLen=45"},
		{"authority form", "CONNECT [::1]:443 HTTP/1.1\n\n", "Method=CONNECT Target=[::1]:443 HeadLen=28"},
		{"HTTP/1.0", "GET / HTTP/1.0\n\n", "Method=GET Target=/ Minor=0 Close HeadLen=16"},
		{"HTTP/1.0 kept", "GET / HTTP/1.0\nConnection: Keep-Alive\n\n", "Method=GET Target=/ Minor=0 HeadLen=39"},
		{"HTTP/1.12", "GET / HTTP/1.12\n\n", "Method=GET Target=/ Minor=12 HeadLen=17"},

		{"absolute form", "GET http://u:p@a.example:81/x HTTP/1.1\nHost: b\n\n", "Method=GET Target=http://u:p@a.example:81/x Host=a.example:81 HeadLen=48"},
		{"absolute form, query", "GET http://a?x=/ HTTP/1.1\n\n", "Method=GET Target=http://a?x=/ Host=a HeadLen=27"},
		{"absolute form, no host", "GET http:///x HTTP/1.1\nHost: b\n\n", "Method=GET Target=http:///x Host=b HeadLen=32"},
		{"absolute in origin form", "GET /r?to=http://c/ HTTP/1.1\nHost: b\n\n", "Method=GET Target=/r?to=http://c/ Host=b HeadLen=38"},

		{"names in any case", "GET / HTTP/1.1\nhOsT:a\nCONTENT-LENGTH:\t7 \n\n", "Method=GET Target=/ Host=a ContentLength=7 HeadLen=42"},
		{"name with a space", "GET / HTTP/1.1\nHost : a\n\n", "Method=GET Target=/ HeadLen=25"},
		{"name's CR is no hyphen", "GET / HTTP/1.1\nContent\rLength: 3\n\n", "Method=GET Target=/ HeadLen=34"},
		{"first host counts", "GET / HTTP/1.1\nHost: a\nHost: b\n\n", "Method=GET Target=/ Host=a HeadLen=32"},
		{"no field", "GET / HTTP/1.1\nnonsense\n: b\nHost: a\n\n", "Method=GET Target=/ Host=a HeadLen=37"},
		{"folded", "GET / HTTP/1.1\nA: b\n Host: c\nHost: a\n\n", "Method=GET Target=/ Host=a HeadLen=38"},
		{"correlation ids", "GET / HTTP/1.1\nb3: 0\nsw8: 1-x\n\n", "Method=GET Target=/ HeadLen=31 B3=0 SW8=1-x"},

		{"two lengths", "GET / HTTP/1.1\nContent-Length: 1\nContent-Length: 1\n\n", "Method=GET Target=/ HeadLen=52"},
		{"signed length", "GET / HTTP/1.1\nContent-Length: +1\n\n", "Method=GET Target=/ HeadLen=35"},
		{"empty length", "GET / HTTP/1.1\nContent-Length:\n\n", "Method=GET Target=/ HeadLen=32"},
		{"listed length", "GET / HTTP/1.1\nContent-Length: 1, 1\n\n", "Method=GET Target=/ HeadLen=37"},
		{"greatest length", "GET / HTTP/1.1\nContent-Length: 9223372036854775807\n\n", "Method=GET Target=/ ContentLength=9223372036854775807 HeadLen=52"},
		{"too great a length", "GET / HTTP/1.1\nContent-Length: 9223372036854775808\n\n", "Method=GET Target=/ HeadLen=52"},
		{"chunked", "GET / HTTP/1.1\nTransfer-Encoding: gzip , Chunked\n\n", "Method=GET Target=/ Chunked HeadLen=50"},
		{"chunked beside a length", "GET / HTTP/1.1\nContent-Length: 3\nTransfer-Encoding: chunked\n\n", "Method=GET Target=/ Chunked HeadLen=61"},
		{"close", "GET / HTTP/1.1\nConnection: te, CLOSE\n\n", "Method=GET Target=/ Close HeadLen=38"},
		{"closed is not close", "GET / HTTP/1.1\nConnection: closed\n\n", "Method=GET Target=/ HeadLen=35"},
		{"WebSocket", "GET / HTTP/1.1\nUpgrade: websocket\nConnection: Upgrade\n\n", "Method=GET Target=/ Upgrade HeadLen=55"},
		{"Upgrade without Connection", "GET / HTTP/1.1\nUpgrade: websocket\n\n", "Method=GET Target=/ HeadLen=35"},
		{"100-continue", "GET / HTTP/1.1\nExpect: 100-Continue\n\n", "Method=GET Target=/ ExpectContinue HeadLen=37"},

		{"nothing", "", "Minor=-1 Truncated"},
		{"blank lines only", "\r\n\r", "Minor=-1 Truncated"},
		{"cut in method", "PO", "Minor=-1 Truncated"},
		{"cut before target", "POST ", "Method=POST Minor=-1 Truncated"},
		{"cut in target", "POST /ord", "Method=POST Target=/ord Minor=-1 Truncated"},
		{"cut in version", "POST /orders HTTP/1", "Method=POST Target=/orders Minor=-1 Truncated"},
		{"cut in line end", "POST /orders HTTP/1.1\r", "Method=POST Target=/orders Minor=-1 Truncated"},
		{"cut before fields", "POST /orders HTTP/1.1\r\n", "Method=POST Target=/orders Truncated"},
		{"cut in a value", "GET / HTTP/1.1\nHost: a\nContent-Length: 10", "Method=GET Target=/ Host=a Truncated"},
		{"cut in the blank line", "GET / HTTP/1.1\nHost: a\n\r", "Method=GET Target=/ Host=a Truncated"},
	} {
		var r http1.Request
		if err := http1.ParseRequest([]byte(tt.in), &r); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := show(&r); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
		if !http1.IsRequest([]byte(tt.in)) && tt.in != "" {
			t.Errorf("%s: IsRequest = false", tt.name)
		}
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for _, tt := range []struct{ name, in string }{
		{"TLS client hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		{"HTTP/0.9", "GET /\r\n"},
		{"a response", "HTTP/1.1 200 OK\r\n\r\n"},
		{"Redis", "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"},
		{"Redis inline", "SET a b\r\n"},
		{"SMTP", "HELO mail.example\r\n"},
		{"MySQL", "\x4a\x00\x00\x00\x0a8.0.36\x00"},
		{"zeros", "\x00\x00\x00\x00"},
		{"too long a method", strings.Repeat("A", 33) + " / HTTP/1.1\r\n\r\n"},
		{"no method", " / HTTP/1.1\r\n\r\n"},
		{"no target", "GET  \r\n\r\n"},
		{"odd target", "GET ?x HTTP/1.1\r\n\r\n"},
		{"control in target", "GET /\x01 HTTP/1.1\r\n\r\n"},
		{"tab after method", "GET\t/ HTTP/1.1\r\n\r\n"},
		{"version in lower case", "GET / http/1.1\r\n\r\n"},
		{"no minor version", "GET / HTTP/1.\r\n\r\n"},
		{"long minor version", "GET / HTTP/1.111\r\n\r\n"},
		{"words behind the version", "GET / HTTP/1.1 x\r\n\r\n"},
	} {
		var r http1.Request
		if err := http1.ParseRequest([]byte(tt.in), &r); !errors.Is(err, http1.ErrNotHTTP) {
			t.Errorf("%s: err = %v, read %s", tt.name, err, show(&r))
		}
	}
}

func TestParseResponse(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{
			"whole", answerHead,
			"Status=502 Reason=Bad Gateway ContentLength=154 HeadLen=238 Server=APISIX/3.16.0 XRequestID=7c1e9a52-3f0b-4d4e UpstreamStatus=502",
		},
		{"no reason", "HTTP/1.1 200\r\n\r\n", "Status=200 Reason= HeadLen=16"},
		{"empty reason", "HTTP/1.1 200 \n\n", "Status=200 Reason= HeadLen=15"},
		{"substatus", "HTTP/1.1 401.1 No\n\n", "Status=401 Reason=.1 No HeadLen=19"},
		{"HTTP/1.0", "HTTP/1.0 304 Not Modified\n\n", "Status=304 Minor=0 Reason=Not Modified Close HeadLen=27"},
		{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "Status=100 Reason=Continue HeadLen=25"},
		{"switch", "HTTP/1.1 101 Switching\nUpgrade: websocket\nConnection: upgrade\n\n", "Status=101 Reason=Switching Upgrade HeadLen=63"},
		{"upgrade offered", "HTTP/1.1 200 OK\nUpgrade: h2c\nConnection: upgrade\n\n", "Status=200 Reason=OK HeadLen=50"},
		{"chunked, closing", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nConnection: close\n\n", "Status=200 Reason=OK Chunked Close HeadLen=62"},
		{"nothing", "", "Minor=-1 Truncated"},
		{"cut in version", "HTTP/1", "Minor=-1 Truncated"},
		{"cut in status", "HTTP/1.1 20", "Minor=-1 Truncated"},
		{"cut after status", "HTTP/1.1 200", "Minor=-1 Truncated"},
		{"cut in reason", "HTTP/1.1 200 O", "Minor=-1 Truncated"},
		{"cut in fields", "HTTP/1.1 200 OK\nServer: a\nContent-Length: 1", "Status=200 Reason=OK Truncated Server=a"},
	} {
		var r http1.Response
		if err := http1.ParseResponse([]byte(tt.in), &r); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := show(&r); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
		if !http1.IsResponse([]byte(tt.in)) && tt.in != "" {
			t.Errorf("%s: IsResponse = false", tt.name)
		}
	}
}

func TestParseResponseRefuses(t *testing.T) {
	for _, in := range []string{
		"\x16\x03\x03\x00\x7a", "\x00", "+PONG\r\n", "GET / HTTP/1.1\r\n", "HTTP/2.0 200 OK\r\n",
		"http/1.1 200 OK\r\n", "HTTP/1.1200 OK\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1 099 OK\r\n",
		"HTTP/1.1 2000 OK\r\n", "HTTP/1.1 \r\n", "HTTP/1.x 200 OK\r\n", "HTTP/1.# 200 OK\r\n", "\r\nHTTP/1.1 200 OK\r\n",
	} {
		var r http1.Response
		if err := http1.ParseResponse([]byte(in), &r); !errors.Is(err, http1.ErrNotHTTP) {
			t.Errorf("%q: err = %v, read %s", in, err, show(&r))
		}
	}
}

func TestHeaders(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"request", "\r\nGET / HTTP/1.1\r\nHost: a\r\nx-A:  b c \r\n\r\nbody: x\r\n", "Host=a|x-A=b c"},
		{"response", "HTTP/1.1 200 OK\nServer:\nA: b:c\n\n", "Server=|A=b:c"},
		{"cut", "GET / HTTP/1.1\r\nHost: a\r\nCookie: secr", "Host=a"},
		{"folded and broken", "GET / HTTP/1.1\nA: b\n c: d\nnonsense\n: x\nbad name: y\nE: f\n\n", "A=b|E=f"},
		{"no fields", "GET / HTTP/1.1\r\n\r\n", ""},
		{"no line end", "GET / HT", ""},
		{"empty", "", ""},
	} {
		var got []string
		for name, value := range http1.Headers([]byte(tt.in)) {
			got = append(got, string(name)+"="+string(value))
		}
		if s := strings.Join(got, "|"); s != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, s, tt.want)
		}
	}
	for range http1.Headers([]byte(browserHead)) {
		break // the iterator must heed it
	}
}

func TestHeader(t *testing.T) {
	head := []byte("GET / HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\nEmpty:\r\n\r\nLate: x\r\n")
	for _, tt := range []struct {
		name, want string
		found      bool
	}{
		{"X-A", "1", true}, {"x-a", "1", true}, {"X-a", "1", true}, {"empty", "", true},
		{"X\rA", "", false}, {"X", "", false}, {"Late", "", false}, {"", "", false},
	} {
		got, found := http1.Header(head, tt.name)
		if string(got) != tt.want || found != tt.found {
			t.Errorf("Header(%q) = %q, %v, want %q, %v", tt.name, got, found, tt.want, tt.found)
		}
	}
}

func TestIsRequestAndIsResponse(t *testing.T) {
	for _, tt := range []struct {
		in                string
		request, response bool
	}{
		{"", false, false},
		{"H", true, true}, // HEAD or HTTP/1.1
		{"HTTP/1.1 200", false, true},
		{"HTTP/2", false, false},
		{"GET /", true, false},
		{"G", true, false},
		{"\x16\x03\x01", false, false},
		{"*1\r\n$4\r\nPING\r\n", false, false},
		{"+OK\r\n", false, false},
		{"\x00\x00\x12\x04\x00", false, false},
	} {
		if got := http1.IsRequest([]byte(tt.in)); got != tt.request {
			t.Errorf("IsRequest(%q) = %v", tt.in, got)
		}
		if got := http1.IsResponse([]byte(tt.in)); got != tt.response {
			t.Errorf("IsResponse(%q) = %v", tt.in, got)
		}
	}
}
