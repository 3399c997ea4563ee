package gateway

import (
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestRoleOfProcess reads titles of processes that are none of nginx's; a real gateway's are read in
// the tests of bpf.
func TestRoleOfProcess(t *testing.T) {
	if role, err := RoleOf(os.Getpid()); role != "" || err != nil {
		t.Errorf("of this process: %q, %v", role, err)
	}
	c := exec.Command("sleep", "100")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pid := c.Process.Pid
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var err error
	for end := time.Now().Add(10 * time.Second); err == nil && time.Now().Before(end); time.Sleep(time.Millisecond) {
		_, err = RoleOf(pid)
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of one that is dead: %v", err)
	}
	_ = c.Wait() // it was killed
	if _, err := RoleOf(pid); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of one that is not there: %v", err)
	}
}
