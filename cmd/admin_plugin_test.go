package cmd_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestAdminPluginShowGolden(t *testing.T) {
	dir := "../internal/apisix/testdata/admin/"
	s := httptest.NewServer(testrig.Replay(t, testrig.LoadRecorded(t, dir+"013*", dir+"024*", dir+"064*", dir+"119*", dir+"122*")))
	defer s.Close()
	a := against(s.URL)
	var b strings.Builder
	for _, line := range []string{
		"opentelemetry --route deepflow-apisix-demo", "opentelemetry --route deepflow-apisix-demo -o json", "cors --route deepflow-apisix-demo",
		"limit-count --plugin-config 1 -o yaml", "limit-count --plugin-config 1 --schema -o json", "nosuch --route deepflow-apisix-demo --schema",
		"cors --route nosuch",
	} {
		code := a.run(append([]string{"admin", "plugin", "show"}, strings.Fields(line)...)...)
		out := a.out.String()
		if len(out) > 1000 {
			out = out[:200] + "…\n"
		}
		errs := strings.ReplaceAll(a.errs.String(), a.address(t), "ADDRESS")
		fmt.Fprintf(&b, "$ apisixscope admin plugin show %s\n%s%sexit code %d\n\n", line, out, errs, code)
	}
	testrig.Golden(t, "admin/plugin.txt", b.String())
}

func TestAdminPluginShowHidesSecrets(t *testing.T) {
	a := against("http://" + newAPI(t).addr)
	a.Getenv = func(name string) string { return map[string]string{"APISIX_ADMIN_KEY": sesame}[name] }
	for _, format := range []string{"text", "json", "yaml"} {
		for _, secrets := range []bool{false, true} {
			code := a.run("admin", "plugin", "show", "openid-connect", "--route", "1", "-o", format, fmt.Sprintf("--show-secrets=%v", secrets))
			if got := strings.Contains(a.out.String(), planted); code != 0 || got != secrets || strings.Contains(a.out.String(), "***") == secrets {
				t.Errorf("%s, secrets %v: exit code %d, %s%s", format, secrets, code, &a.out, &a.errs)
			}
		}
	}
}

func TestAdminPluginAndRestoreMisuse(t *testing.T) {
	a := against("http://127.0.0.1:1")
	state := t.TempDir()
	a.Getenv = func(name string) string { return map[string]string{"XDG_STATE_HOME": state}[name] }
	var b strings.Builder
	for _, line := range []string{
		"admin plugin show", "admin plugin show a b --route 1", "admin plugin show a/b --route 1", "admin plugin show a",
		"admin plugin show a --route 1 --service 2", "admin plugin show a --route 1 -o xml", "admin plugin enable a --route 1 --config {",
		"admin plugin enable a --route 1 --config []", "admin plugin enable a --route 1 --for -1s", "admin plugin disable a --route 1 --config {}",
		"admin plugin disable a --route ..", "restore --all a", "restore --force", "restore --force --forget a", "restore -o yaml",
	} {
		if code := a.run(strings.Fields(line)...); code != 2 || a.out.Len() > 0 {
			t.Errorf("%s: exit code %d, %q", line, code, &a.out)
		}
		fmt.Fprintf(&b, "$ apisixscope %s\n%s\n", line, &a.errs)
	}
	testrig.Golden(t, "admin/plugin-misuse.txt", b.String())
	if left, _ := os.ReadDir(state + "/apisixscope/undo"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// What cannot be undone is not done.
func TestNoChangeWithoutAnUndo(t *testing.T) {
	api := newAPI(t)
	a := against("http://" + api.addr)
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a.Getenv = func(name string) string {
		return map[string]string{"XDG_STATE_HOME": file, "APISIX_ADMIN_KEY": sesame}[name]
	}
	code := a.run("admin", "plugin", "disable", "prometheus", "--route", "1")
	if code != 1 || api.changes.Load() > 0 || !strings.Contains(a.errs.String(), "not a directory\nhint: nothing was changed") {
		t.Errorf("exit code %d, %d changes: %s", code, api.changes.Load(), &a.errs)
	}
}
