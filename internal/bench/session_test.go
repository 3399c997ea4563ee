package bench

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

const (
	linkingConns    = 256
	linkingRequests = 21000 // 750 of each kind
	warmUpRequests  = 560
)

// A mode is a way to watch.
type mode struct {
	name   string
	probes bool
	binary string // the gateway's; "" is the usual one
}

// withoutLayout copies nginx and makes its version one that does not exist, so that
// nothing is known of its structs.
func withoutLayout(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/usr/sbin/nginx")
	if err != nil {
		t.Fatal(err)
	}
	// The modules are checked by a number, not by this text.
	text = regexp.MustCompile(`nginx/\d(\.\d+\.\d+)`).ReplaceAll(text, []byte("nginx/9$1"))
	path := filepath.Join(t.TempDir(), "nginx")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// A session is a load under a window, and all that was written down about it.
type session struct {
	witnesses
	probes    bool
	plainPort uint16 // of the gateway, for plain HTTP/1
	traces    []*traced
	sum       summary
}

// runSession watches a rig while all kinds of requests go through it.
func runSession(t *testing.T, program string, m mode) session {
	t.Helper()
	rig := testrig.StartT(t, testrig.Options{Record: true, Binary: m.binary})
	// The window begins with pools that are full, as on a gateway that has been running.
	warm := load(t, rig, testrig.Load{Requests: warmUpRequests, Conns: 32}, nil)

	out, err := os.Create(filepath.Join(t.TempDir(), "traces.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	probes := "off"
	if m.probes || m.binary != "" {
		probes = "auto"
	}
	tool := watch(t, program, rig, out, "trace", "-o", "json", "--probes", probes)
	res := load(t, rig, testrig.Load{Requests: linkingRequests, Conns: linkingConns}, func() {
		reloadAt(t, rig, arrived(warm)+linkingRequests/2)
	})
	lines, err := rig.WaitAccessLog(deadline(t), arrived(warm)+arrived(res))
	if err != nil {
		t.Fatal(err)
	}
	tool.stopWell()

	s := session{probes: m.probes, plainPort: portOf(rig.Addr())}
	s.sent, s.lines, s.nodes = res.Sent, lines, rig.Nodes()
	if s.records, err = rig.Records(deadline(t)); err != nil {
		t.Fatal(err)
	}
	s.sum, err = readOutput(out.Name(), func(x *traced, line []byte) {
		x.raw = string(line)
		s.traces = append(s.traces, x)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// load sends l from a process of its own, and runs meanwhile beside it.
func load(t *testing.T, rig *testrig.Rig, l testrig.Load, meanwhile func()) testrig.LoadResult {
	t.Helper()
	l.Target = rig.Target()
	p, err := l.Start()
	if err != nil {
		t.Fatal(err)
	}
	if meanwhile != nil {
		meanwhile()
	}
	res, err := p.Wait(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Check(); err != nil {
		t.Fatalf("this run proves nothing: %v", err)
	}
	return res
}

// reloadAt reloads the gateway when its access log has n lines.
func reloadAt(t *testing.T, rig *testrig.Rig, n int) {
	t.Helper()
	for ctx := deadline(t); ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(rig.Dir(), "access.log"))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(text, []byte("\n")) < n {
			continue
		}
		if err := rig.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("the access log never had %d lines", n)
}

// arrived counts the requests that the gateway saw.
func arrived(res testrig.LoadResult) int {
	n := 0
	for _, s := range res.Sent {
		if s.Arrived() {
			n++
		}
	}
	return n
}

// deadline is for steps that take seconds.
func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
