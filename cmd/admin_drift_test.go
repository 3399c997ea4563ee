package cmd_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestAdminDriftGolden(t *testing.T) {
	services := testrig.LoadRecorded(t, "../internal/apisix/testdata/control/006*")[0]
	held := string(services.Body(t))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/services":
			fmt.Fprint(w, held)
		case "/apisix/admin/services":
			testrig.SendRaw(w, testrig.LoadRecorded(t, "../internal/apisix/testdata/admin/002*")[0].Response)
		case "/v1/routes", "/v1/upstreams":
			fmt.Fprint(w, "{}")
		default:
			fmt.Fprint(w, `{"list":[],"total":0}`)
		}
	}))
	defer s.Close()
	a := against(s.URL)
	a.Config = func(*gateway.Target) (*apisix.Config, error) {
		return &apisix.Config{URL: s.URL, Control: s.URL, Key: adminKey}, nil
	}
	if code := a.run("admin", "drift"); code != 0 || a.errs.String() != "apisixscope: the gateway has all 2 routes, services and upstreams, and no others\n" {
		t.Errorf("%d, %q, %q", code, &a.out, &a.errs)
	}
	held = strings.NewReplacer(`"modifiedIndex":270`, `"modifiedIndex":54`, "/apisix/services/2", "/apisix/services/old", `"id":"2"`, `"id":"old"`).Replace(held)
	var b strings.Builder
	for _, format := range []string{"table", "json"} {
		if code := a.run("admin", "drift", "--wait", "1ms", "-o", format); code != 1 || a.errs.Len() > 0 {
			t.Errorf("%d, %s", code, &a.errs)
		}
		b.WriteString(a.out.String() + "\n")
	}
	testrig.Golden(t, "admin/drift.txt", b.String())
	if code := a.run("admin", "drift", "-o", "yaml"); code != 2 {
		t.Errorf("-o yaml: %d", code)
	}
}
