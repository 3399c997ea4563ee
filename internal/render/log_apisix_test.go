package render_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/render"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// recordedLines are of the access log of an APISIX 3.16.0; the last ones are of a 3.15.
var recordedLines = []string{
	`127.0.0.1 - - [22/Nov/2026:10:40:08 +0000] 127.0.0.1:9080 "GET /x HTTP/1.1" 404 47 0.000 "-" "curl/7.88.1" - - - "http://127.0.0.1:9080" "4724e56d4e7a12b005a8007b703e6536"`,
	`127.0.0.1 - - [22/Nov/2026:10:42:34 +0000] many.deepflow.demo "GET /shop/full-test?order=42&n=1 HTTP/1.1" 200 252 0.009 "-" "rig/1.0" 127.0.0.1:18091 200 0.009 "http://many.deepflow.demo/shop/full-test?order=42&n=1" "02f073eb-7ea3-4c0d-afd4-d688bccbd051"`,
	`127.0.0.1 - - [22/Nov/2026:10:43:58 +0000] 127.0.0.1:9180 "TRACE /apisix/admin/routes HTTP/1.1" 405 229 0.000 "-" "rig/1.0" - - - "://" ""`,
	`127.0.0.1 - - [22/Nov/2026:10:44:43 +0000] dead.deepflow.demo "GET /x HTTP/1.1" 502 229 0.002 "-" "rig/1.0" 127.0.0.1:1, 127.0.0.1:2 502, 502 0.001, 0.000 "http://dead.deepflow.demo" "8c9c19d8-3cf0-4a81-ae89-4bdc1cc7289e"`,
	`10.0.0.7 - jack [01/Jan/2026:00:00:00 -0330] - "\x16\x03\x01\x22\x5C" 000 0 61.003 "-" "-" 10.0.0.4:80 : 10.0.0.5:80 - : 499 - : 2.000 "://" ""`,
}

var apisixLine = regexp.MustCompile(`^(\S+) - (\S+) \[([^]]+)\] (\S+) "([^"]*)" (\d+) (\d+) (\S+) "([^"]*)" "([^"]*)" (.*?) "([^":]*)://([^"/]*)(/[^"]*)?" "([^"]*)"$`)

// parseLine reads a line of the access log back.
func parseLine(t *testing.T, line string) *trace.Logged {
	m := apisixLine.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("it is no line of the access log: %s", line)
	}
	plain := func(s string) string {
		if s == "-" {
			return ""
		}
		return unescaped(t, s)
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	seconds := func(s string) time.Duration {
		if s == "-" {
			return -1
		}
		return time.Duration(number(strings.Replace(s, ".", "", 1))) * ms
	}
	at, err := time.Parse("02/Jan/2006:15:04:05 -0700", m[3])
	if err != nil {
		t.Fatal(err)
	}
	l := &trace.Logged{
		RemoteAddr: m[1], RemoteUser: plain(m[2]), Time: at, HTTPHost: plain(m[4]), Line: plain(m[5]), Status: number(m[6]),
		BodySent: int64(number(m[7])), RequestTime: seconds(m[8]), Referer: plain(m[9]), UserAgent: plain(m[10]),
		UpstreamScheme: m[12], UpstreamHost: m[13], UpstreamURI: m[14], RequestID: m[15],
	}
	words := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(m[11], ", ", ","), " : ", ":,"))
	if words[0] == "-" {
		return l
	}
	addresses, statuses, times := strings.Split(words[0], ","), strings.Split(words[1], ","), strings.Split(words[2], ",")
	for i, a := range addresses {
		s := trace.UpstreamState{Peer: strings.TrimSuffix(a, ":"), Response: seconds(strings.TrimSuffix(times[i], ":"))}
		if word := strings.TrimSuffix(statuses[i], ":"); word != "-" {
			s.Status = number(word)
		}
		s.Redirected = i > 0 && strings.HasSuffix(addresses[i-1], ":")
		l.Upstreams = append(l.Upstreams, s)
	}
	return l
}

func TestAPISIXLinesAreThoseOfTheGateway(t *testing.T) {
	for _, line := range recordedLines {
		x := &trace.Exchange{Logged: parseLine(t, line)}
		if got := logLines(t, "apisix", render.LogOptions{}, x); got != line+"\n" {
			t.Errorf("written is\n%swant\n%s", got, line)
		}
	}
}

// What is there and empty is not what is not there; and a record without a peer is between
// two upstreams, or of a balancer that failed.
func TestAPISIXTellsNothingFromAbsence(t *testing.T) {
	failed, tried := trace.UpstreamState{Status: 500}, trace.UpstreamState{Peer: "10.0.0.4:80", Status: 502, Response: ms}
	between := trace.UpstreamState{Response: 0}
	next := tried
	next.Redirected = true
	for _, tt := range []struct {
		l    trace.Logged
		want string
	}{
		{trace.Logged{EmptyHost: true}, `]  "-" 000 0 0.000 "-" "-" - - - "`},
		{trace.Logged{EmptyReferer: true, EmptyUserAgent: true}, `] - "-" 000 0 0.000 "" "" - - - "`},
		{trace.Logged{Upstreams: []trace.UpstreamState{failed}}, `"-" "-"  500 0.000 "`},
		{trace.Logged{Upstreams: []trace.UpstreamState{tried, failed}}, `"-" "-" 10.0.0.4:80 :  502 :  0.001 :  "`},
		{trace.Logged{Upstreams: []trace.UpstreamState{tried, between, next}}, `"-" "-" 10.0.0.4:80 : 10.0.0.4:80 502 : 502 0.001 : 0.001 "`},
		{trace.Logged{Upstreams: []trace.UpstreamState{tried, between, failed}}, `"-" "-" 10.0.0.4:80 :  502 : 500 0.001 : 0.000 "`},
	} {
		if got := logLines(t, "apisix", render.LogOptions{}, &trace.Exchange{Logged: &tt.l}); !strings.Contains(got, tt.want) {
			t.Errorf("%+v is written as %s, want %s", tt.l, got, tt.want)
		}
	}
}

func TestAPISIXKnowsWhetherIDsAreLogged(t *testing.T) {
	with, without, neither := logged(), logged(), loggedNonsense()
	without.Logged.RequestID = ""
	for _, tt := range []struct {
		all  []*trace.Exchange
		want string // whether each line has one
	}{
		{[]*trace.Exchange{neither, with, neither, without}, "yyyy"}, // a plugin may empty it
		{[]*trace.Exchange{without, neither}, "nn"},
		{[]*trace.Exchange{without, with}, "ny"},
	} {
		got := ""
		for line := range strings.Lines(logLines(t, "apisix", render.LogOptions{}, tt.all...)) {
			word := "n"
			if regexp.MustCompile(`"[^"]*://[^"]*" "[^"]*"\n$`).MatchString(line) {
				word = "y"
			}
			got += word
		}
		if got != tt.want {
			t.Errorf("lines with an id: %s, want %s", got, tt.want)
		}
	}
}

// escapeTable is that of ngx_http_log_escape (src/http/modules/ngx_http_log_module.c).
var escapeTable = [8]uint32{
	0xffffffff, 0x00000004, 0x10000000, 0x80000000, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
}

func TestEscapingIsThatOfNginx(t *testing.T) {
	for c := range 256 {
		want := string([]byte{byte(c)})
		if escapeTable[c>>5]&(1<<(c&0x1f)) != 0 {
			want = `\x` + strings.ToUpper(strconv.FormatInt(0x100+int64(c), 16)[1:])
		}
		x := &trace.Exchange{Logged: &trace.Logged{UserAgent: string([]byte{byte(c)})}}
		if got := logLines(t, "apisix", render.LogOptions{}, x); !strings.Contains(got, ` "-" "`+want+`" - - - "`) {
			t.Errorf("%#x is written as %s", c, got)
		}
	}
}

// unescaped undoes nginx's escaping.
func unescaped(t *testing.T, s string) string {
	t.Helper()
	return regexp.MustCompile(`\\x[0-9A-F]{2}`).ReplaceAllStringFunc(s, func(x string) string {
		n, err := strconv.ParseUint(x[2:], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		return string([]byte{byte(n)})
	})
}

func FuzzEscaping(f *testing.F) {
	for _, s := range []string{"-", "curl/7", "\"\\\x00\x1f\x7f\xff", `\x41`, "ü\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x := &trace.Exchange{Logged: &trace.Logged{UserAgent: s, Referer: "r"}}
		out := logLines(t, "apisix", render.LogOptions{View: logs.View{Secrets: true}}, x)
		_, rest, _ := strings.Cut(out, ` "r" "`)
		written, _, ok := strings.Cut(rest, `"`)
		for _, c := range []byte(written) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q is written as %q", s, written)
			}
		}
		if back := unescaped(t, written); !ok || back != s && !(s == "" && written == "-") {
			t.Errorf("%q comes back as %q from %s", s, back, out)
		}
	})
}

// BenchmarkLogs shows what a line costs.
func BenchmarkLogs(b *testing.B) {
	for _, format := range logFormats() {
		name, _, _ := strings.Cut(format, "=")
		b.Run(name, func(b *testing.B) {
			o := render.LogOptions{Options: render.Options{Width: 120}}
			if format == "json" || format == "har" {
				o.View.Headers = allHeaders()
			}
			sink, err := render.Logs(format, discard{}, o)
			if err != nil {
				b.Fatal(err)
			}
			x := logged()
			b.ReportAllocs()
			for b.Loop() {
				if err := sink.Show(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
