package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// What the tests on a real gateway stand on: the real binary, in processes of its own.

// buildTool builds the program as it is released, and where any user can run it.
func buildTool(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "apisixscope-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	tool := filepath.Join(dir, "apisixscope")
	build := exec.Command("go", "build", "-o", tool, "./apisixscope")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return tool
}

// loaded starts a rig, and 200 requests a second to it for as long as the test runs.
func loaded(t *testing.T) *testrig.Rig {
	t.Helper()
	rig := testrig.StartT(t, testrig.Options{})
	load, err := testrig.Load{
		Target: rig.Target(), Kinds: []testrig.Kind{testrig.Keepalive, testrig.Cosocket}, Conns: 4, Rate: 200, Duration: time.Hour,
	}.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		load.Stop()
		load.Wait(context.Background())
	})
	return rig
}

// running is a run of the program.
type running struct {
	*exec.Cmd
	out, errs safeBuffer
}

// safeBuffer can be read while a process writes to it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func command(t *testing.T, name string, args ...string) *running {
	r := &running{Cmd: exec.CommandContext(t.Context(), name, args...)}
	r.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir()) // nothing is left in the user's own
	r.Stdout, r.Stderr = &r.out, &r.errs
	return r
}

func start(t *testing.T, name string, args ...string) *running {
	t.Helper()
	r := command(t, name, args...)
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// ends waits for the end of r, and wants the exit code.
func (r *running) ends(t *testing.T, code int) *running {
	t.Helper()
	r.Wait() // the exit code tells
	if got := r.ProcessState.ExitCode(); got != code {
		t.Errorf("%v: exit code %d, want %d\n%s", r.Args[1:], got, code, &r.errs)
	}
	if strings.Contains(r.errs.String(), "goroutine ") {
		t.Errorf("%v: a stack trace:\n%s", r.Args[1:], &r.errs)
	}
	return r
}

// says waits until r has written words to stderr.
func (r *running) says(t *testing.T, words string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(r.errs.String(), words) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%v does not say %q: %s", r.Args[1:], words, &r.errs)
}

// millis finds a number of milliseconds in what r said, such as "closed after 120 ms".
func (r *running) millis(t *testing.T, what string) int {
	t.Helper()
	m := regexp.MustCompile(what + ` (\d+) ms`).FindStringSubmatch(r.errs.String())
	if m == nil {
		t.Fatalf("%v does not say %q: %s", r.Args[1:], what, &r.errs)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// traces returns the lines of JSON of each type.
func (r *running) traces(t *testing.T) map[string][]map[string]any {
	t.Helper()
	all := map[string][]map[string]any{}
	for line := range strings.Lines(r.out.String()) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %v: %s", r.Args[1:], err, line)
		}
		kind := fmt.Sprint(v["type"])
		all[kind] = append(all[kind], v)
	}
	return all
}

// kernelObject is a program, map or link: its kind as bpftool names it, and its id.
type kernelObject struct {
	kind string
	id   int
}

// heldBy returns what of the kernel a process holds.
func heldBy(t *testing.T, pid int) []kernelObject {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	var held []kernelObject
	for _, file := range files {
		info, err := os.ReadFile(file)
		if err != nil {
			continue // closed meanwhile
		}
		for _, kind := range []string{"link", "map", "prog"} {
			m := regexp.MustCompile(`(?m)^` + kind + `_id:\s*(\d+)$`).FindSubmatch(info)
			if m == nil {
				continue
			}
			id, err := strconv.Atoi(string(m[1]))
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, kernelObject{kind, id})
			break // a link names its program, too
		}
	}
	return held
}

// inKernel lists what there is of all processes.
func inKernel(t *testing.T) map[kernelObject]bool {
	t.Helper()
	all := map[kernelObject]bool{}
	for _, kind := range []string{"link", "map", "prog"} {
		out, err := exec.Command("bpftool", "-j", kind, "list").Output()
		if err != nil {
			t.Fatalf("bpftool %s list: %v", kind, err)
		}
		var list []struct{ ID int }
		if len(bytes.TrimSpace(out)) == 0 {
			continue
		}
		if err := json.Unmarshal(out, &list); err != nil {
			t.Fatalf("bpftool %s list: %v: %s", kind, err, out)
		}
		for _, o := range list {
			all[kernelObject{kind, o.ID}] = true
		}
	}
	return all
}

// gone wants none of it left in the kernel, which takes its time to free things.
func gone(t *testing.T, held []kernelObject) {
	t.Helper()
	var left []kernelObject
	for range 50 {
		left = nil
		now := inKernel(t)
		for _, o := range held {
			if now[o] {
				left = append(left, o)
			}
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("left in the kernel: %v", left)
}
