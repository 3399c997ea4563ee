package gateway

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Role is what a process of the gateway is for.
type Role string

const (
	RoleMaster          Role = "master"
	RoleWorker          Role = "worker"
	RoleDraining        Role = "draining" // a worker that was told to quit and still serves
	RoleCacheManager    Role = "cache-manager"
	RoleCacheLoader     Role = "cache-loader"
	RolePrivilegedAgent Role = "privileged-agent" // OpenResty's; serves no traffic
)

// A Process is one process of the gateway.
type Process struct {
	PID     int
	Role    Role
	Title   string    // its command line, which nginx rewrites
	Started time.Time // exact to a clock tick, 10 ms
}

// roleOf reads the title that nginx gives a child of the master
// (ngx_setproctitle in src/os/unix/ngx_process_cycle.c). Right after the fork a
// child still shows the master's title, so whatever says nothing is a worker.
func roleOf(title string) Role {
	name, ok := strings.CutPrefix(title, "nginx: ")
	switch {
	case !ok:
		return RoleWorker
	case strings.HasPrefix(name, "worker process is shutting down"):
		return RoleDraining
	case strings.HasPrefix(name, "cache manager process"):
		return RoleCacheManager
	case strings.HasPrefix(name, "cache loader process"):
		return RoleCacheLoader
	case strings.HasPrefix(name, "privileged agent process"):
		return RolePrivilegedAgent
	}
	return RoleWorker
}

// A proc is a process as /proc shows it.
type proc struct {
	pid, parent, session int
	title                string
	started              time.Time
	stack                uint64 // bottom of the stack: kept by fork, moved by exec
	exe                  fileID
}

func readProc(pid int) (*proc, error) {
	stat, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return nil, err
	}
	p, ticks, err := parseStat(stat)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", procPath(pid, "stat"), err)
	}
	p.pid = pid
	p.started = bootTime().Add(ticks)
	title, err := os.ReadFile(procPath(pid, "cmdline"))
	if err != nil {
		return nil, err
	}
	p.title = parseTitle(title)
	return p, nil
}

// parseStat reads /proc/PID/stat (proc(5)) and returns when the process started,
// since boot. The name in parentheses may hold blanks and parentheses.
func parseStat(stat []byte) (*proc, time.Duration, error) {
	const (
		state = iota // the first field after the name: number 3 in proc(5)
		parent
		group
		session
		startTime = 22 - 3
		stack     = 28 - 3
		clockTick = 10 * time.Millisecond // USER_HZ is 100 on every architecture we build for
	)
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return nil, 0, fmt.Errorf("no name in %q", stat)
	}
	f := strings.Fields(string(stat[end+1:]))
	if len(f) <= stack || f[state] == "Z" || f[state] == "X" {
		return nil, 0, os.ErrNotExist // dead, not yet waited for
	}
	p := &proc{}
	var ticks int64
	var errs [4]error
	p.parent, errs[0] = strconv.Atoi(f[parent])
	p.session, errs[1] = strconv.Atoi(f[session])
	ticks, errs[2] = strconv.ParseInt(f[startTime], 10, 64)
	p.stack, errs[3] = strconv.ParseUint(f[stack], 10, 64)
	for _, err := range errs {
		if err != nil {
			return nil, 0, err
		}
	}
	return p, time.Duration(ticks) * clockTick, nil
}

// parseTitle joins the arguments. nginx pads its title with NULs to the length of
// the arguments and environment that it overwrote.
func parseTitle(cmdline []byte) string {
	return string(bytes.ReplaceAll(bytes.TrimRight(cmdline, "\x00 "), []byte{0}, []byte{' '}))
}

// bootTime is when CLOCK_BOOTTIME was zero, which /proc/PID/stat counts from.
func bootTime() time.Time {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(ts.Nano())).Round(0)
}

// isKernelThread reports whether pid has no executable to read at all. Where even
// that is hidden from us (hidepid) the answer is no.
func isKernelThread(pid int) bool {
	const (
		flags   = 9 - 3
		kthread = 0x00200000 // PF_KTHREAD in include/linux/sched.h
	)
	stat, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return false
	}
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(f) <= flags {
		return false
	}
	n, err := strconv.ParseUint(f[flags], 10, 64)
	return err == nil && n&kthread != 0
}
