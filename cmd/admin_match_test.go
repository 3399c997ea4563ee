package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestAdminMatchGolden(t *testing.T) {
	a := against(apisix316(t))
	var b strings.Builder
	for _, line := range []string{
		"--host apisix.deepflow.demo --path /shop/full-test?order=42",
		"--host apisix.deepflow.demo --path / --method delete",
		"--host svc.deepflow.demo --path /shop",
		"--host pc.deepflow.demo:9080 --path /shop/../%73hop",
		"--host nohost.demo --path /nope",
		"--host nohost.demo --path /bulk/02/x",
		"--host nohost.demo --path /bulk/02/x --router radixtree_uri -o json",
		"--host h --path /%zz",
		"--host h --path /%zz -o json",
	} {
		code := a.run(append([]string{"admin", "match"}, strings.Fields(line)...)...)
		fmt.Fprintf(&b, "$ apisixscope admin match %s\n%s%sexit code %d\n\n", line, &a.out, &a.errs, code)
	}
	testrig.Golden(t, "admin/match.txt", b.String())
}

// TestAdminMatchOfManyKinds shows what the recorded routes do not have: undecided, tied, and
// routes whose service, upstream or plugin config is gone.
func TestAdminMatchOfManyKinds(t *testing.T) {
	a := against(serveRoutes(t, `
		{"id":"f","name":"filtered","uri":"/f","filter_func":"function(vars) return true end","service_id":"gone"}
		{"id":"g","uri":"/f","upstream_id":"gone","plugin_config_id":"gone","plugins":{"key-auth":{"_meta":{"disable":true}},"cors":{}}}
		{"id":"h","uri":"/*","vars":[["http_x_env","==","prod"],["http_apikey","==","s3cr3t"]],"upstream":{"nodes":[{"host":"::1","port":80,"weight":1}]}}
		{"id":"i","uri":"/t","upstream":{"nodes":{"127.0.0.1:80":1}}}
		{"id":"j","uri":"/t","upstream":{"nodes":{"127.0.0.1:81":1}}}
		{"id":"an-id-as-long-as-it-may-be-in-APISIX","uri":"/t","status":0}
		{"id":"ip","uri":"/ip","remote_addr":"10.0.0.0/8"}`))
	var b strings.Builder
	for _, args := range [][]string{
		{"--path", "/f"},
		{"--path", "/x"},
		{"--path", "/x", "--header", "X-Env: prod", "--header", "apikey: s3cr3t"},
		{"--path", "/x", "--header", "X-Env: test", "--header", "apikey: s3cr3t-no"},
		{"--path", "/x", "--header", "X-Env:"},
		{"--path", "/x", "--header", "X-Env;"},
		{"--path", "/t"},
		{"--path", "/t", "-o", "json"},
		{"--path", "/f", "-o", "json"},
		{"--path", "/ip"},
		{"--path", "/ip", "--client", "10.1.1.1", "--header", "X-Env;"},
		{"--path", "/ip", "--client", "11.1.1.1", "--header", "X-Env;"},
	} {
		code := a.run(append([]string{"admin", "match", "--host", "h"}, args...)...)
		if strings.Contains(a.out.String(), "s3cr3t") {
			t.Errorf("%q shows a secret", args)
		}
		fmt.Fprintf(&b, "$ apisixscope admin match --host h %s\n%s%sexit code %d\n\n", strings.Join(args, " "), &a.out, &a.errs, code)
	}
	testrig.Golden(t, "admin/match-kinds.txt", b.String())
}

func TestAdminMatchMisuse(t *testing.T) {
	a := against("http://127.0.0.1:1")
	for line, want := range map[string]string{
		"":                                  "--host is missing",
		"--host h":                          "--path must begin with /",
		"--host h --path x":                 `--path must begin with /: got "x"`,
		"--host h/x --path /":               "--host must be a name",
		"--host h --path / x":               "unknown command",
		"--host h --path / -o x":            `unknown output format "x"`,
		"--host h --path / --router x":      "--router must be one of radixtree_host_uri",
		"--host h --path / --client x":      "--client must be an IP address",
		"--host h --path / --header x":      "--header must be like 'X-Env: prod'",
		"--host h --path / --header :x":     "--header must be like",
		"--host h --path / --header Host:x": "--header must not be the host",
		"--host h --path / --method=":       "--method must be one word",
	} {
		if code := a.run(append([]string{"admin", "match"}, strings.Fields(line)...)...); code != 2 || !strings.Contains(a.errs.String(), want) || a.out.Len() > 0 {
			t.Errorf("%q: %d, %q, want %q", line, code, &a.errs, want)
		}
	}
	if code := a.run("admin", "match", "--host", "h", "--path", "/"); code != 1 {
		t.Errorf("without an Admin API: %d, %s", code, &a.errs)
	}
}

func TestAdminMatchChoosesTheRouter(t *testing.T) {
	a := against(serveRoutes(t, `{"id":"a","uri":"/a"}
		{"id":"b","uri":"/*","host":"h"}`))
	config := a.Env.Config
	for _, c := range []struct{ router, flag, want string }{
		{"", "", `"router":"radixtree_host_uri","router_from":"the default of APISIX 3.16.0"`},
		{"radixtree_uri", "", `"router":"radixtree_uri","router_from":"of the gateway's /usr/local/apisix/conf/config.yaml"`},
		{"radixtree_uri", "--router=radixtree_host_uri", `"router":"radixtree_host_uri","router_from":"--router"`},
		{"odd", "", `"odd" is no router of APISIX`},
	} {
		a.Env.Config = func(t *gateway.Target) (*apisix.Config, error) {
			found, err := config(t)
			found.Router = c.router
			return found, err
		}
		args := []string{"admin", "match", "--host", "h", "--path", "/a", "-o", "json"}
		if c.flag != "" {
			args = append(args, c.flag)
		}
		a.run(args...)
		if all := a.out.String() + a.errs.String(); !strings.Contains(all, c.want) {
			t.Errorf("%+v: %s", c, all)
		}
	}
}

// brokenOut takes nothing.
type brokenOut struct{}

func (brokenOut) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left") }

func TestAdminMatchTellsThatItCannotWrite(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		a := against(apisix316(t))
		a.Env.Out = brokenOut{}
		if code := a.run("admin", "match", "--host", "h", "--path", "/", "-o", format); code != 1 || !strings.Contains(a.errs.String(), "write output: no space left") {
			t.Errorf("%s: %d, %s", format, code, &a.errs)
		}
	}
}

func TestAdminMatchHelp(t *testing.T) {
	var out bytes.Buffer
	if err := cmd.Execute(context.Background(), cmd.Env{Out: &out, Err: &out}, []string{"admin", "match", "--help"}); err != nil {
		t.Fatal(err)
	}
	testrig.Golden(t, "help/admin-match.txt", out.String())
	page, err := os.ReadFile("../docs/admin-match.md")
	if err != nil {
		t.Fatal(err)
	}
	own, _, _ := strings.Cut(out.String(), "Global Flags:")
	for line := range strings.Lines(own) {
		if len(line) > 82 {
			t.Errorf("the help has a line of %d columns: %s", len(line)-1, line)
		}
		if _, flag, found := strings.Cut(line, "      --"); found && strings.HasPrefix(line, "      --") {
			if name, _, _ := strings.Cut(flag, " "); !strings.Contains(string(page), "`--"+name+"`") {
				t.Errorf("docs/admin-match.md does not name --%s", name)
			}
		}
	}
}

// TestAdminMatchDocs has the session that docs/admin-match.md shows.
func TestAdminMatchDocs(t *testing.T) {
	a := against(serveAdmin(t, map[string]string{
		"routes": `{"id":"beta","uri":"/cart/*","host":"shop.example","priority":1,"vars":[["http_x_env","==","beta"]],"upstream":{"nodes":{"10.0.0.9:8080":1}}}
			{"id":"cart-read","uri":"/cart/*","host":"shop.example","methods":["GET","HEAD"],"upstream_id":"shop"}
			{"id":"cart","uri":"/cart/*","host":"shop.example","service_id":"shop"}
			{"id":"all","uri":"/*","upstream_id":"shop"}`,
		"services":     `{"id":"shop","name":"web shop","upstream_id":"shop","plugins":{"limit-count":{}}}`,
		"upstreams":    `{"id":"shop","nodes":{"10.0.0.4:8080":1,"10.0.0.5:8080":1}}`,
		"global_rules": `{"id":"1","plugins":{"prometheus":{}}}`,
	}))
	a.run("admin", "match", "--host", "shop.example", "--path", "/cart/7", "--method", "POST")
	page, err := os.ReadFile("../docs/admin-match.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), a.out.String()) || a.errs.Len() > 0 {
		t.Errorf("docs/admin-match.md does not show this:\n%s%s", &a.out, &a.errs)
	}
}

func serveRoutes(t *testing.T, lines string) string {
	return serveAdmin(t, map[string]string{"routes": lines})
}

// serveAdmin is an Admin API with resources of some kinds, one a line.
func serveAdmin(t *testing.T, all map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "APISIX/3.16.0")
		kind, id, one := strings.Cut(strings.TrimPrefix(r.URL.Path, "/apisix/admin/"), "/")
		var items []string
		for line := range strings.Lines(strings.TrimSpace(all[kind])) {
			line = strings.TrimSpace(line)
			if !one || strings.Contains(line, `"id":"`+id+`"`) {
				items = append(items, `{"value":`+line+`}`)
			}
		}
		switch {
		case one && len(items) == 0:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message":"Key not found"}`)
		case one:
			fmt.Fprint(w, items[0])
		default:
			fmt.Fprintf(w, `{"list":[%s],"total":%d}`, strings.Join(items, ","), len(items))
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}
