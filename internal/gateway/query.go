package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apisixscope/apisixscope/internal/hint"
)

var (
	// ErrNotFound says that no process on this host is a gateway that we can read,
	// or that the process asked for does not exist.
	ErrNotFound = errors.New("no gateway found")
	// ErrSeveral says that more than one gateway runs here and none was chosen.
	ErrSeveral = errors.New("several gateways found")
	// ErrNotGateway says that the process asked for runs another program.
	ErrNotGateway = errors.New("not a gateway")
)

const (
	needPtrace = "run as root or with CAP_SYS_PTRACE"
	choosePID  = "choose with --pid"
	whereToRun = "run this on the gateway's host, in its PID namespace or the host's"
)

// A Query selects a gateway. PID 0 means the only one on this host; another PID
// may be that of the master or of any of its children.
type Query struct {
	PID int
}

// Find returns the gateway that q selects. It returns an error that wraps
// [ErrNotFound], [ErrSeveral] or [ErrNotGateway], or ctx's error.
func Find(ctx context.Context, q Query) (*Target, error) {
	s, err := scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("find gateway: %w", err)
	}
	groups := s.groups()
	if q.PID != 0 {
		for _, g := range groups {
			if g.has(q.PID) {
				return s.target(g)
			}
		}
		return nil, s.explainPID(q.PID)
	}
	switch len(groups) {
	case 0:
		return nil, s.explainNone()
	case 1:
		return s.target(groups[0])
	}
	return nil, s.explainSeveral(groups)
}

// List returns every gateway on this host, by the PID of its master, or of its
// oldest child where the master has exited. None is not an error: [Find] says why.
func List(ctx context.Context) ([]*Target, error) {
	s, err := scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list gateways: %w", err)
	}
	var targets []*Target
	for _, g := range s.groups() {
		t, err := s.target(g)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrNotFound) {
			continue // exited while it was read
		}
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	return targets, nil
}

func (s *scanner) explainNone() error {
	switch {
	case s.unreadable > 0:
		err := fmt.Errorf("find gateway: %w: none of %d processes runs nginx, and %d could not be read", ErrNotFound, s.seen, s.unreadable)
		if os.Geteuid() == 0 { // what root may not read is hardly a gateway
			return hint.Wrap(err, whereToRun)
		}
		return hint.Wrap(err, needPtrace)
	case !exists("/proc/1"):
		err := fmt.Errorf("find gateway: %w: /proc hides the processes of other users", ErrNotFound)
		return hint.Wrap(err, needPtrace)
	}
	err := fmt.Errorf("find gateway: %w: none of %d processes runs nginx", ErrNotFound, s.seen)
	return hint.Wrap(err, whereToRun)
}

func (s *scanner) explainPID(pid int) error {
	path, err := os.Readlink(procPath(pid, "exe"))
	switch {
	case errors.Is(err, os.ErrPermission):
		return hint.Wrap(fmt.Errorf("find gateway: read executable of process %d: %w", pid, err), needPtrace)
	case err != nil && !exists(procPath(pid)):
		return hint.Wrap(fmt.Errorf("find gateway: process %d does not exist: %w", pid, ErrNotFound), s.remedy())
	case err != nil:
		path = "no executable" // a kernel thread, or a zombie
	}
	err = fmt.Errorf("find gateway: process %d (%s): %w", pid, path, ErrNotGateway)
	return hint.Wrap(err, s.remedy())
}

// remedy tells which PIDs would have done.
func (s *scanner) remedy() string {
	var pids []string
	for _, g := range s.groups() {
		pids = append(pids, strconv.Itoa(g.leader()))
	}
	if len(pids) == 0 {
		return "no gateway runs here; " + whereToRun
	}
	return "leave --pid out, or give the PID of a gateway: " + strings.Join(pids, ", ")
}

func (s *scanner) explainSeveral(groups []group) error {
	var b strings.Builder
	for _, g := range groups {
		t, err := s.target(g)
		if err != nil {
			continue
		}
		fmt.Fprintf(&b, "\n  pid %-7d %s", g.leader(), t.Summary())
	}
	return hint.Wrap(fmt.Errorf("find gateway: %w:%s", ErrSeveral, b.String()), choosePID)
}

// procPath names a file below /proc/PID.
func procPath(pid int, elem ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(pid)}, elem...)...)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
