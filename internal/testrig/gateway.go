package testrig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// errPortTaken says that another process took a port before nginx did.
var errPortTaken = errors.New("port taken")

// startGateway writes the configuration and starts nginx.
func (r *Rig) startGateway(ctx context.Context) error {
	if err := r.writeLua(r.Nodes()); err != nil {
		return err
	}
	if err := r.makeContextLog(); err != nil {
		return err
	}
	return r.runOnFreePorts(ctx, func() error { return r.conf.write() })
}

// runOnFreePorts starts nginx with what write writes of r.conf, with other ports if it lost
// the race for the first ones.
func (r *Rig) runOnFreePorts(ctx context.Context, write func() error) error {
	var err error
	for range 5 {
		if r.conf, err = newConfig(r.opts, r.dir, r.Nodes()); err != nil {
			return err
		}
		if err = write(); err != nil {
			return err
		}
		if err = r.runNginx(ctx); !errors.Is(err, errPortTaken) {
			break
		}
	}
	return err
}

// runNginx starts the master and waits until it has all its workers and
// accepts connections.
func (r *Rig) runNginx(ctx context.Context) error {
	log, err := os.Create(filepath.Join(r.dir, "nginx.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	conf := filepath.Join(r.dir, "nginx.conf")
	cmd := exec.Command(r.opts.Binary, "-p", r.dir, "-e", filepath.Join(r.dir, "error.log"), "-c", conf)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours, see role.command
	if r.master, err = startProcess(cmd); err != nil {
		return err
	}

	err = poll(ctx, func() (bool, error) {
		if r.master.exited() {
			return false, r.nginxError()
		}
		workers, err := r.Workers()
		if err != nil || len(workers) < r.opts.Workers {
			return false, nil
		}
		// A connection that sends nothing leaves no line in the access log.
		c, err := net.Dial("tcp", r.conf.HTTP)
		if err != nil {
			return false, nil
		}
		return true, c.Close()
	})
	if err != nil {
		return fmt.Errorf("start nginx: %w", err)
	}
	return nil
}

// nginxError tells why nginx ended, in its own words.
func (r *Rig) nginxError() error {
	text, _ := os.ReadFile(filepath.Join(r.dir, "error.log"))
	if strings.Contains(string(text), "Address already in use") {
		return errPortTaken
	}
	// What nginx says before it runs is also on its stderr, which is complete.
	early, _ := os.ReadFile(filepath.Join(r.dir, "nginx.log"))
	return fmt.Errorf("%w: %s", r.master.err, strings.TrimSpace(string(early)))
}

// poll calls ready every 5 ms until it is true or fails.
func poll(ctx context.Context, ready func() (bool, error)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := ready()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// MasterPID returns the pid of nginx's master.
func (r *Rig) MasterPID() int { return r.master.pid() }

// Workers returns the pids of the workers that accept requests, in order.
// Workers that an earlier Reload told to finish are not among them.
func (r *Rig) Workers() ([]int, error) {
	children, err := r.children()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(children, func(pid int) bool {
		title := string(commandLine(pid))
		return !strings.Contains(title, "worker process") || strings.Contains(title, "shutting down")
	}), nil
}

// children returns all processes whose parent is the master.
func (r *Rig) children() ([]int, error) {
	master := strconv.Itoa(r.MasterPID())
	text, err := os.ReadFile(filepath.Join("/proc", master, "task", master, "children"))
	if err != nil {
		return nil, fmt.Errorf("list workers of %s: %w", master, err)
	}
	var pids []int
	for _, field := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("list workers of %s: %w", master, err)
		}
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids, nil
}
