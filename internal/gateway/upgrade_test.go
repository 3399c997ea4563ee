package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/apisixscope/apisixscope/internal/hint"
)

func TestFindDuringUpgrade(t *testing.T) {
	n := &nginx{fork: true} // only a daemon obeys USR2
	old := n.start(t)
	settled(t, old, 1)
	if err := syscall.Kill(old, syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	var upgraded int
	eventually(t, "the new master has a worker", func() bool {
		upgraded = n.pidFile()
		if upgraded == 0 || upgraded == old {
			return false
		}
		target, err := Find(context.Background(), Query{PID: upgraded})
		return err == nil && target.Master.PID == upgraded && len(target.Workers()) == 1
	})
	defer func() { _ = syscall.Kill(upgraded, syscall.SIGTERM) }()
	target := find(t, old)
	if target.Master.PID != old || len(target.Children) != 1 || target.Children[0].PID == upgraded {
		t.Errorf("the old gateway is %+v", target)
	}
}

func TestFindOrphans(t *testing.T) {
	n := &nginx{main: "worker_processes 2;"}
	pid := n.start(t)
	workers := settled(t, pid, 2).Workers()
	defer func() {
		for _, w := range workers {
			_ = syscall.Kill(w, syscall.SIGKILL)
		}
	}()
	if err := n.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = n.cmd.Wait()
	target := find(t, workers[1])
	if target.Master.PID != 0 || len(target.Workers()) != 2 || target.Exe != procPath(workers[0], "exe") {
		t.Errorf("got %+v", target)
	}
}

func TestFindWithoutMaster(t *testing.T) {
	pid := (&nginx{main: "master_process off;"}).start(t)
	target := find(t, pid)
	if target.Master.PID != 0 || len(target.Workers()) != 1 || target.Workers()[0] != pid {
		t.Errorf("got %+v", target)
	}
}

func TestFindInContainer(t *testing.T) {
	need(t, "nginx", "unshare")
	n := &nginx{wrap: []string{"unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"}}
	outer := n.start(t) // unshare itself
	kids, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", outer, outer))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(kids)))
	if err != nil {
		t.Fatal(err)
	}
	target := settled(t, pid, 1)
	if !target.Container || target.MntNS == namespace(os.Getpid(), "mnt") || target.Master.PID != pid {
		t.Errorf("got %+v", target)
	}
	if !strings.Contains(target.Summary(), "container") {
		t.Errorf("summary is %s", target.Summary())
	}
	if _, err := Find(context.Background(), Query{PID: outer}); !errors.Is(err, ErrNotGateway) {
		t.Errorf("unshare: got %v", err)
	}
}

// TestFindUnprivileged runs this test binary again as nobody, and in a PID namespace
// that holds nothing else.
func TestFindUnprivileged(t *testing.T) {
	if os.Getenv("GATEWAY_TEST_CHILD") != "" {
		_, err := Find(context.Background(), Query{})
		fmt.Printf("%v|%s|%v\n", err, hint.Of(err), errors.Is(err, ErrNotFound))
		return
	}
	need(t, "unshare")
	dir, err := os.MkdirTemp("", "gateway")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "gateway.test")
	if err := os.WriteFile(exe, self, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(cmd *exec.Cmd) string {
		cmd.Args = append(cmd.Args, exe, "-test.run=^TestFindUnprivileged$")
		cmd.Env = append(os.Environ(), "GATEWAY_TEST_CHILD=1")
		cmd.Dir = "/"
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	nobody := exec.Command("setpriv", "--reuid=65534", "--clear-groups")
	if out := run(nobody); !strings.Contains(out, "could not be read|"+needPtrace) || !strings.Contains(out, "|true") {
		t.Errorf("as nobody: %s", out)
	}
	alone := exec.Command("unshare", "--pid", "--mount", "--fork", "--mount-proc")
	if out := run(alone); !strings.Contains(out, "none of ") || !strings.Contains(out, "|true") {
		t.Errorf("alone: %s", out)
	}
}
