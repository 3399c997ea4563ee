package logs

import (
	"strings"
	"testing"
)

func TestBodyOf(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct {
		name, message string
		seen          bool
		first         string
		size          int64
		encoding      string
	}{
		{"a length", ok + "Content-Length: 5\r\n\r\nhello", true, "hello", 5, ""},
		{"a length of more than is there", ok + "content-length:99\r\n\r\nhello", true, "hello", 99, ""},
		{"more than its length", ok + "Content-Length: 2\r\n\r\nhello", true, "he", 2, ""},
		{"until the connection ends", ok + "\r\nhello", true, "hello", -1, ""},
		{"in another piece", ok + "Content-Length: 5\r\n\r\n", true, "", 5, ""},
		{"compressed", ok + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08", true, "\x1f\x8b\x08", 3, "gzip"},
		{"in chunks", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", true, "hello", 5, ""},
		{"in chunks that are cut", ok + "Transfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n9\r\nlo", true, "hello", -1, ""},
		{"in chunks that are cut in a size", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n1", true, "hel", -1, ""},
		{"in chunks that are none", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", false, "", 0, ""},
		{"more than was asked for", ok + "\r\n" + strings.Repeat("x", 100), true, strings.Repeat("x", 64), -1, ""},
		{"none", ok + "Content-Length: 0\r\n\r\n", false, "", 0, ""},
		{"a head that is cut", ok + "Content-Length: 5\r\n", false, "", 0, ""},
		{"TLS", "\x17\x03\x03\x00\x10\r\n\r\nabc", false, "", 0, ""},
		{"nothing", "", false, "", 0, ""},
	} {
		b := bodyOf([]byte(tt.message), "HTTP/1.", 64)
		if b.Seen != tt.seen || string(b.First) != tt.first || b.Seen && b.Size != tt.size || b.Encoding != tt.encoding {
			t.Errorf("%s: %t %q, %d bytes, %q", tt.name, b.Seen, b.First, b.Size, b.Encoding)
		}
	}
	if b := bodyOf([]byte("POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"), " HTTP/1.", 64); string(b.First) != "hi" {
		t.Errorf("of a request: %+v", b)
	}
}

func FuzzUnchunk(f *testing.F) {
	f.Add([]byte("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"))
	f.Add([]byte("ffffffff\r\nx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if body, size := unchunk(b); len(body) > len(b) || size > int64(len(b)) {
			t.Errorf("%q has %d bytes, says %d", b, len(body), size)
		}
	})
}
