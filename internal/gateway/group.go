package gateway

import (
	"os"
	"slices"
	"strings"
)

// A group is the processes of one gateway. The master is nil when it has exited,
// or where master_process is off.
type group struct {
	master   *proc
	children []*proc // by PID
}

func (g group) leader() int {
	if g.master != nil {
		return g.master.pid
	}
	return g.children[0].pid
}

func (g group) has(pid int) bool {
	return g.leader() == pid || slices.ContainsFunc(g.children, func(p *proc) bool { return p.pid == pid })
}

// groups sorts the processes into gateways, by leader.
//
// A process whose parent runs the same executable is that parent's child, unless
// it called exec itself: then it is the new master of an upgrade on the fly (USR2),
// which runs as a child of the old one.
func (s *scanner) groups() []group {
	children := map[int][]*proc{}
	var roots []*proc
	for _, p := range s.procs {
		parent := s.procs[p.parent]
		if parent != nil && parent.exe == p.exe && parent.stack == p.stack {
			children[parent.pid] = append(children[parent.pid], p)
		} else {
			roots = append(roots, p)
		}
	}
	slices.SortFunc(roots, byPID)

	var groups []group
	type family struct {
		exe     fileID
		stack   uint64
		session int
	}
	orphans := map[family]int{} // index into groups
	for _, p := range roots {
		kids := children[p.pid]
		slices.SortFunc(kids, byPID)
		switch {
		case len(kids) > 0 || strings.HasPrefix(p.title, "nginx: master process"):
			groups = append(groups, group{master: p, children: kids})
		case strings.HasPrefix(p.title, "nginx: "):
			// Workers outlive a killed master; a fork kept its session and its stack.
			f := family{p.exe, p.stack, p.session}
			i, ok := orphans[f]
			if !ok {
				i = len(groups)
				orphans[f] = i
				groups = append(groups, group{})
			}
			groups[i].children = append(groups[i].children, p)
		case serves(p.pid):
			groups = append(groups, group{children: []*proc{p}})
		}
	}
	slices.SortFunc(groups, func(a, b group) int { return a.leader() - b.leader() })
	return groups
}

func byPID(a, b *proc) int { return a.pid - b.pid }

// serves tells a gateway with master_process off from "nginx -t", "nginx -s" and
// OpenResty's resty command: it waits for events and listens.
func serves(pid int) bool {
	fds, err := os.ReadDir(procPath(pid, "fd"))
	if err != nil {
		return false
	}
	waits := slices.ContainsFunc(fds, func(fd os.DirEntry) bool {
		link, _ := os.Readlink(procPath(pid, "fd", fd.Name()))
		return link == "anon_inode:[eventpoll]"
	})
	if !waits {
		return false
	}
	inodes, err := socketInodes(pid)
	if err != nil {
		return false
	}
	rows, err := readSockets(pid, tcpListen)
	return err == nil && slices.ContainsFunc(rows, func(r socketRow) bool { return inodes[r.inode] })
}
