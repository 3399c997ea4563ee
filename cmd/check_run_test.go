package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// writeChecks writes a file of checks that are of this gateway.
func (c *checked) writeChecks(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checks.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "GATEWAY", c.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const threeChecks = `
requests:
  - {name: whole, url: GATEWAY/orders, repeat: 2, expect: {status: 200, holds: requests == 2}}
  - {name: broken, url: GATEWAY/orders, repeat: 5, expect: {status: 404, route: orders, holds: [requests == 5, retries == 0]}}
  - {name: unsent, url: GATEWAY/orders, expect: {status: 200, route: orders, holds: requests == 1}}
observe:
  - {name: passing, holds: requests == 8}
`

// TestCheckInterrupted interrupts while a request is under way: what is known by then is
// told, nothing is held against the gateway that is ours, and the exit code is no good one.
func TestCheckInterrupted(t *testing.T) {
	gateway := startChecked(t)
	gateway.hang = make(chan struct{})
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		for range 4 {
			<-gateway.hang
			gateway.hang <- struct{}{}
		}
		<-gateway.hang // the fifth has come
		for len(gateway.events) > 0 {
			time.Sleep(time.Millisecond)
		}
		interrupt()
	}()
	code, out, said := gateway.run(ctx, "", "-f", gateway.writeChecks(t, threeChecks))
	testrig.Golden(t, "check/interrupted.txt", fmt.Sprintf("exit %d\n%s%s", code, out, said))
}

// TestCheckInterruptedUnseen does the same where the gateway's side cannot be seen, and
// before anything was done.
func TestCheckInterruptedUnseen(t *testing.T) {
	gateway := startChecked(t)
	file := gateway.writeChecks(t, threeChecks)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, s := range []scene{"", sceneDenied, sceneNone} {
		code, out, said := gateway.run(ctx, s, "-f", file)
		if code != 1 || strings.Contains(out, "FAILED") || strings.Contains(out, "  ok") || !strings.Contains(said, "interrupted") {
			t.Errorf("scene %q: exit %d\n%s%s", s, code, out, said)
		}
	}
}

// endsEarly is a Source that ends after a request.
type endsEarly struct {
	*checked
	over bool
}

func (e *endsEarly) Next(ctx context.Context) (trace.Event, error) {
	if e.over {
		return trace.Event{}, io.EOF
	}
	e.over = true
	return e.checked.Next(ctx)
}

func (*endsEarly) Close() error { return nil }

// TestCheckEndsEarly has the window end before its time: the gateway has gone.
func TestCheckEndsEarly(t *testing.T) {
	gateway := startChecked(t)
	var out, errs bytes.Buffer
	env := cmd.Env{Out: &out, Err: &errs}
	scene("").enter(&env)
	env.OpenTrace = func(context.Context, bpf.Options) (trace.Source, error) { return &endsEarly{checked: gateway}, nil }
	code := cmd.Report(&errs, cmd.Execute(t.Context(), env, []string{"check", "-f", gateway.writeChecks(t, threeChecks), "--for", "1m"}))
	if code != 1 || !strings.Contains(errs.String(), "is the gateway gone?") || !strings.Contains(out.String(), "not judged") {
		t.Errorf("exit %d\n%s%s", code, &out, &errs)
	}
}

// TestCheckRefusedAtOpen has the kernel refuse what the capabilities allow, as security
// modules do: then the client's side is judged.
func TestCheckRefusedAtOpen(t *testing.T) {
	gateway := startChecked(t)
	var out, errs bytes.Buffer
	env := cmd.Env{Out: &out, Err: &errs}
	scene("").enter(&env)
	env.OpenTrace = func(context.Context, bpf.Options) (trace.Source, error) {
		return nil, fmt.Errorf("load program: %w", fs.ErrPermission)
	}
	file := gateway.writeChecks(t, "requests: [{name: a, url: GATEWAY/orders, expect: {status: 200, route: orders}}]")
	code := cmd.Report(&errs, cmd.Execute(t.Context(), env, []string{"check", "-f", file}))
	want := "4 assertions: 2 held, 0 failed, 2 not judged; only the client's side was seen: load program: permission denied\n"
	if code != 0 || !strings.HasSuffix(out.String(), want) {
		t.Errorf("exit %d\n%s%s", code, &out, &errs)
	}
}

// TestCheckWaits has the gateway come up while it is waited for, without a worker at first.
func TestCheckWaits(t *testing.T) {
	for wait, want := range map[string]int{"1m": 0, "0": 1} {
		g := startChecked(t)
		var out, errs bytes.Buffer
		env := cmd.Env{Out: &out, Err: &errs}
		scene("").enter(&env)
		env.OpenTrace = func(context.Context, bpf.Options) (trace.Source, error) { return openChecked{g}, nil }
		tries := 0
		find := env.Find
		env.Find = func(ctx context.Context, q gateway.Query) (*gateway.Target, error) {
			target, err := find(ctx, q)
			switch tries++; tries {
			case 1:
				return sceneNone.find(ctx, q)
			case 2:
				target.Children = nil
			}
			return target, err
		}
		file := g.writeChecks(t, "requests: [{name: a, url: GATEWAY/orders, expect: {status: 200}}]")
		code := cmd.Report(&errs, cmd.Execute(t.Context(), env, []string{"check", "-f", file, "--wait", wait}))
		if code != want || code == 0 && tries != 3 {
			t.Errorf("--wait %s: exit %d after %d tries\n%s%s", wait, code, tries, &out, &errs)
		}
	}
}

// TestCheckWrites writes a report to a file, which is nobody else's to read.
func TestCheckWrites(t *testing.T) {
	gateway := startChecked(t)
	file := gateway.writeChecks(t, "requests: [{name: a, url: GATEWAY/orders, expect: {status: 404}}]")
	path := filepath.Join(t.TempDir(), "report.xml")
	code, out, said := gateway.run(t.Context(), "", "-f", file, "-o", "junit", "-w", path)
	report, err := os.ReadFile(path)
	if code != 3 || out != "" || err != nil || !bytes.Contains(report, []byte(`<failure message="it was 200">`)) {
		t.Errorf("exit %d, %v\n%s%s%s", code, err, report, out, said)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	lintJUnit(t, report)
}

// TestCheckSchema prints what is published.
func TestCheckSchema(t *testing.T) {
	gateway := startChecked(t)
	code, out, said := gateway.run(t.Context(), sceneNone, "--schema")
	published, err := os.ReadFile("../docs/check.schema.json")
	if code != 0 || out != string(published) || !json.Valid(published) || err != nil {
		t.Errorf("exit %d, %v: %s", code, err, said)
	}
}

// TestCheckDocs runs the example of the docs, and compares the session beside it.
func TestCheckDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/check.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	example, rest, _ := strings.Cut(rest, "```\n")
	_, rest, _ = strings.Cut(rest, "lost 0\n")
	want, _, ok := strings.Cut(rest, "$ echo $?\n3\n")
	if !ok {
		t.Fatal("the docs have no session")
	}
	t.Setenv("SHOP_TOKEN", "hunter2secret")
	gateway := startChecked(t)
	gateway.took = 61
	for i := range 1230 { // pass by
		x := &trace.Exchange{
			Start: began, Duration: time.Duration(20+i%5) * time.Millisecond, PID: 4132, Method: "POST", Path: "/checkout", Host: "shop.example",
			Status: 200, Source: trace.FromUpstream, Names: trace.Names{From: trace.NamesExact, RouteID: "9", RouteName: "checkout"},
		}
		if i < 2 {
			x.Status, x.ErrType = 502, "connection_refused"
		}
		gateway.events <- trace.Event{Kind: trace.KindExchange, Exchange: x}
	}
	file := gateway.writeChecks(t, strings.ReplaceAll(example, "http://127.0.0.1:9080", "GATEWAY"))
	code, out, said := gateway.run(t.Context(), "", "-f", file, "--for", "500ms")
	if code != 3 || out != want {
		t.Errorf("exit %d: the docs show\n%s\nand it is\n%s%s", code, want, out, said)
	}
}

// TestCheckObserves sees what comes late in the time, and lasts for all of it.
func TestCheckObserves(t *testing.T) {
	gateway := startChecked(t)
	file := gateway.writeChecks(t, "observe: [{name: a, path: /late, holds: [requests == 1, errors == 1]}]")
	time.AfterFunc(200*time.Millisecond, func() {
		gateway.events <- trace.Event{Kind: trace.KindExchange, Exchange: &trace.Exchange{Start: began, Path: "/late", Status: 503}}
		gateway.events <- trace.Event{Kind: trace.KindExchange, Exchange: &trace.Exchange{Start: began, Path: "/other", Status: 503}}
	})
	start := time.Now()
	code, out, said := gateway.run(t.Context(), "", "-f", file, "--for", "800ms")
	if code != 0 || !strings.HasSuffix(out, "2 assertions: 2 held, 0 failed\n") || time.Since(start) < 800*time.Millisecond {
		t.Errorf("exit %d after %s\n%s%s", code, time.Since(start), out, said)
	}
}
