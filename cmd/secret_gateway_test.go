package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// Secrets that pass a live gateway are in no output and no file, and the key of the Admin API is
// not in the command line that others can see.
func TestGatewayShowsNoSecret(t *testing.T) {
	testrig.NeedBPF(t)
	tool := buildTool(t)
	rig := testrig.StartT(t, testrig.Options{})
	dir := t.TempDir()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(mark), 0o600); err != nil {
		t.Fatal(err)
	}
	var all []*running
	for i, args := range [][]string{
		{"logs", "--header", "all"}, {"logs", "-o", "json"}, {"logs", "-o", "apisix"}, {"logs", "-w", filepath.Join(dir, "out.har")},
		{"trace", "-o", "tree"}, {"trace", "-o", "table"}, {"trace", "-o", "otlp"}, {"trace", "-w", filepath.Join(dir, "out.json")},
	} {
		r := command(t, tool, append(args, "--pid", strconv.Itoa(rig.MasterPID()), "-d", "0", "-c", "1", "-v", "--admin", "127.0.0.1:1")...)
		r.Env = append(slices.DeleteFunc(r.Env, func(v string) bool { return strings.HasPrefix(v, "XDG_STATE_HOME=") }),
			"APISIX_ADMIN_KEY="+mark, "XDG_STATE_HOME="+filepath.Join(dir, "state"))
		if i%2 == 1 {
			r.Args = append(r.Args, "--admin-key-file", key)
		}
		if err := r.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	for _, r := range all {
		r.says(t, "tracing 1 requests")
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", r.Process.Pid))
		if err != nil || len(line) == 0 || strings.Contains(string(line), mark) {
			t.Errorf("%q, %v", line, err)
		}
	}

	route, err := testrig.RouteOf(testrig.Headers)
	if err != nil {
		t.Fatal(err)
	}
	secret := func(names ...string) (fields []testrig.HeaderField) {
		for _, name := range names {
			fields = append(fields, testrig.HeaderField{Name: name, Value: mark})
		}
		return fields
	}
	if err := rig.Answer(t.Context(), "secretive", secret("Set-Cookie", "X-Session-Token", "X-Node-Secret")); err != nil {
		t.Fatal(err)
	}
	got, err := rig.Target().SendRaw(t.Context(), testrig.OverHTTP, testrig.RawRequest{
		Route: route, ID: "secretive", Path: route.Paths[0] + "?x=1&apikey=" + mark + "&access_token=" + mark,
		Header: append(secret("Authorization", "Proxy-Authorization", "Cookie", "X-API-KEY", "apikey", "X-Foo-Token", "X-Foo-Secret", "X-Foo-Key"),
			testrig.HeaderField{Name: "Referer", Value: "https://ann:" + mark + "@shop.example/?token=" + mark}),
	})
	if err != nil || got.Status != 200 || !strings.Contains(fmt.Sprint(got.Header), mark) {
		t.Fatalf("%v, %v", got, err)
	}
	for _, r := range all {
		text := r.ends(t, 0).out.String() + r.errs.String()
		if strings.Contains(text, mark) || !strings.Contains(text, "shown 1") {
			t.Errorf("%v: %s", r.Args[1:], text)
		}
	}
	files := written(t, dir)
	if strings.Contains(files, mark) || strings.Count(files, "headers.deepflow.demo") < 2 {
		t.Errorf("the files: %s", files)
	}
}
