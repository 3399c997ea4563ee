package testrig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// Reload makes nginx read its configuration again, and returns when a full set
// of new workers runs. Old ones may still finish their requests.
func (r *Rig) Reload(ctx context.Context) error {
	old, err := r.Workers()
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if err := r.master.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("reload nginx %d: %w", r.MasterPID(), err)
	}
	err = poll(ctx, func() (bool, error) {
		if r.master.exited() {
			return false, r.nginxError()
		}
		now, err := r.Workers()
		fresh := len(now) == r.opts.Workers && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(old, pid) })
		return fresh, err
	})
	if err != nil {
		return fmt.Errorf("reload nginx %d: %w", r.MasterPID(), err)
	}
	return nil
}

// KillWorker kills one worker with SIGKILL, as a crash would end it, and
// returns its pid. The master starts another one.
func (r *Rig) KillWorker() (int, error) {
	workers, err := r.Workers()
	if err != nil {
		return 0, fmt.Errorf("kill worker: %w", err)
	}
	if len(workers) == 0 {
		return 0, errors.New("kill worker: there is none")
	}
	pid := workers[0]
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return 0, fmt.Errorf("kill worker %d: %w", pid, err)
	}
	return pid, nil
}

// StopMaster ends nginx, workers and all, and leaves the upstreams running.
func (r *Rig) StopMaster() {
	if r.master == nil || r.master.exited() {
		return
	}
	workers, _ := r.children()
	r.master.stop(syscall.SIGTERM, 5*time.Second)
	if r.master.cmd.ProcessState.Success() {
		return
	}
	// The master had to be killed, so nobody told its workers.
	for _, pid := range workers {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}
