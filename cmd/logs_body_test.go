package cmd_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestGatewayBodies asks for the first bytes of bodies, and gets them of what went to and came
// from a node in plain HTTP/1, whatever the client speaks.
func TestGatewayBodies(t *testing.T) {
	testrig.NeedBPF(t)
	tool, rig := buildTool(t), testrig.StartT(t, testrig.Options{})
	r := start(t, tool, "logs", "--pid", strconv.Itoa(rig.MasterPID()), "--admin", "off",
		"-d", "0", "-c", "6", "--body", "40", "-o", "json", "-v")
	r.says(t, "tracing 6 requests")
	for _, kind := range []testrig.Kind{
		testrig.Keepalive, testrig.Large, testrig.HTTPS, testrig.H2C, testrig.HTTPSUpstream, testrig.Lua401,
	} {
		if _, err := (testrig.Load{Target: rig.Target(), Kinds: []testrig.Kind{kind}, Requests: 1}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.ends(t, 0)
	const order, file = `{"node":"orders-`, "0123456789abcde\n0123456789abcde\n01234567"
	want := map[string][2]string{ // of the request and of the response, by path and protocol
		"/checkout http/1.1": {"", order}, "/checkout https/1.1": {"", order}, "/checkout http/2": {"", order},
		"/upload http/1.1": {file, file}, "/balance http/1.1": {"", ""}, "/private http/1.1": {"", ""},
	}
	for line := range strings.Lines(r.out.String()) {
		var x struct {
			Version  string `json:"network.protocol.version"`
			Request  struct{ URL, URI, Body string }
			Response struct{ Body string }
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if x.Request.URI == "" {
			continue // the summary
		}
		scheme, _, _ := strings.Cut(x.Request.URL, ":")
		at := x.Request.URI + " " + scheme + "/" + x.Version
		bodies, known := want[at]
		if delete(want, at); !known || !strings.HasPrefix(x.Response.Body, bodies[1]) || (bodies[1] == "") != (x.Response.Body == "") || x.Request.Body != bodies[0] {
			t.Errorf("%s: %q and %q, want %q", at, x.Request.Body, x.Response.Body, bodies)
		}
	}
	if len(want) > 0 {
		t.Errorf("not seen: %v", want)
	}
}
