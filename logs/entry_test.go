package logs_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

func filled(x *trace.Exchange, v logs.View) *logs.Entry {
	e := &logs.Entry{}
	e.Fill(x, &v)
	return e
}

func TestFill(t *testing.T) {
	e := filled(shopRequest(), logs.View{})
	want := logs.Fields{
		Time:  time.Date(2026, 11, 22, 12, 14, 45, 123e6, time.UTC),
		Start: time.Date(2026, 11, 22, 12, 14, 44, 813e6, time.UTC), Client: "10.0.0.9", ClientPort: 51234,
		Method: "POST", Scheme: "http", Host: "shop.example", Path: "/checkout", Query: "cart=7&api_key=***",
		URI: "/checkout?cart=7&api_key=***", Protocol: "1.1", Status: 502, Source: "upstream",
		RequestTime: 310 * time.Millisecond, GatewayTime: 10 * time.Millisecond, UpstreamTime: 300 * time.Millisecond,
		Upstream: "10.0.0.5:80", Upstreams: "10.0.0.4:80, 10.0.0.5:80", UpstreamStatus: 502, Attempts: 2,
		BytesSent: 300, BodySent: 100, RequestSize: 400, UserAgent: "curl/7.88.1",
		Route: "r7", RouteName: "checkout", Service: "s1", Consumer: "jack", Worker: 4132,
	}
	if e.Fields != want || !e.Read {
		t.Errorf("Fill has\n%+v, want\n%+v", e.Fields, want)
	}
	if got := e.Functions().Header("authorization"); got != logs.Hidden {
		t.Errorf("the secret is %q", got)
	}
}

func TestFillWithoutARequestObject(t *testing.T) {
	x := shopRequest()
	x.Logged, x.Start, x.Duration, x.Sent = nil, time.Unix(1e9, 0), 50*time.Millisecond, -1
	x.Client = netip.MustParseAddrPort("[::ffff:10.0.0.9]:51234")
	x.Attempts = []trace.Attempt{
		{PeerName: "10.0.0.4:80", Duration: 10 * time.Millisecond},
		{PeerName: "unix:/run/a.sock", Duration: -1, Status: 502},
	}
	e := filled(x, logs.View{Secrets: true})
	switch {
	case e.Read, e.RequestTime != x.Duration, e.UpstreamTime != 10*time.Millisecond, e.GatewayTime != 40*time.Millisecond,
		e.Client != "10.0.0.9", e.ClientPort != 51234, e.Upstreams != "10.0.0.4:80, unix:/run/a.sock", e.BytesSent != 0,
		e.URI != "/checkout?cart=7&api_key=sesame", !e.Time.Equal(x.Start.Add(x.Duration)):
		t.Errorf("Fill has %+v", e.Fields)
	}
}

func TestFillAllocatesNothing(t *testing.T) {
	x := shopRequest()
	x.Query, x.Logged.Line, x.Logged.Upstreams = "cart=7", "POST /checkout?cart=7 HTTP/1.1", x.Logged.Upstreams[:1]
	e, v := &logs.Entry{}, &logs.View{}
	if n := testing.AllocsPerRun(100, func() { e.Fill(x, v) }); n != 0 {
		t.Errorf("Fill allocates %v times", n)
	}
}

func TestURI(t *testing.T) {
	for line, want := range map[string]string{
		"GET /a HTTP/1.1":             "/a",
		"GET /a? HTTP/1.1":            "/a?",
		"GET /a?b=1 HTTP/1.1":         "/a?b=1",
		"GET http://h/a?b=1 HTTP/1.1": "/a?b=1",
		"GET / HTTP/1.1":              "/",
		"":                            "",
		"GET /a?x=/a?b HTTP/1.1":      "/a?x=/a?b",
		"POST /checkout HTTP/1.1":     "/checkout",
		"OPTIONS * HTTP/1.1":          "*",
		"GET /HTTP?HTTP HTTP/1.1":     "/HTTP?HTTP",
	} {
		x := shopRequest()
		x.Logged.Line = line
		_, target, _ := strings.Cut(line, " ")
		target, _, _ = strings.Cut(strings.TrimPrefix(target, "http://h"), " ")
		x.Path, x.Query, _ = strings.Cut(target, "?")
		if e := filled(x, logs.View{}); e.URI != want {
			t.Errorf("%q has the uri %q, want %q", line, e.URI, want)
		}
	}
}

func TestUpstreams(t *testing.T) {
	a, b, none := trace.UpstreamState{Peer: "a"}, trace.UpstreamState{Peer: "b"}, trace.UpstreamState{}
	led := trace.UpstreamState{Peer: "b", Redirected: true}
	for _, tt := range []struct {
		all  []trace.UpstreamState
		want string
	}{
		{nil, ""},
		{[]trace.UpstreamState{a}, "a"},
		{[]trace.UpstreamState{none}, ""},
		{[]trace.UpstreamState{a, b}, "a, b"},
		{[]trace.UpstreamState{a, led}, "a : b"},
		{[]trace.UpstreamState{a, none, b}, "a : b"}, // as nginx keeps it
		{[]trace.UpstreamState{a, none, led, a}, "a : b, a"},
		{[]trace.UpstreamState{a, none}, "a : "},
		{[]trace.UpstreamState{a, none, none, b}, "a : , b"},
	} {
		x := shopRequest()
		x.Logged.Upstreams = tt.all
		if got := filled(x, logs.View{}).Upstreams; got != tt.want {
			t.Errorf("%+v is %q, want %q", tt.all, got, tt.want)
		}
	}
}

func TestGaveUp(t *testing.T) {
	for name, tt := range map[string]struct {
		change       func(*trace.Exchange)
		want, reason string
	}{
		"a plain answer": {func(x *trace.Exchange) {}, "", ""},
		"499":            {func(x *trace.Exchange) { x.Status, x.Logged.Status = 0, 499 }, logs.ByClient, "the client went away while the gateway worked"},
		"its reason is kept": {func(x *trace.Exchange) {
			x.Status, x.Logged.Status, x.ErrType, x.Reason = 499, 499, trace.ErrClientGone, "the client reset its connection"
		}, logs.ByClient, "the client reset its connection"},
		"the response was cut": {func(x *trace.Exchange) { x.Logged.Status, x.Logged.ClientFailed = 200, true }, logs.ByClient,
			"the client's connection failed before it had all of the response"},
		"a slow client": {func(x *trace.Exchange) {
			x.Logged.Status, x.Logged.ClientTimedOut, x.Logged.ClientFailed = 408, true, true
		}, logs.ByGateway,
			"the client was too slow, so nginx gave up (client_body_timeout, send_timeout)"},
		"an aborted upload": {func(x *trace.Exchange) {
			x.Logged.Status, x.Logged.ClientFailed = 400, true
			x.Headers.Request.Fields = append(x.Headers.Request.Fields, trace.Field{Name: "Content-Length", Value: "100000"})
		}, logs.ByClient, "the client went away in the middle of its upload: of 100000 bytes not all had come"},
		"no head": {func(x *trace.Exchange) { x.Status, x.Logged.Status = 0, 0 }, "", "the client got no response"},
		"no head, the client's doing": {func(x *trace.Exchange) { x.Status, x.Logged.Status, x.Logged.ClientFailed = 0, 0, true }, logs.ByClient,
			"the client went away before the gateway answered"},
		"the node refused":   {func(x *trace.Exchange) { x.ErrType, x.Reason = trace.ErrRefused, "r" }, logs.ByUpstream, "r"},
		"the node timed out": {func(x *trace.Exchange) { x.ErrType, x.Reason = trace.ErrTimeout, "r" }, logs.ByGateway, "r"},
		"the worker died":    {func(x *trace.Exchange) { x.ErrType, x.Reason = trace.ErrGatewayDied, "r" }, logs.ByGateway, "r"},
	} {
		x := shopRequest()
		tt.change(x)
		if e := filled(x, logs.View{}); e.GaveUp != tt.want || e.Reason != tt.reason {
			t.Errorf("%s: given up by %q: %q, want %q: %q", name, e.GaveUp, e.Reason, tt.want, tt.reason)
		}
	}
}

func TestSelection(t *testing.T) {
	v := &logs.View{}
	h := &shopRequest().Headers.Request
	shown := func() (all []string) {
		for name, value := range v.Shown(h) {
			all = append(all, name+": "+value)
		}
		return all
	}
	if got := shown(); got != nil || v.Headers.Any() {
		t.Errorf("nothing was selected, shown are %q", got)
	}
	if err := v.Headers.Add("x-tenant,AUTHORIZATION"); err != nil {
		t.Fatal(err)
	}
	if got, want := shown(), []string{"X-Tenant: acme", "X-Tenant: b", "Authorization: ***"}; !slices.Equal(got, want) {
		t.Errorf("shown are %q, want %q", got, want)
	}
	if err := v.Headers.Add("all"); err != nil || len(shown()) != 4 {
		t.Errorf("of all, shown are %q: %v", shown(), err)
	}
	for _, bad := range []string{"", "a,", "a b", "a:", "ä"} {
		if err := v.Headers.Add(bad); err == nil {
			t.Errorf("Add(%q) is no error", bad)
		}
	}
}

func TestBody(t *testing.T) {
	for _, tt := range []struct {
		body        logs.Body
		text        string
		isText      bool
		description string
	}{
		{logs.Body{First: []byte("{\n\t\"a\": 1}"), Size: 9}, "{\n\t\"a\": 1}", true, "9 bytes"},
		{logs.Body{First: []byte("gr\xc3\xbc\xc3"), Size: 90}, "grü", true, "the first 5 of 90 bytes"},
		{logs.Body{First: []byte("日\xe6\x97"), Size: -1}, "日", true, "the first 5 bytes"},
		{logs.Body{First: []byte("\x1b[31m"), Size: 5}, "", false, "5 bytes"},
		{logs.Body{First: []byte("a\xff\xffb"), Size: 4}, "", false, "4 bytes"},
		{logs.Body{First: []byte("\x1f\x8b"), Size: 1234, Encoding: "gzip"}, "", false, "gzip, the first 2 of 1234 bytes"},
		{logs.Body{Size: 0, Encoding: "identity"}, "", true, "identity, 0 bytes"},
		{logs.Body{First: []byte("\xc3"), Size: 9}, "", true, "the first 1 of 9 bytes"},
	} {
		text, ok := tt.body.Text()
		if ok != tt.isText || ok && text != tt.text {
			t.Errorf("%+v is the text %q, %t, want %q, %t", tt.body, text, ok, tt.text, tt.isText)
		}
		if got := tt.body.Describe(); got != tt.description {
			t.Errorf("%+v is described as %q, want %q", tt.body, got, tt.description)
		}
	}
}

func TestEveryFieldIsDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range append(logs.FieldList(), logs.FunctionList()...) {
		if f.Name == "" || f.Doc == "" || seen[f.Name] || !strings.Contains(logs.Names(), f.Name) {
			t.Errorf("%+v is not described, or is there twice", f)
		}
		seen[f.Name] = true
	}
}
