package gateway

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"syscall"
)

// A Target is a gateway as it stood when it was found. Its master may reload and
// replace the children at any time.
type Target struct {
	Master   Process   // PID 0 when it has exited, or where master_process is off
	Children []Process // by PID

	Exe     string // opens the executable, even when deleted or in another mount namespace
	Path    string // the executable's path as the gateway sees it
	Deleted bool   // the file at Path is gone or replaced

	NetNS, MntNS, PIDNS uint64 // inodes of its namespaces; 0 when unreadable
	Container           bool   // it has another PID namespace or root directory than we

	Version      Version
	Binary       *Object // the executable
	Lua          *Object // the mapped object with ngx_http_lua_*, Binary itself for OpenResty; nil when none
	Layout       Layout  // zero when LayoutSource is not Known
	LayoutSource LayoutSource
}

// Workers returns the PIDs of the processes that serve traffic: workers, draining
// ones included.
func (t *Target) Workers() []int {
	var pids []int
	for _, p := range t.Children {
		if p.Role == RoleWorker || p.Role == RoleDraining {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

// Summary describes t in one line: version, path and where it runs.
func (t *Target) Summary() string {
	parts := []string{t.Version.String(), t.Path}
	if t.Deleted {
		parts = append(parts, "(deleted)")
	}
	if t.Container {
		parts = append(parts, fmt.Sprintf("container (pid namespace %d)", t.PIDNS))
	}
	if t.NetNS != 0 && t.NetNS != namespace(os.Getpid(), "net") {
		parts = append(parts, fmt.Sprintf("net namespace %d", t.NetNS))
	}
	if t.Master.PID == 0 {
		parts = append(parts, "no master")
	}
	return strings.Join(parts, "  ")
}

// target reads what is to be known of g.
func (s *scanner) target(g group) (*Target, error) {
	pid := g.leader()
	t := &Target{
		Exe:       procPath(pid, "exe"),
		NetNS:     namespace(pid, "net"),
		MntNS:     namespace(pid, "mnt"),
		PIDNS:     namespace(pid, "pid"),
		Container: inContainer(pid),
	}
	var leader *proc
	if g.master != nil {
		leader = g.master
		t.Master = g.master.process(RoleMaster)
	} else {
		leader = g.children[0]
	}
	for _, p := range g.children {
		t.Children = append(t.Children, p.process(roleOf(p.title)))
	}
	path, err := os.Readlink(t.Exe)
	if err != nil {
		return nil, fmt.Errorf("find gateway %d: it exited: %w: %w", pid, ErrNotFound, err)
	}
	t.Path, t.Deleted = strings.CutSuffix(path, " (deleted)")

	// Targets may share an executable, seen below different roots.
	obj := *s.objects[leader.exe]
	obj.symbols = maps.Clone(obj.symbols)
	obj.Path, obj.Name = t.Exe, t.Path
	obj.version = parseVersion(obj.rodata)
	obj.attachDebug(debugRoots(pid))
	obj.rodata = nil
	t.Binary, t.Version = &obj, obj.version
	t.Lua = findLua(pid, t.Binary)

	res, known := s.layouts[leader.exe]
	if !known {
		res = findLayout(&obj)
		s.layouts[leader.exe] = res
	}
	t.Layout, t.LayoutSource = res.layout, res.source
	return t, nil
}

func (p *proc) process(role Role) Process {
	return Process{PID: p.pid, Role: role, Title: p.title, Started: p.started}
}

// debugRoots are the directories below which debug files of pid's executable may
// lie: its own root, then ours.
func debugRoots(pid int) []string { return []string{procPath(pid, "root"), "/"} }

// namespace returns the inode of a namespace of pid, or 0.
func namespace(pid int, kind string) uint64 {
	var st syscall.Stat_t
	if err := syscall.Stat(procPath(pid, "ns", kind), &st); err != nil {
		return 0
	}
	return st.Ino
}

// inContainer compares pid with us. A mount namespace alone proves nothing: systemd
// gives one to any service with PrivateTmp.
func inContainer(pid int) bool {
	self := os.Getpid()
	if ns := namespace(pid, "pid"); ns != 0 && ns != namespace(self, "pid") {
		return true
	}
	theirs, err := identify(procPath(pid, "root"))
	if err != nil {
		return false
	}
	ours, err := identify(procPath(self, "root"))
	return err == nil && theirs != ours
}
