package cmd_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// runCheck runs the program on a file of checks and returns its exit code and what it said.
func runCheck(t *testing.T, tool string, rig *testrig.Rig, file string, args ...string) (int, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checks.yaml")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer elsewhere.Close()
	file = strings.NewReplacer("GATEWAY", "http://"+rig.Addr(), "SECURE", "https://"+rig.TLSAddr(), "ELSEWHERE", elsewhere.URL).Replace(file)
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), tool, append([]string{"check", "-f", path, "--pid", strconv.Itoa(rig.MasterPID())}, args...)...)
	out, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

// A fault is one that a gateway has, and checks of which those about it fail.
type fault struct {
	name  string
	plant func(*testing.T, *testrig.Rig) // nil for nothing
	file  string
	code  int
	says  []string // lines of the report
	count string   // how it ends
}

var faults = []fault{
	{name: "all is well", file: `
requests:
  - name: orders
    url: GATEWAY/orders
    host: apisix.deepflow.demo
    repeat: 50
    concurrency: 4
    expect: {status: 200, route: orders, service: shop, upstream: orders, holds: [retries == 0, errors == 0, lost == 0, requests == 50, response_source == upstream, p99 < 5s]}
`, count: "12 assertions: 12 held, 0 failed"},
	{name: "over TLS and HTTP/2", file: `
requests:
  - name: orders
    url: SECURE/orders
    host: apisix.deepflow.demo
    insecure: true
    repeat: 20
    concurrency: 4
    expect: {status: 200, route: "2", holds: [requests == 20, response_source == upstream]}
`, count: "6 assertions: 6 held, 0 failed"},
	{name: "a slow upstream", plant: slowNode, file: `
requests:
  - name: headers
    url: GATEWAY/headers
    host: headers.deepflow.demo
    repeat: 5
    expect: {status: 200, route: headers, holds: [p50 < 80ms, upstream_p50 < 80ms, upstream_p50 >= 80ms, gateway_p50 < 80ms, retries == 0, errors == 0]}
`, code: 3, says: []string{"FAILED  p50 < 80ms", "FAILED  upstream_p50 < 80ms", "ok      gateway_p50 < 80ms"}, count: "10 assertions: 8 held, 2 failed"},
	{name: "a wrong route", file: `
requests:
  - name: checkout
    url: GATEWAY/catalog
    host: apisix.deepflow.demo
    expect: {status: 200, route: checkout}
`, code: 3, says: []string{"FAILED  route checkout  (it was 3, catalog)"}, count: "4 assertions: 3 held, 1 failed"},
	{name: "a storm of retries", file: `
requests:
  - name: refused
    url: GATEWAY/refused
    host: retry.deepflow.demo
    repeat: 10
    expect: {status: 200, holds: [retries == 0, errors < 1%]}
observe:
  - name: retries of the route
    route: retry-refused
    holds: [retries == 0, errors == 0, requests == 10]
  - name: other routes
    route: orders
    holds: [retries == 0, requests == 0]
`, code: 3, says: []string{
		"FAILED  retries == 0  (10)\n  ok      errors < 1%",
		"retries of the route\n  FAILED  retries == 0  (10)\n  ok      errors == 0",
		"other routes\n  ok      retries == 0  (0)",
	}, count: "10 assertions: 8 held, 2 failed"},
	{name: "a plugin's 5xx", plant: noRedis, file: `
requests:
  - name: limited
    url: GATEWAY/pooled
    host: limit.deepflow.demo
    repeat: 3
    expect: {status: 200, route: pooled, holds: [response_source != apisix, errors < 1%, retries == 0]}
  - name: another's
    url: GATEWAY/error
    host: faults.deepflow.demo
    expect: {status: 500, holds: [response_source == upstream, errors == 100%]}
`, code: 3, says: []string{
		"FAILED  status 200  (3 of 3: it was 500)",
		"FAILED  response_source != apisix  (apisix 3)",
		"FAILED  errors < 1%  (100% (3 of 3))",
		"ok      response_source == upstream  (upstream 1)",
	}, count: "12 assertions: 9 held, 3 failed"},
	{name: "a plugin's answer, and no route", file: `
requests:
  - name: aborted
    url: GATEWAY/aborted
    host: faults.deepflow.demo
    expect: {status: 418, json: {error: teapot}, route: fault, holds: response_source != apisix}
  - name: no such route
    url: GATEWAY/nothing
    host: apisix.deepflow.demo
    expect: {status: 404, holds: [response_source == apisix, client_errors == 100%]}
`, code: 3, says: []string{"FAILED  response_source != apisix  (apisix 1)", "ok      response_source == apisix  (apisix 1)"}, count: "11 assertions: 10 held, 1 failed"},
	{name: "another server answers", file: `
requests:
  - name: stray
    url: ELSEWHERE/orders
    expect: {status: 200}
`, code: 3, says: []string{"FAILED  is seen in the gateway, once each  (it was not seen in the gateway: was it another one that answered?)"}, count: "3 assertions: 2 held, 1 failed"},
}

// slowNode has the node of a route take its time.
func slowNode(t *testing.T, rig *testrig.Rig) {
	node := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(80 * time.Millisecond) }))
	t.Cleanup(node.Close)
	moveNode(t, rig, "headers", node.Listener.Addr().String())
}

// noRedis takes from limit-count what it counts with.
func noRedis(t *testing.T, rig *testrig.Rig) {
	gone := httptest.NewServer(nil)
	gone.Close() // nobody listens there
	moveNode(t, rig, "redis", gone.Listener.Addr().String())
}

func moveNode(t *testing.T, rig *testrig.Rig, name, addr string) {
	t.Helper()
	if err := rig.MoveNode(t.Context(), name, addr); err != nil {
		t.Fatal(err)
	}
}

// TestGatewayCheck plants what goes wrong with gateways: each check that is about it fails,
// for that reason, and all others hold.
func TestGatewayCheck(t *testing.T) {
	testrig.NeedBPF(t)
	tool := buildTool(t)
	rig := testrig.StartT(t, testrig.Options{})
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			if c.plant != nil {
				c.plant(t, rig)
			}
			code, said := runCheck(t, tool, rig, c.file, "--for", "2s")
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range append(c.says, c.count) {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			if t.Failed() {
				t.Log(said)
			}
		})
	}
}
