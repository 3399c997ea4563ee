package trace_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/trace"
)

// shownOf is the one exchange that a request makes by itself.
func shownOf(t *testing.T, r trace.Request) *trace.Exchange {
	t.Helper()
	s := newStory(t, true)
	s.ends(nil, r)
	s.end()
	if len(s.shown) != 1 {
		t.Fatalf("%d are shown", len(s.shown))
	}
	return &s.shown[0]
}

func TestRequestLine(t *testing.T) {
	for _, tt := range []struct{ line, method, path, query string }{
		{"GET / HTTP/1.1", "GET", "/", ""},
		{"GET /a?b=c HTTP/1.1", "GET", "/a", "b=c"},
		{"GET /a?b=c?d HTTP/1.1", "GET", "/a", "b=c?d"},
		{"GET /a b HTTP/1.1", "GET", "/a b", ""},
		{"GET /a", "GET", "/a", ""},
		{"GET /a/very/long/line/that/is/c", "GET", "/a/very/long/line/that/is/c", ""},
		{"GET http://shop.example/a?b HTTP/1.1", "GET", "/a", "b"},
		{"GET http://shop.example HTTP/1.1", "GET", "/", ""},
		{"GET /http://shop.example/a HTTP/1.1", "GET", "/http://shop.example/a", ""},
		{"OPTIONS * HTTP/1.1", "OPTIONS", "*", ""},
		{"CONNECT shop.example:443 HTTP/1.1", "CONNECT", "shop.example:443", ""},
		{"POST /a HTTP/2.0", "POST", "/a", ""},
		{"rubbish", "", "rubbish", ""},
		{" ", "", "", ""},
		{"", "", "", ""},
	} {
		x := shownOf(t, trace.Request{Line: tt.line, Status: 200})
		if x.Method != tt.method || x.Path != tt.path || x.Query != tt.query {
			t.Errorf("%q is %q %q %q", tt.line, x.Method, x.Path, x.Query)
		}
	}
}

func TestProtocol(t *testing.T) {
	for version, want := range map[int]string{9: "0.9", 1000: "1.0", 1001: "1.1", 2000: "2", 3000: "3", 1234: ""} {
		if x := shownOf(t, trace.Request{Version: version, Status: 200}); x.Protocol != want {
			t.Errorf("version %d is %q", version, x.Protocol)
		}
	}
}

func TestTraceParent(t *testing.T) {
	const id, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	seen := map[trace.TraceID]bool{}
	for header, kept := range map[string]bool{
		"00-" + id + "-" + parent + "-01":                      true,
		"00-" + id + "-" + parent + "-00":                      true,
		"01-" + id + "-" + parent + "-01-more":                 true, // of a version to come
		"00-" + id + "-" + parent + "-01-more":                 false,
		"ff-" + id + "-" + parent + "-01":                      false,
		"00-" + strings.ToUpper(id) + "-" + parent + "-01":     false,
		"00-" + strings.Repeat("0", 32) + "-" + parent + "-01": false,
		"00-" + id + "-" + strings.Repeat("0", 16) + "-01":     false,
		"00-" + id + "-" + parent:                              false,
		"00-" + id + "-" + parent + "_01":                      false,
		"00-" + id[1:] + "g-" + parent + "-01":                 false,
		"zz-" + id + "-" + parent + "-01":                      false,
		"00-" + id + "-" + parent + "-zz":                      false,
		"01-" + id + "-" + parent + "-01more":                  false,
		"":                                                     false,
		"-":                                                    false,
	} {
		x := shownOf(t, trace.Request{TraceParent: header, Status: 200})
		if got := hex.EncodeToString(x.TraceID[:]) == id && hex.EncodeToString(x.Parent[:]) == parent; got != kept {
			t.Errorf("%q is kept: %v", header, got)
		}
		if !kept && (x.Parent != trace.SpanID{} || seen[x.TraceID]) {
			t.Errorf("%q: trace %x below %x", header, x.TraceID, x.Parent)
		}
		seen[x.TraceID] = true
	}
}

func TestHostWithoutPort(t *testing.T) {
	for host, want := range map[string]string{
		"Shop.Example": "shop.example", "shop.example:8080": "shop.example", "[FD00::1]:80": "[fd00::1]", "[fd00::1]": "[fd00::1]",
	} {
		s := newStory(t, false)
		c := s.accepts(aClient)
		c.reads(lines("GET / HTTP/1.1", "Host: "+host))
		c.writes(ok)
		s.end()
		if len(s.shown) != 1 || s.shown[0].Host != want {
			t.Errorf("%q: %q", host, s.shown[0].Host)
		}
	}
}

// TestRequestsThatCannotBeSeenWhole says what is missing.
// TestAttemptsThatWereNotCopied are told of, unless their sockets were seen.
func TestAttemptsThatWereNotCopied(t *testing.T) {
	var six []trace.UpstreamState
	for range 6 {
		six = append(six, state(node1, 502, -1, -1, 1))
	}
	x := shownOf(t, trace.Request{Status: 502, Attempts: six, AttemptsLen: 8})
	if len(x.Attempts) != 6 || !slices.ContainsFunc(x.Incomplete, func(s string) bool { return strings.Contains(s, "2 of 8") }) {
		t.Errorf("%d attempts, incomplete: %q", len(x.Attempts), x.Incomplete)
	}
}

func TestRequestsThatCannotBeSeenWhole(t *testing.T) {
	s := newStory(t, true)
	c := s.accepts(aClient)
	s.ends(c, trace.Request{Line: "GET / HTTP/1.1", Status: 200, ConnectionRequest: 1})
	s.ends(c, trace.Request{Line: "GET / HTTP/1.1", Status: 200, ConnectionRequest: 7})
	s.ends(nil, trace.Request{Line: "GET / HTTP/1.1", Status: 200, LineLen: 900})
	s.end()
	for i, want := range []string{"before the window", "together with the one before it", "900 bytes long"} {
		if all := strings.Join(s.shown[i].Incomplete, "; "); !strings.Contains(all, want) {
			t.Errorf("%d: %s", i, all)
		}
	}
}
