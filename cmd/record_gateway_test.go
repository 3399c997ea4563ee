package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestGatewayRecord keeps 20,000 requests of every kind on 64 connections in a file. Of that
// file, logs says what the gateway's own access log says, line for line, and trace has as many.
func TestGatewayRecord(t *testing.T) {
	testrig.NeedBPF(t)
	tool := buildTool(t)
	rig := testrig.StartT(t, testrig.Options{APISIXLog: true})
	file := filepath.Join(t.TempDir(), "incident.apisixscope")
	r := start(t, tool, "record", "--pid", strconv.Itoa(rig.MasterPID()), "--admin", "off", "-d", "0", "-w", file, "--show-secrets", "-v")
	r.says(t, "tracing until Ctrl-C")
	var kinds []testrig.Kind
	for _, route := range testrig.AllRoutes() {
		kinds = append(kinds, route.Kind)
	}
	result, err := testrig.Load{Target: rig.Target(), Kinds: kinds, Conns: 64, Requests: 20_000}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	arrived := 0
	for _, s := range result.Sent {
		if s.Arrived() {
			arrived++
		}
	}
	want, err := rig.WaitAPISIXLog(t.Context(), arrived)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	memory := mostMemory(t, r.Process.Pid)
	r.Process.Signal(syscall.SIGINT)
	r.ends(t, 0)
	if s := r.errs.String(); !strings.Contains(s, "; lost 0\n") || !strings.Contains(s, fmt.Sprintf("recorded %d requests and ", arrived)) {
		t.Errorf("it says: %s", s)
	}
	if memory > 300<<20 {
		t.Errorf("it took %d MiB of memory", memory>>20)
	}
	back := start(t, tool, "logs", "-r", file, "-o", "apisix", "--show-secrets").ends(t, 0)
	got := slices.Sorted(strings.Lines(back.out.String()))
	want = slices.Sorted(slices.Values(want))
	if len(got) != len(want) {
		t.Errorf("%d lines, and %d in the gateway's log", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if strings.TrimSuffix(got[i], "\n") != want[i] {
			t.Fatalf("ours:\n%sthe gateway's:\n%s", got[i], want[i])
		}
	}
	traces := start(t, tool, "trace", "-r", file, "-o", "json").ends(t, 0).traces(t)["trace"]
	if len(traces) != arrived {
		t.Errorf("trace -r shows %d requests, %d arrived", len(traces), arrived)
	}
	top := start(t, tool, "profile", "-r", file).ends(t, 0)
	if !strings.Contains(top.out.String(), "apisix/") {
		t.Errorf("profile -r shows no Lua:\n%s", &top.out)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	t.Logf("%d requests in %v: %d bytes of the file each, %d MiB of memory", arrived, result.Elapsed.Round(time.Millisecond), info.Size()/int64(arrived), memory>>20)
}

// TestGatewayRecordIsKilled reads what there is of a window whose program was killed.
func TestGatewayRecordIsKilled(t *testing.T) {
	testrig.NeedBPF(t)
	tool, rig := buildTool(t), loaded(t)
	file := filepath.Join(t.TempDir(), "incident.apisixscope")
	r := start(t, tool, "record", "--pid", strconv.Itoa(rig.MasterPID()), "--admin", "off", "-d", "0", "-w", file, "-v")
	r.says(t, "tracing until Ctrl-C")
	time.Sleep(5 * time.Second)
	r.Process.Kill()
	r.Wait() // it was killed
	back := start(t, tool, "trace", "-r", file, "-o", "json").ends(t, 0)
	if n := len(back.traces(t)["trace"]); n < 600 { // 200 a second, but for the last second or two
		t.Errorf("%d requests are left: %s", n, &back.errs)
	}
	if !strings.Contains(back.errs.String(), "note: the recording is cut after ") {
		t.Errorf("it does not say that it is cut: %s", &back.errs)
	}
}

// mostMemory is what a process has had at once.
func mostMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("no VmHWM: %s", status)
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
