package bpf

import (
	"testing"

	"github.com/apisixscope/apisixscope/trace"
)

func TestParseHead(t *testing.T) {
	for _, tt := range []struct {
		name, data  string
		fields, cut int
		seen        bool
	}{
		{"a head", "GET /a HTTP/1.1\r\nHost: a\r\nX: \r\n\r\nbody: none\r\n", 2, 0, true},
		{"a head without fields", "GET / HTTP/1.0\r\n\r\n", 0, 0, true},
		{"cut in a field", "GET / HTTP/1.1\r\nHost: a\r\nX: 1", 1, 1, true},
		{"cut in the request line", "GET /aaaa", 0, 0, false},
		{"a body", "name: value\r\nother: 1\r\n\r\n", 0, 0, false},
		{"a frame of HTTP/2", "\x00\x00\x05\x00\x01\x00\x00\x00\x01", 0, 0, false},
		{"nothing", "", 0, 0, false},
	} {
		head := trace.Head{Seen: true}
		parseHead(&head, []byte(tt.data))
		if len(head.Fields) != tt.fields || head.Cut != tt.cut || head.Seen != tt.seen || head.Seen == (head.Note != "") {
			t.Errorf("%s: %+v", tt.name, head)
		}
	}
}
