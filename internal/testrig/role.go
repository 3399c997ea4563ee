package testrig

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// roleEnv names the environment variable that turns this executable, run
// again, into a part of a rig.
const roleEnv = "APISIXSCOPE_RIG"

// A role is what such a child is.
type role string

const (
	roleUpstreams role = "upstreams"
	roleLoad      role = "load"
)

// Main runs the role that the environment names and does not return; without
// one it does nothing. Call it first in main or TestMain of every program that
// starts a rig. Under go test it also registers the flag -update, see Golden.
func Main() {
	var err error
	switch r := role(os.Getenv(roleEnv)); r {
	case "":
		if flag.Lookup("test.run") != nil && flag.Lookup(updateFlag) == nil {
			flag.Bool(updateFlag, false, "rewrite golden files")
		}
		return
	case roleUpstreams:
		// Run again through /proc/self/exe, it would be called exe.
		_ = os.WriteFile("/proc/self/comm", []byte("rig-"+r), 0)
		err = runUpstreams(os.Stdin, os.Stdout)
	case roleLoad:
		err = runLoad(os.Stdin, os.Stdout)
	default:
		err = fmt.Errorf("run rig: unknown role %q in %s", r, roleEnv)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrig:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// command returns this executable in the given role. Its process group is its
// own, so that Ctrl-C reaches only us and we end it in order.
func (r role) command() (*exec.Cmd, error) {
	if os.Getenv(roleEnv) != "" {
		// Without this check a program that forgot Main would start itself for ever.
		return nil, errors.New("start rig: this process is part of a rig: call testrig.Main first")
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"="+string(r))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, nil
}
