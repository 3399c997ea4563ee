package cmd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
)

// shopAdmin is the Admin API of the scenes' gateway. It counts what it is asked.
func shopAdmin(t *testing.T) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("X-API-KEY") != adminKey {
			http.Error(w, `{"error_msg":"failed to check token","description":"wrong apikey"}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Server", "APISIX/3.16.0")
		switch r.URL.Path {
		case "/apisix/admin/plugins/list":
			fmt.Fprint(w, `["request-id","limit-count"]`)
		case "/apisix/admin/routes":
			fmt.Fprint(w, `{"list":[{"key":"/apisix/routes/7","value":{"id":"7","name":"orders","uri":"/orders/*","plugins":{"limit-count":{},"request-id":{}},"labels":{"app":"shop"}}}],"total":1}`)
		default:
			fmt.Fprint(w, `{"list":[],"total":0}`)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// traceBusy traces a busy gateway for a moment, and returns the last request that was shown.
func traceBusy(t *testing.T, a *admin, args ...string) map[string]any {
	t.Helper()
	sceneBusy.enter(&a.Env)
	if code := a.run(append([]string{"trace", "-d", "700ms", "-o", "json"}, args...)...); code != 0 {
		t.Fatalf("%v: %d, %s", args, code, &a.errs)
	}
	var last map[string]any
	for line := range bytes.Lines(a.out.Bytes()) {
		var x map[string]any
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatal(err)
		}
		if x["type"] == "trace" {
			last = x
		}
	}
	return last
}

func TestTraceNamesFromTheAdminAPI(t *testing.T) {
	url, asked := shopAdmin(t)
	a := against(url)
	a.Config = func(*gateway.Target) (*apisix.Config, error) {
		return &apisix.Config{URL: url, Key: adminKey, Reception: apisix.Reception{Ports: []uint16{9080}}}, nil
	}
	got := traceBusy(t, a)
	for field, want := range map[string]string{
		"apisix.names": "computed", "apisix.route_id": "7", "apisix.route_name": "orders", "http.route": "/orders/*",
		"apisix.plugins": "[request-id limit-count]", "apisix.labels": "map[app:shop]",
	} {
		if fmt.Sprint(got[field]) != want {
			t.Errorf("%s is %v, want %s: %s", field, got[field], want, &a.errs)
		}
	}
	if got := traceBusy(t, a, "--route", "orders"); got == nil {
		t.Errorf("--route orders keeps nothing: %s", &a.errs)
	}
	before := asked.Load()
	if got := traceBusy(t, a, "--admin", "off"); got["apisix.names"] != nil || asked.Load() != before {
		t.Errorf("--admin off: %v, asked %d times", got["apisix.names"], asked.Load()-before)
	}
}

func TestTraceSaysWhyThereAreNoNames(t *testing.T) {
	url, _ := shopAdmin(t)
	a := against("http://127.0.0.1:1")
	a.Getenv = func(string) string { return "sesame" }
	if got := traceBusy(t, a, "--admin", url); got == nil || strings.Count(a.errs.String(), "note: no plugin lists and labels: list plugins at ") != 1 ||
		!strings.Contains(a.errs.String(), "401 unauthorized: failed to check token: wrong apikey; the key is from APISIX_ADMIN_KEY") {
		t.Errorf("a wrong key: %v, %s", got, &a.errs)
	}
	// What was only found, and does not answer, is told to whoever sits there.
	a = against("http://127.0.0.1:1")
	if traceBusy(t, a); strings.Contains(a.errs.String(), "note:") {
		t.Errorf("nobody asked: %s", &a.errs)
	}
	a.ErrTerm = true
	if traceBusy(t, a); strings.Count(a.errs.String(), "note: no plugin lists and labels: list plugins at http://127.0.0.1:1/apisix/admin: connection refused; ") != 1 {
		t.Errorf("on a terminal: %s", &a.errs)
	}
	for _, args := range [][]string{{"--admin", "ftp://a"}, {"--admin", url, "--admin-cert", "x"}} {
		sceneBusy.enter(&a.Env)
		if code := a.run(append([]string{"trace", "-d", "1ms"}, args...)...); code != 2 {
			t.Errorf("%v: %d, %s", args, code, &a.errs)
		}
	}
}
