package render

import (
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/logs"
)

func TestLogBodies(t *testing.T) {
	for _, tt := range []struct {
		body       logs.Body
		text, json string
	}{
		{logs.Body{}, "", ""},
		{
			logs.Body{Seen: true, First: []byte("a\tb\r\n\u202ec"), Size: 7},
			"  request body  7 bytes\n           a    b\n           \\u{202e}c\n", `"body":"a\u0009b\u000d\u000a\u202ec","body_size":7,`,
		},
		{
			logs.Body{Seen: true, First: []byte("\x1f\x8b\x08\x00 0123456789abcdef"), Size: 1234, Encoding: "gzip"},
			"  request body  gzip, the first 21 of 1234 bytes\n" +
				"           0000  1f 8b 08 00 20 30 31 32  33 34 35 36 37 38 39 61  |.... 0123456789a|\n" +
				"           0010  62 63 64 65 66                                    |bcdef|\n",
			`"body_hex":"1f8b08002030313233343536373839616263646566","body_encoding":"gzip","body_size":1234,`,
		},
		{logs.Body{Seen: true, Size: -1}, "  request body  the first 0 bytes\n", `"body":"",`},
	} {
		p := &page{width: 1 << 16}
		logBody(p, "request", &tt.body)
		if got := string(p.buf); got != tt.text {
			t.Errorf("%+v is shown as\n%swant\n%s", tt.body, got, tt.text)
		}
		if got := string(bodyFields(nil, &tt.body)); got != tt.json {
			t.Errorf("%+v is the JSON %s, want %s", tt.body, got, tt.json)
		}
		if har := string((&logHAR{}).body(nil, &tt.body)); tt.body.Encoding != "" && !strings.Contains(har, `"encoding":"base64","comment":"gzip, the first`) {
			t.Errorf("%+v is in HAR %s", tt.body, har)
		}
	}
}
