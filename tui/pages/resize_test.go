package pages_test

import (
	"os"
	"syscall"
	"testing"
)

// resized tells the program in this process what the kernel tells that of a terminal.
func resized(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
		t.Fatal(err)
	}
}
