package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestGatewayTrace(t *testing.T) {
	testrig.NeedBPF(t)
	tool, rig := buildTool(t), loaded(t)
	pid := strconv.Itoa(rig.MasterPID())

	t.Run("count", func(t *testing.T) {
		r := start(t, tool, "trace", "--pid", pid, "--host", testrig.MainHost, "-c", "20", "-o", "json").ends(t, 0)
		lines := r.traces(t)
		if len(lines["trace"]) != 20 || len(lines["summary"]) != 1 {
			t.Fatalf("%d traces and %d summaries, want 20 and 1: %s", len(lines["trace"]), len(lines["summary"]), &r.errs)
		}
		for _, x := range lines["trace"] {
			kinds := map[string]int{}
			spans, _ := x["spans"].([]any)
			for _, s := range spans {
				span, _ := s.(map[string]any)
				kinds[fmt.Sprint(span["kind"])]++
			}
			if x["server.address"] != testrig.MainHost || kinds["P"] == 0 || kinds["S"] == 0 {
				t.Errorf("not a trace of %s with P and S spans: %v", testrig.MainHost, x)
			}
		}
	})
	t.Run("worker's pid", func(t *testing.T) {
		workers, err := rig.Workers()
		if err != nil {
			t.Fatal(err)
		}
		start(t, tool, "trace", "--pid", strconv.Itoa(workers[0]), "-c", "1").ends(t, 0)
	})
	t.Run("signals", func(t *testing.T) {
		for _, signals := range [][]syscall.Signal{{syscall.SIGINT}, {syscall.SIGTERM}, {syscall.SIGINT, syscall.SIGINT}} {
			r := start(t, tool, "trace", "--pid", pid, "-d", "0", "-o", "json", "-v")
			r.says(t, "tracing until Ctrl-C")
			held := heldBy(t, r.Process.Pid)
			if len(held) == 0 {
				t.Error("it holds nothing of the kernel while it traces")
			}
			time.Sleep(300 * time.Millisecond)
			for _, s := range signals {
				r.Process.Signal(s)
				time.Sleep(10 * time.Millisecond)
			}
			r.ends(t, 0)
			if len(signals) == 1 && len(r.traces(t)["summary"]) != 1 {
				t.Errorf("%v: no summary ends the output", signals)
			}
			gone(t, held)
		}
	})
	t.Run("killed", func(t *testing.T) {
		r := start(t, tool, "trace", "--pid", pid, "-d", "0", "-v")
		r.says(t, "tracing until Ctrl-C")
		held := heldBy(t, r.Process.Pid)
		if len(held) == 0 {
			t.Error("it holds nothing of the kernel while it traces")
		}
		r.Process.Kill()
		r.ends(t, -1)
		gone(t, held)
	})
	t.Run("closed pipe", func(t *testing.T) {
		r := start(t, "sh", "-c", `{ "$0" trace --pid "$1" -d 0 -o json; echo "exit $?" >&2; } | head -n 1`, tool, pid).ends(t, 0)
		if n := strings.Count(r.out.String(), "\n"); n != 1 || !strings.Contains(r.errs.String(), "exit 0\n") || strings.Contains(r.errs.String(), "apisixscope:") {
			t.Errorf("%d lines, and on stderr: %s", n, &r.errs)
		}
	})
	t.Run("two at once", func(t *testing.T) {
		one := start(t, tool, "trace", "--pid", pid, "-c", "100", "-o", "json")
		other := start(t, tool, "trace", "--pid", pid, "-c", "100", "-o", "json")
		for _, r := range []*running{one, other} {
			lines := r.ends(t, 0).traces(t)
			if lost, _ := lines["summary"][0]["lost"].(map[string]any); len(lines["trace"]) != 100 || len(lost) != 0 {
				t.Errorf("%d traces, lost %v", len(lines["trace"]), lost)
			}
		}
	})
	t.Run("summary", func(t *testing.T) {
		r := start(t, tool, "trace", "--pid", pid, "-d", "1s", "--summary", "-o", "json").ends(t, 0)
		groups := r.traces(t)["group"]
		if len(groups) < 2 {
			t.Errorf("%d groups, want those of two hosts: %s", len(groups), &r.out)
		}
	})
	t.Run("quick", func(t *testing.T) { quick(t, tool, pid) })
}

// quick wants the program to be ready and gone soon, at least once in three times: other
// work on the machine is not its fault.
func quick(t *testing.T, tool, pid string) {
	const ready, closed = 500, 300 // ms
	var said []string
	for range 3 {
		r := start(t, tool, "trace", "--pid", pid, "-d", "0", "-v")
		r.says(t, "tracing until Ctrl-C")
		time.Sleep(200 * time.Millisecond)
		began := time.Now()
		r.Process.Signal(syscall.SIGINT)
		r.ends(t, 0)
		end := time.Since(began)
		armed, after := r.millis(t, "probes armed after"), r.millis(t, "closed after")
		said = append(said, fmt.Sprintf("armed after %d ms, closed after %d ms, gone after %v", armed, after, end.Round(time.Millisecond)))
		if armed <= ready && after <= closed && end <= closed*time.Millisecond {
			t.Log(said)
			return
		}
	}
	t.Errorf("want it armed after %d ms, and gone after %d ms: %v", ready, closed, said)
}

func TestGatewayTraceRefusals(t *testing.T) {
	testrig.NeedBPF(t)
	tool := buildTool(t)
	rig := testrig.StartT(t, testrig.Options{})
	before := inKernel(t)
	refused := func(code int, want string, args ...string) {
		t.Helper()
		r := start(t, tool, args...).ends(t, code)
		if !strings.HasPrefix(r.errs.String(), "apisixscope: ") || !strings.Contains(r.errs.String(), want) || r.out.String() != "" {
			t.Errorf("%v: %q, want it to say %q", args, &r.errs, want)
		}
	}
	refused(1, "no such file or directory", "trace", "-w", filepath.Join(t.TempDir(), "no", "such.json"))
	refused(2, "not a gateway", "trace", "--pid", strconv.Itoa(os.Getpid()))
	refused(1, "does not exist", "trace", "--pid", "4194305")

	other := testrig.StartT(t, testrig.Options{})
	for _, r := range []*testrig.Rig{rig, other} {
		refused(1, fmt.Sprintf("\n  pid %d ", r.MasterPID()), "trace")
	}
	refused(1, "hint: choose with --pid", "trace")

	nobody := command(t, tool, "trace")
	nobody.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := nobody.Start(); err != nil {
		t.Fatal(err)
	}
	nobody.ends(t, 1)
	if want := "lacks CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE\nhint: run as root"; !strings.Contains(nobody.errs.String(), want) {
		t.Errorf("without root: %q, want it to say %q", &nobody.errs, want)
	}
	for o := range inKernel(t) {
		if !before[o] {
			t.Errorf("a refusal left %v in the kernel", o)
		}
	}
}

func TestGatewayDoctor(t *testing.T) {
	testrig.NeedBPF(t)
	tool := buildTool(t)
	rig := testrig.StartT(t, testrig.Options{})
	before := inKernel(t)
	r := start(t, tool, "doctor", "--pid", strconv.Itoa(rig.MasterPID()), "-o", "json").ends(t, 0)
	var d struct {
		Ready    bool
		Host     []struct{ Name, Level, Value, Then string }
		Gateways []struct {
			PID     int
			Workers []int
			Layout  string
			Lua     string
		}
		Works []struct {
			Command string
			Works   bool
		}
	}
	if err := json.Unmarshal([]byte(r.out.String()), &d); err != nil {
		t.Fatalf("%v: %s", err, &r.out)
	}
	if !d.Ready || len(d.Gateways) != 1 || d.Gateways[0].PID != rig.MasterPID() || len(d.Gateways[0].Workers) != 2 || d.Gateways[0].Lua == "" {
		t.Errorf("not a diagnosis of the rig: %s", &r.out)
	}
	for _, f := range d.Host {
		if f.Level == "fail" {
			t.Errorf("%s: %s: %s; yet this host can do it", f.Name, f.Value, f.Then)
		}
	}
	for _, w := range d.Works {
		if !w.Works {
			t.Errorf("%s does not work: %s", w.Command, &r.out)
		}
	}
	gone(t, added(t, before))
}

// added lists what is in the kernel now and was not there before.
func added(t *testing.T, before map[kernelObject]bool) []kernelObject {
	t.Helper()
	var all []kernelObject
	for o := range inKernel(t) {
		if !before[o] {
			all = append(all, o)
		}
	}
	return all
}

func TestGatewayDemo(t *testing.T) {
	testrig.NeedBPF(t)
	testrig.NeedNginx(t)
	tool := buildTool(t)
	for name, interrupt := range map[string]int{"to its end": 0, "interrupted": 1, "in a hurry": 2} {
		t.Run(name, func(t *testing.T) {
			before := inKernel(t)
			dir := t.TempDir()
			if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // nginx's workers are another user
				t.Fatal(err)
			}
			r := command(t, tool, "demo", "-o", "json")
			if interrupt > 0 {
				r.Args = append(r.Args, "-c", "0")
			}
			r.Env = append(os.Environ(), "TMPDIR="+dir)
			if err := r.Start(); err != nil {
				t.Fatal(err)
			}
			if interrupt > 0 {
				r.says(t, "── 502")
			}
			for range interrupt {
				r.Process.Signal(syscall.SIGINT)
				time.Sleep(10 * time.Millisecond)
			}
			r.ends(t, 0)
			if interrupt == 0 {
				wantTour(t, r)
			}
			nothingLeft(t, tool, dir)
			gone(t, added(t, before))
		})
	}
}

func wantTour(t *testing.T, r *running) {
	t.Helper()
	statuses := map[string]int{}
	upstreams := 0
	for _, x := range r.traces(t)["trace"] {
		statuses[fmt.Sprint(x["http.response.status_code"])]++
		if strings.Contains(fmt.Sprint(x["spans"]), "role:upstream") {
			upstreams++
		}
	}
	if statuses["200"] < 5 || statuses["502"] != 1 || statuses["504"] != 1 || statuses["500"] != 1 || statuses["401"] != 1 || upstreams < 5 {
		t.Errorf("statuses %v, and %d with an upstream's process: %s", statuses, upstreams, &r.errs)
	}
}

// nothingLeft wants no process of the program, and no file.
func nothingLeft(t *testing.T, tool, dir string) {
	t.Helper()
	var left []string
	for range 50 {
		left = nil
		exes, err := filepath.Glob("/proc/[0-9]*/exe")
		if err != nil {
			t.Fatal(err)
		}
		for _, exe := range exes {
			if path, err := os.Readlink(exe); err == nil && path == tool {
				left = append(left, exe)
			}
			line, err := os.ReadFile(filepath.Join(filepath.Dir(exe), "cmdline"))
			if err == nil && strings.Contains(string(line), dir) {
				left = append(left, exe)
			}
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, files...)
		if len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("left behind: %v", left)
}
