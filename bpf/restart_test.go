package bpf_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// serveVar is the variable of the environment that has the test binary serve at an address.
const serveVar = "APISIXSCOPE_TEST_SERVE"

// serveForever is the test binary as an upstream; TestMain calls it where serveVar is set.
func serveForever(addr string) error {
	return http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
}

// serve runs an upstream in a process of its own, until the function it returns is called.
func serve(t *testing.T, addr string) (pid int, stop func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), serveVar+"="+addr)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		c.Process.Kill()
		c.Wait()
	}
	t.Cleanup(stop)
	eventually(t, "the upstream serves", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return c.Process.Pid, stop
}

// TestGatewayUpstreamRestarts has an upstream's process end in the window, and another one take
// its place.
func TestGatewayUpstreamRestarts(t *testing.T) {
	rig, addr := testrig.StartT(t, testrig.Options{}), freeAddr(t)
	if err := rig.MoveNode(t.Context(), "error", addr); err != nil {
		t.Fatal(err)
	}
	first, stop := serve(t, addr)
	w := watch(t, rig, true)
	seenAt(t, w, rig, first)
	stop()
	second, _ := serve(t, addr)
	seenAt(t, w, rig, second)
}

// seenAt asks until a request is seen at the upstream's process, too.
func seenAt(t *testing.T, w *window, rig *testrig.Rig, pid int) {
	t.Helper()
	eventually(t, fmt.Sprintf("process %d is seen", pid), func() bool {
		c := dial(t, rig.Addr())
		c.send(askNode("GET"))
		c.status("GET")
		c.Close()
		return slices.ContainsFunc(w.of(t, c).Spans, func(s trace.Span) bool { return s.Role == trace.RoleUpstream && s.PID == pid })
	})
}

// freeAddr is an address at which nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
