package trace_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

// asked is a request that was tried at two nodes.
func asked() *trace.Exchange {
	return &trace.Exchange{
		Host: "shop.example", Path: "/orders/17/lines", Method: "POST", Status: 502, Duration: 120 * time.Millisecond,
		Client: netip.MustParseAddrPort("[::ffff:10.1.2.3]:51234"),
		Attempts: []trace.Attempt{
			{Peer: netip.MustParseAddrPort("10.0.0.4:80")},
			{Peer: netip.MustParseAddrPort("[fd00::5]:8080")},
		},
	}
}

type condition struct {
	flag  string
	words string
}

func (c condition) addTo(f *trace.Filter) error {
	return map[string]func(string) error{
		"--host": f.AddHost, "--path": f.AddPath, "--method": f.AddMethod, "--status": f.AddStatus,
		"--client": f.AddClient, "--upstream": f.AddUpstream,
		"--route": f.AddRoute, "--service": f.AddService, "--consumer": f.AddConsumer,
	}[c.flag](c.words)
}

func TestFilterConditions(t *testing.T) {
	for _, tt := range []struct {
		condition
		keeps bool
	}{
		{condition{"--host", "shop.example"}, true},
		{condition{"--host", "SHOP.Example:8080"}, true},
		{condition{"--host", "other.example, shop.example"}, true},
		{condition{"--host", "*.example"}, true},
		{condition{"--host", "*.shop.example"}, false},
		{condition{"--host", "hop.example"}, false},
		{condition{"--host", "[fd00::1]:80"}, false},
		{condition{"--path", "/orders/17/lines"}, true},
		{condition{"--path", "/orders/*"}, true},
		{condition{"--path", "*lines"}, true},
		{condition{"--path", "/orders/??/lines"}, true},
		{condition{"--path", "/o*s/1*s"}, true},
		{condition{"--path", "/orders/17/lines**"}, true},
		{condition{"--path", "/orders/?/lines"}, false},
		{condition{"--path", "/orders"}, false},
		{condition{"--path", "/Orders/*"}, false},
		{condition{"--method", "post"}, true},
		{condition{"--method", "GET,POST"}, true},
		{condition{"--method", "GET"}, false},
		{condition{"--status", "502"}, true},
		{condition{"--status", "5XX,404"}, true},
		{condition{"--status", "500-504"}, true},
		{condition{"--status", "4xx"}, false},
		{condition{"--status", "none"}, false},
		{condition{"--client", "10.1.2.3"}, true},
		{condition{"--client", "10.0.0.0/8"}, true},
		{condition{"--client", "10.1.2.4"}, false},
		{condition{"--client", "fd00::/8"}, false},
		{condition{"--upstream", "10.0.0.4"}, true},
		{condition{"--upstream", "10.0.0.4:80"}, true},
		{condition{"--upstream", "fd00::5"}, true},
		{condition{"--upstream", "[fd00::5]:8080"}, true},
		{condition{"--upstream", ":8080"}, true},
		{condition{"--upstream", "10.0.0.4:8080"}, false},
		{condition{"--upstream", "10.0.0.5"}, false},
	} {
		var f trace.Filter
		if err := tt.addTo(&f); err != nil {
			t.Errorf("%s %s: %v", tt.flag, tt.words, err)
			continue
		}
		want := tt.flag
		if tt.keeps {
			want = ""
		}
		if got := f.Keep(asked()); got != want {
			t.Errorf("%s %s: Keep = %q, want %q", tt.flag, tt.words, got, want)
		}
	}
}

func TestFilterWithoutConditionsKeepsAll(t *testing.T) {
	var f trace.Filter
	if got := f.Keep(&trace.Exchange{}); got != "" {
		t.Errorf("Keep of an empty exchange = %q", got)
	}
}

func TestFilterRemovesWhatWasNotSeen(t *testing.T) {
	// An exchange of which little is known fails each condition on the unknown, and no other.
	for _, c := range []condition{{"--host", "a.b"}, {"--path", "/"}, {"--client", "0.0.0.0/0"}, {"--upstream", ":80"}} {
		var f trace.Filter
		if err := c.addTo(&f); err != nil {
			t.Fatal(err)
		}
		if got := f.Keep(&trace.Exchange{}); got != c.flag {
			t.Errorf("%v: Keep = %q", c, got)
		}
	}
	var f trace.Filter
	if err := f.AddStatus("none"); err != nil || f.Keep(&trace.Exchange{}) != "" {
		t.Errorf("--status none does not keep a request without a response (%v)", err)
	}
}

func TestFilterSlowerThan(t *testing.T) {
	x := asked()
	for limit, want := range map[time.Duration]string{
		0: "", x.Duration: "", x.Duration + 1: "--slower-than",
	} {
		f := trace.Filter{SlowerThan: limit}
		if got := f.Keep(x); got != want {
			t.Errorf("slower than %v: Keep = %q, want %q", limit, got, want)
		}
	}
}

func TestFilterSamplesWhatMatches(t *testing.T) {
	f := trace.Filter{Sample: 3}
	if err := f.AddMethod("POST"); err != nil {
		t.Fatal(err)
	}
	var kept []int
	for i := range 10 {
		if got := f.Keep(&trace.Exchange{Method: "GET"}); got != "--method" {
			t.Fatalf("Keep of another method = %q", got)
		}
		if f.Keep(asked()) == "" {
			kept = append(kept, i)
		}
	}
	if len(kept) != 4 || kept[0] != 0 || kept[1] != 3 {
		t.Errorf("one in 3 of 10 kept %v", kept)
	}
}

func TestFilterErrorsNameTheWord(t *testing.T) {
	for _, c := range []condition{
		{"--host", ""}, {"--host", "a,,b"}, {"--host", "a.*.b"}, {"--host", "*."}, {"--host", "http://a"},
		{"--path", "orders"}, {"--method", "GE T"}, {"--status", "6xx"}, {"--status", "99"}, {"--status", "504-500"},
		{"--status", "-5"}, {"--status", "5x"}, {"--client", "10.1.2"}, {"--client", "10.0.0.0/33"},
		{"--upstream", "orders"}, {"--upstream", ":0"}, {"--upstream", ":65536"}, {"--upstream", "10.0.0.5:"},
	} {
		var f trace.Filter
		err := c.addTo(&f)
		if err == nil {
			t.Errorf("%v is accepted", c)
		} else if words := strings.Split(c.words, ","); !strings.Contains(err.Error(), words[len(words)-1]) || !strings.Contains(err.Error(), ": ") {
			t.Errorf("%v: %v: does not say what is wrong and what would do", c, err)
		}
	}
}

func TestFilterAllocatesNothing(t *testing.T) {
	f := trace.Filter{SlowerThan: time.Millisecond}
	for _, c := range []condition{
		{"--host", "*.example,shop.example:80"}, {"--path", "/x*,/o*/lines"}, {"--method", "GET,POST"},
		{"--status", "404,5xx"}, {"--client", "10.0.0.0/8"}, {"--upstream", ":8080"}, {"--route", "1,sho*"}, {"--service", "none"}, {"--consumer", "j*"},
	} {
		if err := c.addTo(&f); err != nil {
			t.Fatal(err)
		}
	}
	x := asked()
	x.Names = trace.Names{From: trace.NamesExact, RouteID: "17", RouteName: "shop", Consumer: "jack"}
	if got := f.Keep(x); got != "" {
		t.Fatalf("Keep = %q", got)
	}
	if n := testing.AllocsPerRun(100, func() { f.Keep(x) }); n != 0 {
		t.Errorf("Keep allocates %v times", n)
	}
}

func BenchmarkFilter(b *testing.B) {
	var f trace.Filter
	for _, c := range []condition{{"--host", "*.example"}, {"--path", "/o*/lines"}, {"--status", "5xx"}, {"--client", "10.0.0.0/8"}} {
		if err := c.addTo(&f); err != nil {
			b.Fatal(err)
		}
	}
	x := asked()
	for b.Loop() {
		f.Keep(x)
	}
}
