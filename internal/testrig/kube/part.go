package kube

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A part is a process that runs on a node for as long as the cluster does.
type part struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// joinThenRun moves the shell into the node's cgroups and becomes the command.
const joinThenRun = `for c in $CGROUPS; do echo $$ >"$c/cgroup.procs"; done; exec "$@"`

// start starts a part on the node. What it prints goes to a file in dir.
func (n *node) start(dir, name string, words ...string) (*part, error) {
	log, err := os.Create(filepath.Join(dir, n.name+"."+name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own
	cmd := exec.Command("bash", append([]string{"-c", joinThenRun, "bash"}, n.inside(words...)...)...)
	cmd.Env = append(os.Environ(), "CGROUPS="+strings.Join(n.cgroups, " "))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", name, n.name, err)
	}
	p := &part{name: name, cmd: cmd, done: make(chan struct{})}
	n.parts = append(n.parts, p)
	go func() {
		defer close(p.done)
		// How it ended is in its log.
		_ = cmd.Wait()
	}()
	return p, nil
}

// ended reports whether the part runs no more.
func (p *part) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *part) kill() {
	if p.ended() {
		return
	}
	// It may end by itself just now.
	_ = p.cmd.Process.Kill()
	<-p.done
}
