package cmd_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// loggedShop is what the gateway of a shop does, as its request objects tell, so far as
// that is asked for.
func loggedShop(asked bpf.Options) []trace.Event {
	events := shop()
	for n, e := range events {
		r := e.Request
		if r == nil || !asked.Logged {
			continue
		}
		r.Names = trace.Names{From: trace.NamesExact, RouteID: "17", RouteName: "orders", ServiceID: "s1", Consumer: "jack"}
		r.Logged = &trace.Logged{
			Time: e.Time.UTC(), RemoteAddr: r.Client.Remote.Addr().String(), RemotePort: 50000, Line: r.Line, LineLen: r.LineLen,
			HTTPHost: r.Host + ":9080", UserAgent: "curl/7.88.1", Status: r.Status, BytesSent: 200, BodySent: 50,
			RequestTime: e.Time.Sub(r.Started), UpstreamScheme: "http", UpstreamHost: r.Host, RequestID: "8f9ec4b1",
			Upstreams: []trace.UpstreamState{{Peer: "10.0.1.1:80", Status: r.Status, Response: time.Millisecond}},
		}
		r.Attempts = r.Logged.Upstreams
		if asked.NoSockets {
			r.Client, r.In, r.Out = trace.Conn{}, trace.Flow{}, trace.Flow{}
		}
		if !asked.AllHeaders {
			continue
		}
		r.Headers = &trace.Headers{
			Request: trace.Head{Seen: true, Fields: []trace.Field{
				{Name: "Host", Value: r.Host + ":9080"}, {Name: "X-Tenant", Value: []string{"acme", "umbrella"}[n%2]},
				{Name: "Authorization", Value: "Bearer open-sesame"},
			}},
			Response: trace.Head{Seen: true, Fields: []trace.Field{{Name: "Server", Value: "APISIX/3.16.0", Set: true}}},
		}
	}
	return events
}

func TestDocsTellOfEveryField(t *testing.T) {
	page, err := os.ReadFile("../docs/logs.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range logs.FieldList() {
		if row := fmt.Sprintf("| `%s` | %s | %s |\n", f.Name, f.Type, f.Doc); !strings.Contains(string(page), row) {
			t.Errorf("docs/logs.md lacks the row %s", row)
		}
	}
	for _, f := range logs.FunctionList() {
		if row := fmt.Sprintf("| `%s(\"name\")` | text | %s |\n", f.Name, f.Doc); !strings.Contains(string(page), row) {
			t.Errorf("docs/logs.md lacks the row %s", row)
		}
	}
}

// Each condition that the page shows can be compiled.
func TestDocsHaveTrueConditions(t *testing.T) {
	page, err := os.ReadFile("../docs/logs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "## Conditions")
	_, rest, _ = strings.Cut(rest, "```\n")
	block, _, _ := strings.Cut(rest, "```")
	for line := range strings.Lines(block) {
		condition, _, _ := strings.Cut(line, "#")
		if _, err := logs.CompileWhere(condition); err != nil {
			t.Error(err)
		}
	}
	if strings.Count(block, "\n") < 5 {
		t.Errorf("the page has but these conditions:\n%s", block)
	}
}
