package http1_test

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/http1"
)

// Where net/http reads a whole head, this package must read the same one.
func FuzzParseRequest(f *testing.F) {
	for _, s := range []string{
		browserHead, "", "G", "\x16\x03\x01", "GET http://a/b HTTP/1.1\nHost: c\n\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r http1.Request
		err := http1.ParseRequest(b, &r)
		checkCuts(t, b, err == nil, func(b []byte) error { return http1.ParseRequest(b, &http1.Request{}) })
		if err == nil {
			checkHead(t, b, r.HeadLen, r.Truncated)
			if len(b) > 0 && !http1.IsRequest(b) {
				t.Error("ParseRequest takes it, IsRequest does not")
			}
		}

		in := bytes.NewReader(b)
		rd := bufio.NewReader(in)
		std, stdErr := http.ReadRequest(rd)
		if stdErr != nil || std.ProtoMajor != 1 || folds(b) {
			return
		}
		if err != nil {
			if len(std.Method) > 32 {
				return
			}
			t.Fatalf("net/http reads %v, we say %v", std, err)
		}
		if r.Truncated {
			t.Fatal("net/http reads a whole head, we a cut one")
		}
		if got := len(b) - in.Len() - rd.Buffered(); got != r.HeadLen {
			t.Errorf("HeadLen = %d, net/http reads %d", r.HeadLen, got)
		}
		if string(r.Method) != std.Method || string(r.Target) != std.RequestURI || r.Minor != std.ProtoMinor {
			t.Errorf("line %q %q %d, net/http: %q %q %d", r.Method, r.Target, r.Minor, std.Method, std.RequestURI, std.ProtoMinor)
		}
		if std.Method != "CONNECT" && string(r.Host) != std.Host && !bytes.Contains(r.Target, []byte("//")) {
			t.Errorf("Host = %q, net/http: %q", r.Host, std.Host)
		}
		if r.ContentLength >= 0 && r.ContentLength != std.ContentLength {
			t.Errorf("ContentLength = %d, net/http: %d", r.ContentLength, std.ContentLength)
		}
		if chunked := len(std.TransferEncoding) > 0; r.Minor > 0 && chunked && !r.Chunked {
			t.Error("Chunked = false, net/http: true")
		}
		if got, _ := http1.Header(b, "X-Request-Id"); string(got) != std.Header.Get("X-Request-Id") {
			t.Errorf("X-Request-Id = %q, net/http: %q", got, std.Header.Get("X-Request-Id"))
		}
		n := 0
		for range http1.Headers(b) {
			n++
		}
		if total := fields(std.Header); n < total {
			t.Errorf("%d fields, net/http: %d", n, total)
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	for _, s := range []string{
		answerHead, "", "HTTP/1.", "HTTP/1.1 200\r\n\r\n", "HTTP/1.0 304 Not Modified\n\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r http1.Response
		err := http1.ParseResponse(b, &r)
		checkCuts(t, b, err == nil, func(b []byte) error { return http1.ParseResponse(b, &http1.Response{}) })
		if err == nil {
			checkHead(t, b, r.HeadLen, r.Truncated)
			if len(b) > 0 && !http1.IsResponse(b) {
				t.Error("ParseResponse takes it, IsResponse does not")
			}
		}

		std, stdErr := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
		if stdErr != nil || err != nil || std.ProtoMajor != 1 || folds(b) {
			return
		}
		if r.Truncated {
			t.Fatal("net/http reads a whole head, we a cut one")
		}
		if r.Status != std.StatusCode || r.Minor != std.ProtoMinor {
			t.Errorf("line %d %d, net/http: %d %d", r.Status, r.Minor, std.StatusCode, std.ProtoMinor)
		}
		if r.ContentLength > 0 && std.ContentLength > 0 && r.ContentLength != std.ContentLength {
			t.Errorf("ContentLength = %d, net/http: %d", r.ContentLength, std.ContentLength)
		}
		if got, want := string(r.Server), strings.Trim(std.Header.Get("Server"), "\r"); got != want {
			t.Errorf("Server = %q, net/http: %q", got, want)
		}
	})
}

// checkCuts proves that what can be read whole is never refused when cut.
func checkCuts(t *testing.T, b []byte, ok bool, parse func([]byte) error) {
	for i := range min(len(b), 64) {
		if err := parse(b[:i]); ok && err != nil {
			t.Fatalf("whole it is read, cut to %q: %v", b[:i], err)
		}
	}
}

func checkHead(t *testing.T, b []byte, headLen int, truncated bool) {
	if truncated != (headLen == 0) || headLen > len(b) {
		t.Errorf("HeadLen = %d of %d bytes, Truncated = %v", headLen, len(b), truncated)
	}
	if headLen > 0 && b[headLen-1] != '\n' {
		t.Errorf("the head ends in %q", b[:headLen])
	}
}

// folds reports whether b holds a folded line: net/http unfolds, nginx does not.
func folds(b []byte) bool {
	return bytes.Contains(b, []byte("\n ")) || bytes.Contains(b, []byte("\n\t"))
}

// fields counts h's fields but those with a space in the name, which net/http keeps.
func fields(h http.Header) (n int) {
	for name, values := range h {
		if !strings.Contains(name, " ") {
			n += len(values)
		}
	}
	return n
}
