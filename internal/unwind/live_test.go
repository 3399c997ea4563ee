package unwind

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

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

func decimal(pid int) string { return strconv.Itoa(pid) }
