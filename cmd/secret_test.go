package cmd_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/trace"
)

// mark is in every secret that is planted, and in nothing else.
const mark = "PLANTED"

// secretive is a request that is full of secrets.
func secretive() []trace.Event {
	const (
		query = "x=1&apikey=" + mark + "1&access_token=" + mark + "2&jwt=" + mark + "3&client%5Fsecret=" + mark + "4"
		uri   = "/orders?" + query
		link  = "https://ann:" + mark + "5@shop.example" + uri
	)
	state := trace.UpstreamState{Peer: "10.0.1.1:80", Status: 200, Connect: -1, Header: time.Millisecond, Response: time.Millisecond}
	head := trace.Head{Seen: true}
	for _, f := range [][2]string{
		{"Host", "shop.example"}, {"Authorization", "Bearer " + mark}, {"authorization", "Basic " + mark}, {"Proxy-Authorization", "Basic " + mark},
		{"Cookie", "a=b; session=" + mark}, {"Set-Cookie", "session=" + mark}, {"X-API-KEY", mark}, {"apikey", mark}, {"X-Foo-Token", mark},
		{"X-Foo-Secret", mark}, {"X-Foo-Key", mark}, {"Referer", link}, {"Location", link}, {"X-Original-URI", uri},
	} {
		head.Fields = append(head.Fields, trace.Field{Name: f[0], Value: f[1]})
	}
	e := request(1, "GET "+uri+" HTTP/1.1", "shop.example", 200, 3*time.Millisecond)
	r := e.Request
	r.Attempts, r.AttemptsLen, r.Upstream = []trace.UpstreamState{state}, 1, 1
	r.Logged = &trace.Logged{
		Time: e.Time, RemoteAddr: "10.0.0.1", RemoteUser: "ann", Line: r.Line, LineLen: r.LineLen, HTTPHost: "shop.example", Referer: link,
		UserAgent: "curl/7.88.1", Status: 200, BytesSent: 200, UpstreamScheme: "http", UpstreamHost: "shop.example", UpstreamURI: uri,
		RequestID: "8f9ec4b1", Upstreams: r.Attempts,
	}
	r.Headers = &trace.Headers{Request: head, UpstreamRequest: head, UpstreamResponse: head, Response: head}
	return []trace.Event{e, {Kind: trace.KindSwept, Time: began.Add(time.Minute)}}
}

type events struct{ left []trace.Event }

func (s *events) Next(ctx context.Context) (trace.Event, error) {
	if len(s.left) == 0 {
		<-ctx.Done()
		return trace.Event{}, ctx.Err()
	}
	e := s.left[0]
	s.left = s.left[1:]
	return e, nil
}

func (s *events) Close() error { return nil }

// said runs the program on secretive's request, and returns all that it says and writes.
func said(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	var out, errs bytes.Buffer
	env := cmd.Env{
		Version: "v0.0.0-test", Out: &out, Err: &errs, OutTerm: true, ErrTerm: true, NoColor: true, Width: 400, Began: time.Now(),
		Getenv: func(name string) string { return map[string]string{"XDG_STATE_HOME": dir}[name] },
	}
	scene("").enter(&env)
	env.OpenTrace = func(context.Context, bpf.Options) (trace.Source, error) { return &events{secretive()}, nil }
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", dir)
	}
	if code := cmd.Report(&errs, cmd.Execute(t.Context(), env, append(args, "-d", "50ms"))); code != 0 {
		t.Fatalf("%v: exit code %d: %s", args, code, &errs)
	}
	if !strings.Contains(errs.String(), "shown 1") {
		t.Errorf("%v: not one request: %s", args, &errs)
	}
	return out.String() + errs.String() + written(t, dir)
}

// written is what is in all files of a directory, and their names.
func written(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.WriteString(path + "\n" + string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// No secret of a request is shown in any format, unless it is asked for.
func TestNoSecretOfARequestIsShown(t *testing.T) {
	template := "template={{.uri}} {{.query}} {{.path}} {{.referer}} {{json .uri}} {{header \"authorization\"}} " +
		"{{upstream_header \"x-foo-key\"}} {{response_header \"location\"}}{{upstream_response_header \"set-cookie\"}}"
	for _, args := range [][]string{
		{"logs", "--header", "all"}, {"logs", "-o", "json"}, {"logs", "-o", "har"}, {"logs", "-o", "apisix", "--header", "all"},
		{"logs", "-o", template}, {"logs", "-w", "DIR/out.har"}, {"logs", "-w", "DIR/out.json"}, {"logs", "-w", "DIR/out.txt", "-v"},
		{"logs", "--where", `header("x-api-key") != "" && query contains "x=1"`, "-v"},
		{"trace", "-o", "table"}, {"trace", "-o", "tree", "--evidence"}, {"trace", "-o", "json"}, {"trace", "-o", "otlp"},
		{"trace", "-w", "DIR/out.json", "-v"}, {"trace", "--summary", "-o", "table"}, {"trace", "--summary", "-o", "json"},
	} {
		secrets := append(slices.Clone(args), "--show-secrets")
		if got := said(t, args...); strings.Contains(got, mark) {
			t.Errorf("%v shows a secret: %s", args, got)
		}
		// Some have no query, or no room for it.
		hasSecret := !slices.Contains(args, "--summary") && !slices.Contains(args, "DIR/out.txt")
		if got := said(t, secrets...); strings.Contains(got, mark) != hasSecret {
			t.Errorf("%v: %s", secrets, got)
		}
	}
}

// No key of the Admin API, and no secret of a resource, is in what the commands say or write,
// whatever goes wrong.
func TestNoSecretOfTheAdminAPIIsShown(t *testing.T) {
	const key = mark + "-admin-key"
	resource := strings.ReplaceAll(routeJSON, planted, mark+"-client-secret")
	answers := map[string]http.HandlerFunc{
		"wrong key": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(401)
			w.Write([]byte(`{"error_msg":"failed to check token","description":"wrong apikey"}`))
		},
		"HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<html>no API</html>"))
		},
		"no JSON":  func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"list":`)) },
		"failed":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere?api_key="+key, http.StatusFound)
		},
	}
	lines := []string{
		"get routes", "get routes -o json", "get routes -o yaml", "get routes 1 -o json", "get consumers", "health", "health -o json",
		"drift -o json", "match GET /shop/1", "match GET /shop/1 -o json", "plugin show openid-connect --route 1",
		"plugin show openid-connect --route 1 -o json", "plugin show openid-connect --route 1 -o yaml", "plugin disable prometheus --route 1",
	}
	try := func(t *testing.T, url string) (worked int) {
		t.Helper()
		dir := t.TempDir()
		file := filepath.Join(dir, "key")
		if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, from := range []string{"environment", "file", "config.yaml"} {
			for _, line := range lines {
				state := t.TempDir()
				a := against(url)
				vars := map[string]string{"XDG_STATE_HOME": state}
				args := append([]string{"-v", "admin"}, strings.Fields(line)...)
				config := &apisix.Config{File: "/usr/local/apisix/conf/config.yaml", URL: url, Key: "none"}
				switch from {
				case "environment":
					vars["APISIX_ADMIN_KEY"] = key
				case "file":
					args = append(args, "--admin-key-file", file)
				default:
					config.Key = key
				}
				a.Getenv = func(name string) string { return vars[name] }
				a.Config = func(*gateway.Target) (*apisix.Config, error) { return config, nil }
				if a.run(args...) == 0 {
					worked++
				}
				text := a.out.String() + a.errs.String()
				filepath.WalkDir(state, func(path string, _ fs.DirEntry, _ error) error {
					text += path + "\n"
					return nil
				})
				if strings.Contains(text, mark) {
					t.Errorf("%s, with the key of the %s: %s", line, from, text)
				}
			}
		}
		return worked
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(answer)
			defer s.Close()
			if worked := try(t, s.URL); worked > 0 {
				t.Errorf("%d commands work", worked)
			}
		})
	}
	t.Run("TLS", func(t *testing.T) {
		s := httptest.NewUnstartedServer(answers["failed"])
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		try(t, s.URL)
		try(t, strings.Replace(s.URL, "https", "http", 1))
	})
	t.Run("nobody", func(t *testing.T) { try(t, "http://127.0.0.1:1") })
	t.Run("it works", func(t *testing.T) {
		api := newAPI(t)
		api.set("routes/1", resource)
		api.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("X-API-KEY") == key {
				r.Header.Set("X-API-KEY", sesame)
			}
			return false
		}
		if worked := try(t, "http://"+api.addr); worked < 3*9 {
			t.Errorf("%d commands work", worked)
		}
	})
}
