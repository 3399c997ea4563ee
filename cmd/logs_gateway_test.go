package cmd_test

import (
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// Of 20,000 requests of every kind, on 64 connections and through a reload, logs says what
// the gateway's own access log says, line for line. No field is left out of the comparison.
func TestGatewayLogsEqualAccessLog(t *testing.T) {
	testrig.NeedBPF(t)
	tool := buildTool(t)
	rig := testrig.StartT(t, testrig.Options{APISIXLog: true})
	r := start(t, tool, "logs", "--pid", strconv.Itoa(rig.MasterPID()), "-d", "0", "-o", "apisix", "--show-secrets", "-v")
	r.says(t, "tracing until Ctrl-C")

	var kinds []testrig.Kind
	for _, route := range testrig.AllRoutes() {
		kinds = append(kinds, route.Kind)
	}
	load, err := testrig.Load{Target: rig.Target(), Kinds: kinds, Conns: 64, Requests: 20_000}.Start()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if err := rig.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	result, err := load.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Check(); err != nil {
		t.Error(err)
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
	t.Logf("%d requests, %d of them arrived, in %v", len(result.Sent), arrived, result.Elapsed.Round(time.Millisecond))
	endsWith(t, r, want)
}

// endsWith interrupts r, and wants its lines to be those of the gateway's log.
func endsWith(t *testing.T, r *running, want []string) {
	t.Helper()
	time.Sleep(300 * time.Millisecond)
	r.Process.Signal(syscall.SIGINT)
	r.ends(t, 0)
	if s := r.errs.String(); !strings.Contains(s, "; lost 0\n") {
		t.Errorf("it says: %s", s)
	}
	got := slices.Sorted(strings.Lines(r.out.String()))
	for i := range got {
		got[i] = strings.TrimSuffix(got[i], "\n")
	}
	want = slices.Sorted(slices.Values(want))
	if len(got) != len(want) {
		t.Errorf("%d lines, and %d in the gateway's log", len(got), len(want))
	}
	const most = 20
	said := 0
	for i, j := 0, 0; i < len(got) || j < len(want); {
		switch {
		case i < len(got) && j < len(want) && got[i] == want[j]:
			i, j = i+1, j+1
			continue
		case j == len(want) || i < len(got) && got[i] < want[j]:
			t.Errorf("ours alone:      %s", got[i])
			i++
		default:
			t.Errorf("the gateway's:   %s", want[j])
			j++
		}
		if said++; said == most {
			t.Fatal("and so on")
		}
	}
}
