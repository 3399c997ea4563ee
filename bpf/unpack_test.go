package bpf

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

func TestLuaValue(t *testing.T) {
	str := func(n uint32, s string) string {
		return string(binary.LittleEndian.AppendUint32(nil, n)) + s
	}
	number := func(bits uint64) string {
		return str(luaNumber, string(binary.LittleEndian.AppendUint64(nil, bits)))
	}
	for _, tt := range []struct{ name, raw, want, rest string }{
		{"a string", str(3, "abcdef"), "abc", "def"},
		{"an empty string", str(0, "def"), "", "def"},
		{"a string with less than it says", str(9, "abc"), "abc", ""},
		{"a string of more than there is room for", str(1000, strings.Repeat("x", idMax)+"y"), strings.Repeat("x", idMax), "y"},
		{"a double", number(math.Float64bits(80)) + "y", "80", "y"},
		{"a fraction", number(math.Float64bits(0.5)), "0.5", ""},
		{"a large double", number(math.Float64bits(1 << 53)), "9007199254740992", ""},
		{"an integer", number(luaInt<<47 | 4711), "4711", ""},
		{"a negative integer", number(luaInt<<47 | 0xffffffff), "-1", ""},
		{"no number", str(luaNumber, "abc"), "", ""},
		{"no length", "ab", "", ""},
		{"nothing", "", "", ""},
	} {
		rest := texts(tt.raw)
		if got := rest.luaValue(idMax); got != tt.want || string(rest) != tt.rest {
			t.Errorf("%s: %q and %q are left, want %q and %q", tt.name, got, rest, tt.want, tt.rest)
		}
	}
}

// TestLoggedStatus follows ngx_http_free_request and ngx_http_log_status.
func TestLoggedStatus(t *testing.T) {
	for _, tt := range []struct {
		name         string
		status       uint32
		rc           int64
		sent, failed uint64
		version      uint64
		want         int
	}{
		{"an answer", 200, 0, 100, 0, 1001, 200},
		{"an answer whose client has gone", 200, 499, 100, 0, 1001, 200},
		{"no answer, the client has gone", 0, 499, 0, 0, 1001, 499},
		{"a head that was made but not sent", 502, 499, 0, 0, 1001, 499},
		{"an error page", 200, 0, 100, 494, 1001, 494},
		{"a code of nginx's own", 0, -1, 0, 0, 1001, 0},
		{"HTTP/0.9", 0, 0, 10, 0, 9, 9},
		{"nothing", 0, 0, 0, 0, 1001, 0},
	} {
		r := &traceRequestEvent{Status: tt.status, HttpVersion: tt.version}
		r.Logged.Rc, r.Logged.Sent, r.Logged.ErrStatus = tt.rc, tt.sent, tt.failed
		if got := loggedStatus(r); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestBasicUser(t *testing.T) {
	coded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	long := "Basic " + coded("ann:" + strings.Repeat("x", 600))[:501]
	if got := basicUser(long, true); got != "ann" {
		t.Errorf("of what was cut: %q", got)
	}
	for header, want := range map[string]string{
		"Basic " + coded("ann:secret"):      "ann",
		"basic  " + coded("ann:"):           "ann",
		"BASIC " + coded("a:b:c"):           "a",
		"Basic " + coded("ann"):             "",
		long:                                "", // no base64, as nginx has it
		"Basic " + coded("ann:s") + "junk!": "ann",
		"Basic !" + coded("ann:secret"):     "",
		"Basic YW5uOnNl!Y3JldA==":           "",
		"Basic " + coded(":secret"):         "",
		"Basic":                             "",
		"Basic ":                            "",
		"Basic !!!":                         "",
		"Bearer YTpi":                       "",
		"":                                  "",
	} {
		if got := basicUser(header, false); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}
