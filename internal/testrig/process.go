package testrig

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// A process is a child that is waited for from the start, so that its end can
// be waited for by many and its pid is never signalled after it.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child has ended
	err  error         // how it ended; read after done
}

func startProcess(cmd *exec.Cmd) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// exited says whether the child has ended.
func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait waits up to grace for the child's end.
func (p *process) wait(grace time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-time.After(grace):
		return false
	}
}

// stop sends sig, and kills the child if it has not ended after grace.
func (p *process) stop(sig syscall.Signal, grace time.Duration) {
	if p.exited() {
		return
	}
	p.cmd.Process.Signal(sig)
	if !p.wait(grace) {
		p.cmd.Process.Kill()
		<-p.done
	}
}
