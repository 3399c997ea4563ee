package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// runCheck runs the program on a file of checks and returns its exit code and what it said.
func runCheck(t *testing.T, tool string, rig *testrig.Rig, file string, args ...string) (int, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checks.yaml")
	file = strings.ReplaceAll(file, "GATEWAY", "http://"+rig.Target().HTTP)
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

// TestGatewayCheck plants what goes wrong with gateways: each check that is about it fails,
// for that reason, and all others hold.
func TestGatewayCheck(t *testing.T) {
	testrig.NeedBPF(t)
	tool := buildTool(t)
	rig := testrig.StartT(t, testrig.Options{})
	for name, c := range map[string]struct {
		file string
		code int
		says []string
	}{
		"all is well": {`
requests:
  - name: orders
    url: GATEWAY/orders
    host: apisix.deepflow.demo
    repeat: 50
    concurrency: 4
    expect: {status: 200, route: orders, service: shop, upstream: orders, holds: [retries == 0, errors == 0, lost == 0, requests == 50, response_source == upstream, p99 < 5s]}
`, 0, []string{"12 assertions: 12 held, 0 failed"}},
		"a slow upstream": {`
requests:
  - name: hung once
    url: GATEWAY/timeout
    host: retry.deepflow.demo
    repeat: 3
    expect: {status: 200, holds: [p50 < 40ms, retries == 0, errors == 0]}
`, 3, []string{"FAILED  p50 < 40ms", "FAILED  retries == 0  (3)", "ok      errors == 0", "ok      status 200"}},
		"a wrong route": {`
requests:
  - name: checkout
    url: GATEWAY/catalog
    host: apisix.deepflow.demo
    expect: {status: 200, route: checkout}
`, 3, []string{"FAILED  route checkout  (it was 3, catalog)", "ok      status 200"}},
		"a storm of retries": {`
requests:
  - name: refused
    url: GATEWAY/refused
    host: retry.deepflow.demo
    repeat: 10
    expect: {status: 200, holds: [retries == 0, errors < 1%]}
observe:
  - name: retries of the route
    route: retry-refused
    holds: [retries == 0, errors == 0]
`, 3, []string{"FAILED  retries == 0  (10)\n  ok      errors < 1%", "retries of the route\n  FAILED  retries == 0  (10)\n  ok      errors == 0"}},
		"a plugin's answer": {`
requests:
  - name: aborted
    url: GATEWAY/aborted
    host: faults.deepflow.demo
    expect: {status: 418, json: {error: teapot}, route: fault, holds: [response_source != apisix]}
  - name: no such route
    url: GATEWAY/nothing
    host: apisix.deepflow.demo
    expect: {status: 404, holds: [response_source == apisix, client_errors == 100%]}
`, 3, []string{"FAILED  response_source != apisix  (apisix 1)", "ok      json error == teapot", "ok      response_source == apisix  (apisix 1)", "ok      client_errors == 100%"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, said := runCheck(t, tool, rig, c.file, "--for", "2s")
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.says {
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
