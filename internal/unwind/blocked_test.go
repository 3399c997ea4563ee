//go:build amd64

package unwind

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestWalkBlocked walks the stacks of processes that wait in the kernel: of such a thread,
// /proc tells the stack pointer and the program counter. Each walk must reach the end.
func TestWalkBlocked(t *testing.T) {
	for _, test := range []struct {
		command []string
		depth   int
	}{
		{[]string{"sleep", "60"}, 4},
		{[]string{"cat"}, 4},
		{[]string{"sh", "-c", "sleep 60; true"}, 6},
		{[]string{"bash", "-c", "sleep 60; true"}, 6},
		{[]string{"perl", "-e", "sleep 60"}, 5},
		{[]string{"python3", "-c", "import time; time.sleep(60)"}, 8},
		{[]string{"tail", "-f", "/dev/null"}, 4},
	} {
		t.Run(test.command[0], func(t *testing.T) {
			if _, err := exec.LookPath(test.command[0]); err != nil {
				t.Skip(err)
			}
			cmd := exec.Command(test.command[0], test.command[1:]...)
			pipe, err := cmd.StdinPipe() // cat reads it for ever
			if err != nil {
				t.Fatal(err)
			}
			defer pipe.Close()
			walkBlocked(t, start(t, cmd), test.depth)
		})
	}
}

// start starts a command until the test ends, with what it starts, and returns its PID.
func start(t testing.TB, cmd *exec.Cmd) int {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

func walkBlocked(t *testing.T, pid, depth int) {
	t.Helper()
	r := blockedAt(t, pid)
	p := openProcess(t, pid)
	frames, err := p.walk(r)
	if err != nil {
		t.Fatalf("after %d frames: %v", len(frames), err)
	}
	if len(frames) < depth {
		t.Errorf("%d frames: want %d or more", len(frames), depth)
	}
	t.Logf("%d frames", len(frames))
}

// blockedAt waits until a process sleeps at one place for 50 ms, and returns it.
func blockedAt(t *testing.T, pid int) registers {
	t.Helper()
	last, since := "", time.Now()
	for range 2000 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
		if os.IsPermission(err) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != last {
			last, since = string(text), time.Now()
		}
		// number, six arguments, sp, pc
		f := strings.Fields(last)
		if len(f) == 9 && time.Since(since) > 50*time.Millisecond {
			return registers{pc: prefixed(t, f[8]), sp: prefixed(t, f[7])}
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("process %d does not wait", pid)
	return registers{}
}

func prefixed(t *testing.T, s string) uint64 {
	t.Helper()
	v, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestWalkBlockedNginx walks a master that waits for a signal, and workers in epoll_wait.
func TestWalkBlockedNginx(t *testing.T) {
	nginx, err := exec.LookPath("/usr/sbin/nginx")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("daemon off; worker_processes 2; pid %[1]s/pid; error_log %[1]s/log;\nevents {}\n", dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-p", dir, "-e", filepath.Join(dir, "log"), "-c", conf)
	master := start(t, cmd)
	walkBlocked(t, master, 5)
	workers := children(t, master)
	if len(workers) != 2 {
		t.Fatalf("workers %v", workers)
	}
	for _, pid := range workers {
		walkBlocked(t, pid, 7)
	}
}

func children(t *testing.T, pid int) []int {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Skip(err) // the kernel was built without it
	}
	defer f.Close()
	var pids []int
	s := bufio.NewScanner(f)
	s.Split(bufio.ScanWords)
	for s.Scan() {
		pid, err := strconv.Atoi(s.Text())
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}
