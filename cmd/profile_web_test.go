package cmd_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/cmd"
)

// TestProfileWeb looks at the pages that --web shows, as their user and as a stranger.
func TestProfileWeb(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(t.TempDir(), "config")) // where pprof keeps settings
	var out, errs safeBuffer
	env := cmd.Env{Version: "v0.0.0-test", Out: &out, Err: &errs, Began: time.Now(), Hurry: make(chan struct{})}
	scene("").enter(&env)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- cmd.Execute(ctx, env, []string{"profile", "-d", "50ms", "--web", "--by", "phase"}) }()
	var address string
	for range 500 {
		if m := regexp.MustCompile(`profile: (http://127\.0\.0\.1:\S+)`).FindStringSubmatch(errs.String()); m != nil {
			address = m[1]
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		t.Fatalf("no address in %q: %v", errs.String(), err)
	}
	get := func(path, host string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, "GET", "http://"+u.Host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	secret := strings.TrimSuffix(u.Path, "/flamegraph")
	for _, tt := range []struct {
		path, host string
		code       int
		has        string
	}{
		{secret + "/flamegraph", "", 200, "_M.incoming"},
		{secret + "/flamegraph", "", 200, `"log"`}, // a phase, as a frame
		{secret + "/top", "", 200, "tcp_sendmsg"},
		{secret + "/top?tf=plugin%3Dlimit-count", "", 200, "_M.incoming"},
		{secret + "/peek?f=incoming", "", 200, "_M.access"},
		{secret + "/saveconfig?config=x", "", 404, ""},
		{secret + "/", "", 404, ""},
		{secret + "/flamegraph", "evil.example", 403, ""},
		{"/flamegraph", "", 404, ""},
		{"/top", "", 404, ""},
		{"/", "", 404, ""},
		{"/WRONG/top", "", 404, ""},
	} {
		code, body := get(tt.path, tt.host)
		if code != tt.code || !strings.Contains(body, tt.has) {
			t.Errorf("%s (host %q): %d, want %d with %q\n%.300s", tt.path, tt.host, code, tt.code, tt.has, body)
		}
		if code != 200 && strings.Contains(body, "incoming") {
			t.Errorf("%s (host %q) shows the profile", tt.path, tt.host)
		}
	}
	if _, body := get(secret+"/top", ""); !strings.Contains(body, `href="./flamegraph`) && !strings.Contains(body, `href="./top`) {
		t.Error("links of the pages are not relative")
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it does not end")
	}
	if out.String() != "" {
		t.Errorf("stdout has %.100q", out.String())
	}
	if left, err := os.ReadDir(os.Getenv("XDG_CONFIG_HOME")); err == nil && len(left) > 0 {
		t.Errorf("pprof left %v behind", left)
	}
}
