package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

// adminKey is the key in the recorded exchanges.
const adminKey = "edd1c9f034335f136f87ad84b625c8f1"

// admin is a run of the program against an Admin API.
type admin struct {
	cmd.Env
	out, errs bytes.Buffer
}

// against makes an Env whose gateway has its Admin API at url, as its config.yaml says.
func against(url string) *admin {
	a := &admin{}
	a.Env = cmd.Env{
		Version: "v0.0.0-test", Out: &a.out, Err: &a.errs,
		Getenv: func(string) string { return "" },
		Find:   scene("").find,
		Config: func(*gateway.Target) (*apisix.Config, error) {
			return &apisix.Config{File: "/usr/local/apisix/conf/config.yaml", URL: url, Key: adminKey}, nil
		},
	}
	return a
}

// run runs a command line, and returns the exit code; errs gets what main would print.
func (a *admin) run(args ...string) int {
	a.out.Reset()
	a.errs.Reset()
	return cmd.Report(&a.errs, cmd.Execute(context.Background(), a.Env, args))
}

// apisix316 serves all the lists that were recorded, and the routes from two of them.
func apisix316(t *testing.T) string {
	t.Helper()
	dir := "../internal/apisix/testdata/admin/"
	all := testrig.LoadRecorded(t, dir+"0[012]*", dir+"116*", dir+"119*", dir+"064*")
	var routes []json.RawMessage
	for _, r := range testrig.LoadRecorded(t, dir+"031*", dir+"039*") {
		var page struct{ List []json.RawMessage }
		if err := json.Unmarshal(r.Body(t), &page); err != nil {
			t.Fatal(err)
		}
		if len(page.List) > 12 {
			page.List = page.List[:3] // of the 40 that are alike
		}
		routes = append(routes, page.List...)
	}
	replay := testrig.Replay(t, all)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apisix/admin/routes" {
			replay(w, r)
			return
		}
		list, _ := json.Marshal(routes)
		fmt.Fprintf(w, `{"list":%s,"total":%d}`, list, len(routes))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAdminGetGolden(t *testing.T) {
	a := against(apisix316(t))
	for _, kind := range apisix.Kinds() {
		for _, format := range []string{"table", "wide", "json", "yaml", "name"} {
			if kind == apisix.Plugins && (format == "json" || format == "yaml" || format == "wide") {
				continue // 63 names, once more
			}
			if code := a.run("admin", "get", string(kind), "-o", format); code != 0 || a.errs.Len() > 0 {
				t.Errorf("%s -o %s: %d, %s", kind, format, code, &a.errs)
			}
			testrig.Golden(t, "admin/"+string(kind)+"."+format+".txt", a.out.String())
		}
	}
}

func TestAdminGetOneAndSome(t *testing.T) {
	a := against(apisix316(t))
	var b strings.Builder
	for _, line := range []string{
		"upstream shop", "consumers jill -o json", "secrets vault/1 -o yaml", "plugins limit-count",
		"routes nosuch",
		"routes --name bulk", "routes --name ^BULK", "routes --name (?i)^BULK -o name",
		"routes --label bulk -o name", "routes --label app=web-shop -o name", "routes --label app=other",
		"routes --label app --label API_VERSION=v1 -o name", "routes --uri bulk -o name", "routes --uri ^/x",
		"consumers --label tier -o name", "plugin_metadata --name otel|telemetry -o name", "plugins --name ^limit- -o name",
		"routes deepflow-apisix-demo -q value.host", "routes -q value.plugins.@keys", "upstreams -q value.nodes", "routes -q nosuch",
		"consumers -q value.plugins", "ssls demo -q value.snis",
	} {
		code := a.run(append([]string{"admin", "get"}, strings.Fields(line)...)...)
		errs := strings.ReplaceAll(a.errs.String(), a.address(t), "ADDRESS")
		fmt.Fprintf(&b, "$ apisixscope admin get %s\n%s%sexit code %d\n\n", line, &a.out, errs, code)
	}
	testrig.Golden(t, "admin/some.txt", b.String())
}

// address is where the gateway's Admin API is.
func (a *admin) address(t *testing.T) string {
	t.Helper()
	c, err := a.Config(nil)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(c.URL, "http://")
}

func TestAdminGetEmpty(t *testing.T) {
	for _, list := range []string{`[]`, `{}`} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"list":%s,"total":0}`, list)
		}))
		a := against(s.URL)
		for _, format := range []string{"table", "wide", "json", "yaml", "name"} {
			if code := a.run("admin", "get", "global-rules", "-o", format); code != 0 || a.out.Len() > 0 || a.errs.String() != "apisixscope: there are no global-rules\n" {
				t.Errorf("%s: %d, %q, %q", list, code, &a.out, &a.errs)
			}
		}
		s.Close()
	}
}

func TestAdminMisuse(t *testing.T) {
	a := against("http://127.0.0.1:1")
	var b strings.Builder
	for _, line := range []string{
		"get", "get nosuch", "get routes a b", "get routes -o xml", "get routes -o table -q a", "get routes 1 --name a",
		"get routes --name [", "get routes --label =v", "get services --uri a", "get secrets --label a", "get routes ../x",
		"get routes --admin ftp://a", "get routes --admin http://u:sesame@a", "get routes --admin-cert a",
		"get routes --admin-timeout x", "frobnicate",
	} {
		if code := a.run(append([]string{"admin"}, strings.Fields(line)...)...); code != 2 || a.out.Len() > 0 {
			t.Errorf("%s: exit code %d, %q", line, code, &a.out)
		}
		fmt.Fprintf(&b, "$ apisixscope admin %s\n%s\n", line, &a.errs)
	}
	testrig.Golden(t, "admin/misuse.txt", b.String())
}

func TestAdminKeyAndAddress(t *testing.T) {
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("X-API-KEY")
		fmt.Fprint(w, `{"list":[],"total":0}`)
	}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	blank := filepath.Join(t.TempDir(), "blank")
	if err := os.WriteFile(blank, []byte("two words\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what, env string
		args      []string
		key       string
		code      int
	}{
		{"found", "", nil, adminKey, 0},
		{"environment", "from-env", nil, "from-env", 0},
		{"file", "from-env", []string{"--admin-key-file", file}, "from-file", 0},
		{"the found key stays with the found address", "", []string{"--admin", s.URL}, "", 0},
		{"environment, for an address", "from-env", []string{"--admin", s.URL}, "from-env", 0},
		{"no file", "", []string{"--admin-key-file", file + "x"}, "", 1},
		{"no key in the file", "", []string{"--admin-key-file", blank}, "", 1},
		{"no authorities", "", []string{"--admin-ca", file}, "", 1},
	} {
		got = ""
		a := against(s.URL)
		a.Getenv = func(string) string { return tt.env }
		if code := a.run(append([]string{"admin", "get", "routes"}, tt.args...)...); code != tt.code || got != tt.key {
			t.Errorf("%s: exit code %d, key %q: %s", tt.what, code, got, &a.errs)
		}
	}
	a := against(s.URL)
	a.Find = scene("none").find
	if code := a.run("admin", "get", "routes"); code != 1 || !strings.Contains(a.errs.String(), "name the Admin API with --admin") {
		t.Errorf("no gateway: %d, %s", code, &a.errs)
	}
	denies := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error_msg":"failed to check token"}`, http.StatusUnauthorized)
	}))
	defer denies.Close()
	a = against(denies.URL)
	a.Config = func(*gateway.Target) (*apisix.Config, error) {
		return &apisix.Config{File: "/conf/config.yaml", URL: denies.URL, Key: "usual", Assumed: []string{"KEY"}}, nil
	}
	if code := a.run("admin", "get", "routes"); code != 1 || !strings.Contains(a.errs.String(), "have their defaults (KEY): compare it with") {
		t.Errorf("a key that is a default: %d, %s", code, &a.errs)
	}
	a = against(s.URL)
	a.Config = func(*gateway.Target) (*apisix.Config, error) {
		return &apisix.Config{File: "/conf/config.yaml", URL: s.URL, NoKey: errors.New("it takes a value from ${{KEY}}")}, nil
	}
	if code := a.run("admin", "get", "routes"); code != 1 || !strings.Contains(a.errs.String(), "read the key in the gateway's /conf/config.yaml: it takes a value from ${{KEY}}") {
		t.Errorf("a key that cannot be known: %d, %s", code, &a.errs)
	}
}

// Bar 7: no secret is in any output, unless it was asked for.
func TestAdminShowsNoSecret(t *testing.T) {
	a := against(apisix316(t))
	secrets := []string{adminKey, "jack-key", "jill-key", "rig-token", "PRIVATE KEY"}
	shown := ""
	for _, kind := range apisix.Kinds() {
		for _, format := range append([]string{"-v"}, "-otable", "-owide", "-ojson", "-oyaml", "-oname", "-qvalue", "-q@this") {
			a.run("admin", "get", string(kind), format)
			for _, secret := range secrets {
				if strings.Contains(a.out.String()+a.errs.String(), secret) {
					t.Errorf("get %s %s shows %s", kind, format, secret)
				}
			}
		}
		a.run("admin", "get", string(kind), "-o", "json", "--show-secrets")
		shown += a.out.String()
	}
	for _, secret := range []string{"jack-key", "rig-token"} {
		if !strings.Contains(shown, secret) {
			t.Errorf("--show-secrets does not show %s: the test proves nothing", secret)
		}
	}
	if strings.Contains(shown, adminKey) {
		t.Error("--show-secrets shows the key of the Admin API")
	}
	for _, h := range []http.HandlerFunc{
		func(w http.ResponseWriter, r *http.Request) { // it sends back what it got
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error_msg":%q}`, fmt.Sprint(r.Header))
		},
		func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header) },
		func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/?"+r.Header.Get("X-API-KEY"), http.StatusFound)
		},
		func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"list":[{"key":"/apisix/routes/1","value":{"id":"1","desc":"I got %s"}}],"total":1}`, r.Header.Get("X-API-KEY"))
		},
	} {
		s := httptest.NewServer(h)
		b := against(s.URL)
		for _, format := range []string{"-v", "-ojson", "-oyaml", "-qvalue.desc", "-owide"} {
			b.run("admin", "get", "routes", format)
			if got := b.out.String() + b.errs.String(); strings.Contains(got, adminKey) {
				t.Errorf("%s: %s", format, got)
			}
		}
		s.Close()
	}
}

func TestAdminCompletesKindsAndFormats(t *testing.T) {
	a := against("http://127.0.0.1:1")
	for _, tt := range []struct{ line, want string }{
		{"__complete admin get ", "routes\nservices\nupstreams\nconsumers\nconsumer-groups\nssls\nglobal-rules\nplugin-configs\nplugin-metadata\nprotos\nsecrets\nstream-routes\nplugins\n:4\n"},
		{"__complete admin get routes ", ":4\n"},
		{"__complete admin get routes -o ", "json\nname\ntable\nwide\nyaml\n:4\n"},
	} {
		a.run(strings.Split(tt.line, " ")...)
		if a.out.String() != tt.want {
			t.Errorf("%s: %q", tt.line, &a.out)
		}
	}
}
