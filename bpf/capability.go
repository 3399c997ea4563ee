package bpf

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// capability is one of capabilities(7), and what it is needed for.
type capability struct {
	number  uint
	name    string
	purpose string
	lent    bool // CAP_SYS_ADMIN stands for it
	must    bool // without it nothing works on any gateway
}

func capabilities() []capability {
	return []capability{
		{unix.CAP_BPF, "CAP_BPF", "load programs", true, true},
		{unix.CAP_PERFMON, "CAP_PERFMON", "attach programs, read memory", true, true},
		{unix.CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "look into other users' processes", false, false},
	}
}

// shareNumbers is the remedy for a PID namespace of one's own.
const shareNumbers = "run in the host's PID namespace (docker run --pid=host, or hostPID: true)"

// Allowed returns an error that names what this process lacks to trace anything, or nil.
func Allowed() error {
	if ownProcessNumbers() {
		err := errors.New("this is not the host's PID namespace: processes have other numbers here than in the kernel")
		return hint.Wrap(fmt.Errorf("watch processes: %w", err), shareNumbers)
	}
	held := effective()
	var lacks []string
	must := false
	for _, c := range capabilities() {
		if !held.has(c) {
			lacks = append(lacks, c.name)
			must = must || c.must
		}
	}
	if !must {
		return nil // a gateway of the same user can be looked into; of another, Find will tell
	}
	err := errors.New("the process lacks " + strings.Join(lacks, ", "))
	return hint.Wrap(fmt.Errorf("load programs: %w", err), needCaps)
}

// capabilitySet has a bit for each capability.
type capabilitySet uint64

// effective returns what this process may do.
func effective() capabilitySet {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return ^capabilitySet(0) // the kernel does not tell: let it refuse
	}
	return capabilitySet(data[1].Effective)<<32 | capabilitySet(data[0].Effective)
}

func (s capabilitySet) has(c capability) bool {
	return s>>c.number&1 == 1 || c.lent && s>>unix.CAP_SYS_ADMIN&1 == 1
}

// ownProcessNumbers reports whether this process is in another PID namespace than the
// kernel's first one.
func ownProcessNumbers() bool {
	const first = 0xEFFFFFFC // PROC_PID_INIT_INO of include/linux/proc_ns.h
	var st unix.Stat_t
	return unix.Stat("/proc/self/ns/pid", &st) == nil && st.Ino != first
}
