package testrig

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pidFile is nginx's own, in the rig's directory.
const pidFile = "nginx.pid"

// cleanUp stops the gateway of dir if it still runs, and removes dir. The
// upstreams process calls it last: after Close there is nothing left to do,
// but if the rig's process was killed this is all that cleans up after it.
func cleanUp(dir string) {
	if dir == "" {
		return
	}
	if pid, ok := masterOf(dir); ok {
		syscall.Kill(pid, syscall.SIGTERM)
		for range 100 {
			if _, ok := masterOf(dir); !ok {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	os.RemoveAll(dir)
}

// masterOf returns the nginx master of dir, if it is alive. Its command line
// names dir, which no other process does that may have been given its pid.
func masterOf(dir string) (int, bool) {
	text, err := os.ReadFile(filepath.Join(dir, pidFile))
	if err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, false
	}
	return pid, bytes.Contains(commandLine(pid), []byte(dir))
}

// commandLine returns nil if pid is gone.
func commandLine(pid int) []byte {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	return text
}
