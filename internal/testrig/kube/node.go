package kube

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed conf/node.sh
var nodeScript string

// cgroupPrefix begins the names of the nodes' cgroups; the pid of their owner follows.
const cgroupPrefix = "apisixscope-kube-"

// A node is a place for the parts of Kubernetes.
type node struct {
	number  int // from 1
	name    string
	holder  *exec.Cmd // lives in the namespaces
	life    io.Closer // the pipe that the holder lives by
	cgroups []string
	parts   []*part
}

// address is the node's in the cluster's network.
func (n *node) address() string { return fmt.Sprintf("10.99.0.%d", n.number) }

// startNode makes the namespaces and the cgroups of a node.
func startNode(number int, log io.Writer) (*node, error) {
	n := &node{number: number, name: fmt.Sprintf("node-%d", number)}
	var err error
	if n.cgroups, err = makeCgroups(fmt.Sprintf("%s%d-%d", cgroupPrefix, os.Getpid(), number)); err != nil {
		return nil, err
	}
	n.holder = exec.Command("bash", "-c", nodeScript)
	n.holder.Env = append(os.Environ(), "CGROUPS="+strings.Join(n.cgroups, " "))
	n.holder.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
	n.holder.Stderr = log
	life, err := n.holder.StdinPipe()
	if err != nil {
		return nil, err
	}
	n.life = life
	said, err := n.holder.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.holder.Start(); err != nil {
		return nil, fmt.Errorf("start node %d: %w", number, err)
	}
	if line, err := bufio.NewReader(said).ReadString('\n'); line != "ready\n" {
		return nil, errors.Join(fmt.Errorf("start node %d: it ended: %w", number, err), n.stop())
	}
	return n, nil
}

// inside returns the words that run a command in the node.
func (n *node) inside(words ...string) []string {
	return append([]string{"nsenter", "-t", fmt.Sprint(n.holder.Process.Pid), "-m", "-n", "-C"}, words...)
}

// run runs a command in the node's network and mounts, and returns what it printed.
func (n *node) run(words ...string) (string, error) {
	words = n.inside(words...)
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s on %s: %w: %s", strings.Join(words[6:], " "), n.name, err, strings.TrimSpace(string(out)))
	}
	return string(out), err
}

// stop ends all that runs in the node, and the node.
func (n *node) stop() error {
	for _, p := range n.parts {
		p.kill()
	}
	n.life.Close()
	// However it ended, it is gone.
	_ = n.holder.Wait()
	return removeCgroups(n.cgroups)
}

// makeCgroups makes a cgroup in each hierarchy, below our own.
func makeCgroups(name string) (made []string, err error) {
	for _, dir := range ownCgroups() {
		dir := filepath.Join(dir, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, fmt.Errorf("make cgroup: %w", err)
		}
		made = append(made, dir)
		for _, f := range []string{"cpuset.cpus", "cpuset.mems"} { // are empty at first in version 1
			if b, err := os.ReadFile(filepath.Join(filepath.Dir(dir), f)); err == nil && !isUnified(dir) {
				if err := os.WriteFile(filepath.Join(dir, f), b, 0); err != nil {
					return nil, fmt.Errorf("set up cgroup: %w", err)
				}
			}
		}
	}
	return made, nil
}

func isUnified(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.controllers"))
	return err == nil
}

// ownCgroups returns where this process is, in each hierarchy that has one. Of version 2 it is
// the root: a cgroup that has processes can have no children with controllers.
func ownCgroups() (dirs []string) {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(b)) {
		of := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(of) != 3 || of[1] == "" {
			continue
		}
		dirs = append(dirs, filepath.Join("/sys/fs/cgroup", strings.TrimPrefix(of[1], "name="), of[2]))
	}
	if len(dirs) == 0 {
		dirs = []string{"/sys/fs/cgroup"}
	}
	return dirs
}

// removeCgroups removes cgroups that the kernel may be about to empty.
func removeCgroups(dirs []string) error {
	var failed error
	for _, dir := range dirs {
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			err := removeTree(dir)
			if err == nil {
				break
			}
			if time.Now().After(end) {
				failed = errors.Join(failed, fmt.Errorf("remove cgroup: %w", err))
				break
			}
		}
	}
	return failed
}

// removeTree removes a directory of cgroups; of the files in it the kernel takes care.
func removeTree(dir string) error {
	below, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, d := range below {
		if d.IsDir() {
			if err := removeTree(filepath.Join(dir, d.Name())); err != nil {
				return err
			}
		}
	}
	return syscall.Rmdir(dir)
}

// sweepCgroups removes what was left behind by runs that are no more.
func sweepCgroups() {
	for _, dir := range ownCgroups() {
		left, _ := filepath.Glob(filepath.Join(dir, cgroupPrefix+"*"))
		for _, l := range left {
			var pid, number int
			if _, err := fmt.Sscanf(filepath.Base(l), cgroupPrefix+"%d-%d", &pid, &number); err == nil && syscall.Kill(pid, 0) != nil {
				// Another run may sweep, too.
				_ = removeTree(l)
			}
		}
	}
}
