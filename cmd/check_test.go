package cmd_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/check"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// A checked gateway answers requests as their query says, and is a Source of what it did:
//
//	status  of the answer       node     that answered
//	tries   at nodes            source   of the answer
//	took    in milliseconds     unseen   it is not told of; twice: it is told of again
//	pause   before it answers
type checked struct {
	*httptest.Server
	events chan trace.Event
	took   int           // where the query says nothing; 0 for 5
	hang   chan struct{} // each request puts one into it when it comes, and takes one before it is answered; nil for none
}

func startChecked(t *testing.T) *checked {
	c := &checked{events: make(chan trace.Event, 2000)}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *checked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.hang != nil {
		c.hang <- struct{}{}
		select {
		case <-c.hang:
		case <-r.Context().Done():
			return
		}
	}
	q := r.URL.Query()
	if pause, err := time.ParseDuration(q.Get("pause")); err == nil {
		time.Sleep(pause)
	}
	number := func(name string, usual int) int {
		if n, err := strconv.Atoi(q.Get(name)); err == nil {
			return n
		}
		return usual
	}
	status := number("status", 200)
	x := &trace.Exchange{
		Start: began, Duration: time.Duration(number("took", max(c.took, 5))) * time.Millisecond, PID: 4132, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
		Host: r.Host, Protocol: "1.1", Status: status, Timing: trace.Timing{Gateway: time.Millisecond}, Source: trace.FromUpstream,
	}
	if s := q.Get("source"); s != "" {
		x.Source = trace.ResponseSource(s)
	}
	if id, err := hex.DecodeString(strings.Split(r.Header.Get("traceparent")+"--", "-")[1]); err == nil {
		copy(x.TraceID[:], id)
	}
	if name := strings.Trim(r.URL.Path, "/"); name != "" {
		x.Names = trace.Names{From: trace.NamesExact, RouteID: "r-" + name, RouteName: name, ServiceID: "shop", Consumer: "jack", Upstream: "u-" + name}
	}
	for range number("tries", 1) {
		x.Attempts = append(x.Attempts, trace.Attempt{Peer: netip.MustParseAddrPort("10.0.0.7:80"), Status: status, Duration: 3 * time.Millisecond})
	}
	tell := func(x *trace.Exchange) { c.events <- trace.Event{Kind: trace.KindExchange, Exchange: x} }
	if !q.Has("unseen") {
		tell(x)
	}
	if q.Has("twice") {
		tell(x.Clone())
	}
	if q.Has("lossy") {
		c.events <- trace.Event{Kind: trace.KindLost, Cause: "requests_ring_full", Count: 3}
	}
	if q.Has("others") { // pass by at the same time
		for i := range 10 {
			other := x.Clone()
			other.TraceID, other.Names.RouteName = trace.TraceID{1, byte(i)}, "others"
			if other.Status = 200; i == 0 {
				other.Status, other.ErrType = 502, "connection_refused"
			}
			tell(other)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Cache", "HIT from edge-7")
	w.Header().Set("X-Echo", r.Header.Get("Authorization"))
	w.Header().Set("Set-Cookie", "sid=5f3a")
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"order":{"id":7,"items":["a","b"]},"orders":[{"state":"paid"}],"sent":%q,"method":%q,"host":%q,"tenant":%q}`, body, r.Method, r.Host, r.Header.Get("X-Tenant"))
}

// Next makes it a trace.Source.
func (c *checked) Next(ctx context.Context) (trace.Event, error) {
	select {
	case e := <-c.events:
		return e, nil
	case <-ctx.Done():
		return trace.Event{}, io.EOF
	}
}

type openChecked struct{ *checked }

func (openChecked) Close() error { return nil }

// run runs the command in a scene, against the gateway, and returns its exit code, what it
// wrote, and what it said on stderr but for the window's own summary.
func (c *checked) run(ctx context.Context, s scene, args ...string) (code int, out, said string) {
	var stdout, stderr bytes.Buffer
	env := cmd.Env{Version: "v0.0.0-test", Out: &stdout, Err: &stderr}
	s.enter(&env)
	if s == sceneNone {
		env.Ready = func() error { return nil }
	}
	env.OpenTrace = func(context.Context, bpf.Options) (trace.Source, error) { return openChecked{c}, nil }
	code = cmd.Report(&stderr, cmd.Execute(ctx, env, append([]string{"check"}, args...)))
	for line := range strings.Lines(stderr.String()) {
		if !strings.HasPrefix(line, "seen ") && !strings.HasPrefix(line, "no request finished") {
			said += line
		}
	}
	return code, stdout.String(), said
}

// TestCheckFiles runs each file of testdata/check. The first line of a file may have words
// for the command line.
func TestCheckFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/check/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	t.Setenv("TENANT", "acme")
	t.Setenv("TOKEN", "hunter2secret")
	took := regexp.MustCompile(`\(\d+(\.\d+)?(µs|ms|s), as`) // as a client measures it
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			gateway := startChecked(t)
			t.Setenv("GATEWAY", gateway.URL)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(data), "\n")
			args := []string{"-f", file}
			if words, ok := strings.CutPrefix(first, "# args: "); ok {
				args = append(args, strings.Fields(words)...)
			}
			s := scene("")
			switch word, _, _ := strings.Cut(name, "-"); word {
			case "blind":
				s = sceneDenied
			case "nowhere":
				s = sceneNone
			}
			code, out, said := gateway.run(t.Context(), s, args...)
			got := fmt.Sprintf("exit %d\n%s", code, out)
			for line := range strings.Lines(said) {
				got += "stderr: " + line
			}
			if strings.Contains(got, "hunter2secret") {
				t.Error("a secret is told")
			}
			got = strings.ReplaceAll(got, gateway.Listener.Addr().String(), "gateway")
			if s == sceneDenied {
				got = took.ReplaceAllString(got, "(TIME, as")
			}
			testrig.Golden(t, "check/"+name+".txt", got)
			if strings.Contains(first, "junit") {
				lintJUnit(t, []byte(out))
			}
		})
	}
}

// lintJUnit has xmllint compare a report with the schema.
func lintJUnit(t *testing.T, report []byte) {
	t.Helper()
	if _, err := exec.LookPath("xmllint"); err != nil {
		if os.Getenv("CI") != "" || os.Getenv("APISIXSCOPE_NEED_BPF") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	lint := exec.Command("xmllint", "--noout", "--schema", "testdata/check/junit.xsd", "-")
	lint.Stdin = bytes.NewReader(report)
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, report)
	}
}

// TestCheckJUnit has what XML cannot hold, and nothing at all, in reports.
func TestCheckJUnit(t *testing.T) {
	plan := &check.Plan{Name: "a\x1b[31m <file>.yaml"}
	r := &check.Report{Plan: plan}
	for i, s := range []check.State{check.Held, check.Failed, check.Unjudged} {
		r.Results = append(r.Results, check.Result{Check: "c & \"d\"", Line: i, Asked: "p99 < 5ms\x00\xff", State: s, Measured: fmt.Sprint(i), Why: "]]> \x01\ufffe"})
	}
	for _, report := range []*check.Report{r, {Plan: plan}} {
		var b bytes.Buffer
		if err := check.Write(&b, "junit", report); err != nil {
			t.Fatal(err)
		}
		lintJUnit(t, b.Bytes())
	}
}
