package bpf_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

const nginxPath = "/usr/sbin/nginx"

// ask sends n requests, each on its own connection to the gateway.
func ask(t *testing.T, rig *testrig.Rig, n int) {
	t.Helper()
	for range n {
		c := dial(t, rig.Addr())
		c.send(get())
		if status := c.status("GET"); status != 200 {
			t.Errorf("status %d", status)
		}
		c.Close()
	}
}

// TestGatewayStripped watches a gateway whose binary has only the symbols that it exports.
func TestGatewayStripped(t *testing.T) {
	testrig.NeedNginx(t)
	binary := filepath.Join(t.TempDir(), "nginx")
	if out, err := exec.Command("objcopy", "--strip-all", nginxPath, binary).CombinedOutput(); err != nil {
		t.Skipf("objcopy: %v: %s", err, out)
	}
	rig := testrig.StartT(t, testrig.Options{Binary: binary})
	w := watch(t, rig, true)
	ask(t, rig, 3)
	w.wait(3)
	for _, x := range w.end() {
		if !gatewaySpan(x) || len(x.Attempts) != 1 || x.Attempts[0].Confident != trace.Exact {
			t.Error(describe([]*trace.Exchange{x}))
		}
	}
	if len(w.notes) > 0 {
		t.Errorf("notes: %q", w.notes)
	}
}

// TestGatewayUnknownVersion watches a gateway of a version that was never measured.
func TestGatewayUnknownVersion(t *testing.T) {
	testrig.NeedNginx(t)
	image, err := os.ReadFile(nginxPath)
	if err != nil {
		t.Fatal(err)
	}
	from, _, _ := bytes.Cut(image[bytes.Index(image, []byte("nginx version: nginx/")):], []byte("\x00"))
	to := append([]byte("nginx version: nginx/9"), bytes.TrimPrefix(from, []byte("nginx version: nginx/1"))...)
	binary := filepath.Join(t.TempDir(), "nginx")
	if err := os.WriteFile(binary, bytes.ReplaceAll(image, from, to), 0o755); err != nil {
		t.Fatal(err)
	}
	rig := testrig.StartT(t, testrig.Options{Binary: binary})
	target := find(t, rig)
	if target.LayoutSource.Known() {
		t.Fatalf("%s has a layout: %s", target.Version, target.LayoutSource)
	}
	w := open(t, bpf.Options{Target: target, Probes: true})
	ask(t, rig, 3)
	w.wait(3)
	checkSocketsAlone(t, w.end(), 3)
	if !w.noted("sockets alone are traced") {
		t.Errorf("notes: %q", w.notes)
	}
}

// askEach sends n requests, each on a connection of its own, and returns their exchanges.
func askEach(t *testing.T, rig *testrig.Rig, w *window, n int) []*trace.Exchange {
	t.Helper()
	var all []*trace.Exchange
	for range n {
		c := dial(t, rig.Addr())
		c.send(get())
		if status := c.status("GET"); status != 200 {
			t.Errorf("status %d", status)
		}
		c.Close()
		all = append(all, w.of(t, c))
	}
	return all
}

// checkSocketsAlone wants n plain exchanges of which nothing is said to be the request
// object's.
func checkSocketsAlone(t *testing.T, all []*trace.Exchange, n int) {
	t.Helper()
	if len(all) != n {
		t.Errorf("want %d exchanges, got %d", n, len(all))
	}
	for _, x := range all {
		p := slices.ContainsFunc(x.Spans, func(s trace.Span) bool { return s.Mark == trace.MarkGateway })
		if p || x.Method != "GET" || x.Path != "/checkout" || x.Host != testrig.MainHost || x.Status != 200 ||
			x.Source != trace.FromUpstream || len(x.Attempts) != 1 || x.Attempts[0].Status != 200 {
			t.Error(describe([]*trace.Exchange{x}))
		}
	}
}

// TestGatewayWrongLayout has every offset point to a neighbour, as after a change of
// nginx's structs that the table does not know.
func TestGatewayWrongLayout(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	target := find(t, rig)
	target.Layout = shifted(target.Layout)
	w := open(t, bpf.Options{Target: target, Probes: true})
	// As many as it takes to notice: then none is under way when the source changes over.
	const enough, after = 8, 5
	ask(t, rig, enough)
	eventually(t, "the source notices", func() bool { return w.noted("do not look as") })
	checkSocketsAlone(t, askEach(t, rig, w, after), after)
	sum := w.close()
	for _, x := range w.seen {
		if gatewaySpan(x) {
			t.Error(describe([]*trace.Exchange{x}))
		}
	}
	if missing := enough + after - len(w.seen); sum.Lost["requests_unknown_layout"] < uint64(missing) {
		t.Errorf("%d requests were not shown, but lost: %v", missing, sum.Lost)
	}
	if !strings.Contains(strings.Join(sum.Notes, ""), "sockets alone are traced from here") {
		t.Errorf("notes: %q", sum.Notes)
	}
}

// shifted moves every offset by the size of a pointer.
func shifted(l gateway.Layout) gateway.Layout {
	structs := reflect.ValueOf(&l).Elem()
	for i := range structs.NumField() {
		fields := structs.Field(i)
		for j := range fields.NumField() {
			fields.Field(j).SetUint(fields.Field(j).Uint() + 8)
		}
	}
	return l
}
