package cmd_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

// controlled makes an Env whose gateway has its Control API at a server.
func controlled(t *testing.T, h http.HandlerFunc) *admin {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	a := against("http://127.0.0.1:1")
	a.Config = func(*gateway.Target) (*apisix.Config, error) { return &apisix.Config{Control: s.URL}, nil }
	return a
}

func TestAdminHealthGolden(t *testing.T) {
	var b strings.Builder
	for _, recorded := range []string{"023-healthcheck-after", "002-healthcheck"} {
		a := controlled(t, testrig.Replay(t, testrig.LoadRecorded(t, "../internal/apisix/testdata/control/"+recorded)))
		for _, format := range []string{"table", "json"} {
			if code := a.run("admin", "health", "-o", format); code != 0 || a.errs.Len() > 0 {
				t.Errorf("%s: %d, %s", recorded, code, &a.errs)
			}
			fmt.Fprintf(&b, "# %s\n%s\n", recorded, &a.out)
		}
	}
	testrig.Golden(t, "admin/health.txt", b.String())
}

// TestAdminHealthShowsTheLastWindow: trace leaves it behind, and --forget removes it.
func TestAdminHealthShowsTheLastWindow(t *testing.T) {
	a := controlled(t, testrig.Replay(t, testrig.LoadRecorded(t, "../internal/apisix/testdata/control/023-healthcheck-after")))
	dir := t.TempDir()
	a.Getenv = func(name string) string { return map[string]string{"XDG_STATE_HOME": dir}[name] }
	sceneTried.enter(&a.Env)
	if code := a.run("trace", "-d", "100ms", "--host", "nosuch", "-o", "json"); code != 0 {
		t.Fatalf("trace: %d, %s", code, &a.errs)
	}
	files, err := filepath.Glob(dir + "/apisixscope/window-*.json")
	if err != nil || len(files) != 1 {
		t.Fatalf("left behind: %v, %v", files, err)
	}
	var b strings.Builder
	ages := regexp.MustCompile(`\b\d+(d|s|ms|h\d\dm)( ago)|window_ended":"[^"]*|of \d+ms`)
	for _, args := range []string{"-o table", "-o json", "--forget", "--forget", "-o table"} {
		if code := a.run(append([]string{"admin", "health"}, strings.Fields(args)...)...); code != 0 {
			t.Errorf("%s: %d, %s", args, code, &a.errs)
		}
		said := strings.ReplaceAll(a.out.String()+a.errs.String(), files[0], "FILE")
		fmt.Fprintf(&b, "$ apisixscope admin health %s\n%s\n", args, ages.ReplaceAllString(said, "#$2"))
	}
	testrig.Golden(t, "admin/health-window.txt", b.String())
	if code := a.run("admin", "health", "--control", "http://127.0.0.1:1"); code != 1 {
		t.Errorf("another Control API: %d, %s", code, &a.errs)
	}
}

func TestAdminHealthSaysWhy(t *testing.T) {
	off := against("http://127.0.0.1:1")
	off.Config = func(*gateway.Target) (*apisix.Config, error) { return &apisix.Config{File: "/conf/config.yaml"}, nil }
	html := testrig.LoadRecorded(t, "../internal/apisix/testdata/control/010*")[0]
	for _, tt := range []struct {
		what string
		a    *admin
		args string
		code int
		want string
	}{
		{"off", off, "", 1, "apisixscope: the gateway's Control API is off\nhint: it is apisix.enable_control in its /conf/config.yaml\n"},
		{"no checks", controlled(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }), "", 0, "apisixscope: no upstream of this gateway has health checks that run\n"},
		{"another server", controlled(t, func(w http.ResponseWriter, _ *http.Request) { testrig.SendRaw(w, html.Response) }), "", 1, "not an API of APISIX: 404 not found\nhint: is this the Control API?"},
		{"format", off, "-o yaml", 2, "unknown output format \"yaml\""},
		{"address", off, "--control ftp://a", 2, "--control: unknown scheme"},
		{"refused", off, "--control 127.0.0.1:1", 1, "connection refused\nhint: is APISIX running? its conf/config.yaml says where it listens: apisix.control\n"},
	} {
		code := tt.a.run(append([]string{"admin", "health"}, strings.Fields(tt.args)...)...)
		if code != tt.code || tt.a.out.Len() > 0 || !strings.Contains(tt.a.errs.String(), tt.want) {
			t.Errorf("%s: %d, %q, %s", tt.what, code, &tt.a.out, &tt.a.errs)
		}
	}
}
