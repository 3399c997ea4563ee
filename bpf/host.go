package bpf

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/gateway"
)

// Level tells how good a Finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn" // it works, but see Then
	Fail Level = "fail" // a trace cannot work
)

// Finding is one thing that this host offers to a trace, or does not.
type Finding struct {
	Name  string // such as "kernel"
	Level Level
	Value string // what was found
	Then  string // what follows from it; may be empty
}

// Host says what this host offers. What the kernel can do is tried, not guessed from its
// version; nothing of it stays.
func Host() []Finding {
	held := effective()
	return append([]Finding{
		kernelRelease(),
		typeInformation(),
		capabilityFinding(held),
		processNumbers(),
		lockdown(),
		tracefs(),
		jit(),
		perfParanoid(held),
	}, tried()...)
}

// ProbesMissing returns the functions of t at which the request object would be read, but
// which its executable does not export.
func ProbesMissing(t *gateway.Target) []string {
	var missing []string
	for _, symbol := range []string{beginOfAttempt, endOfRequest} {
		if _, ok := t.Binary.Symbol(symbol); !ok {
			missing = append(missing, symbol)
		}
	}
	return missing
}

func kernelRelease() Finding {
	f := Finding{Name: "kernel", Level: OK}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Finding{Name: "kernel", Level: Warn, Value: err.Error()}
	}
	f.Value = unix.ByteSliceToString(u.Release[:])
	var major, minor int
	if n, _ := fmt.Sscanf(f.Value, "%d.%d", &major, &minor); n == 2 && (major < 5 || major == 5 && minor < 10) {
		f.Level, f.Then = Warn, "apisixscope is made for Linux 5.10 or later; what is below tells what is missing"
	}
	return f
}

func typeInformation() Finding {
	const path = "/sys/kernel/btf/vmlinux"
	if _, err := os.Stat(path); err != nil {
		return Finding{"btf", Fail, "missing", "programs cannot be fitted to this kernel: it needs CONFIG_DEBUG_INFO_BTF, and " + path}
	}
	return Finding{Name: "btf", Level: OK, Value: path}
}

func capabilityFinding(held capabilitySet) Finding {
	f := Finding{Name: "capabilities", Level: OK}
	var has, then []string
	for _, c := range capabilities() {
		switch {
		case held.has(c):
			has = append(has, c.name)
			continue
		case c.must:
			f.Level = Fail
		case f.Level == OK:
			f.Level = Warn
		}
		then = append(then, c.name+" is missing: it is needed to "+c.purpose)
	}
	f.Value = strings.Join(has, ", ")
	if len(has) == 0 {
		f.Value = "none of those needed"
	}
	f.Then = strings.Join(then, "; ")
	return f
}

// processNumbers looks whether processes have the numbers that the kernel knows them by:
// the programs compare them.
func processNumbers() Finding {
	if ownProcessNumbers() {
		return Finding{"pid namespace", Fail, "not the host's", "processes have other numbers here than in the kernel: " + shareNumbers}
	}
	return Finding{Name: "pid namespace", Level: OK, Value: "the host's"}
}

func lockdown() Finding {
	f := Finding{Name: "lockdown", Level: OK, Value: "none"}
	b, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			f.Value = "unknown: " + err.Error()
		}
		return f
	}
	// The mode in force stands in brackets.
	if _, rest, ok := bytes.Cut(b, []byte("[")); ok {
		mode, _, _ := bytes.Cut(rest, []byte("]"))
		f.Value = string(mode)
	}
	if f.Value == "confidentiality" {
		f.Level, f.Then = Fail, "programs may not read the kernel's memory: boot with lockdown=integrity, or without"
	}
	return f
}

func tracefs() Finding {
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil && st.Type == unix.TRACEFS_MAGIC {
			return Finding{Name: "tracefs", Level: OK, Value: dir}
		}
	}
	return Finding{Name: "tracefs", Level: OK, Value: "not mounted; not needed"}
}

func jit() Finding {
	b, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable")
	switch on := strings.TrimSpace(string(b)); {
	case err != nil:
		return Finding{Name: "jit", Level: OK, Value: "unknown from within this network namespace"}
	case on == "0":
		return Finding{"jit", Warn, "off", "programs are interpreted, which costs the gateway more: sysctl net.core.bpf_jit_enable=1"}
	}
	return Finding{Name: "jit", Level: OK, Value: "on"}
}

func perfParanoid(held capabilitySet) Finding {
	f := Finding{Name: "perf events", Level: OK}
	b, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
	if err != nil {
		return Finding{"perf events", Fail, "missing", "probes need a kernel with CONFIG_PERF_EVENTS"}
	}
	f.Value = "perf_event_paranoid " + strings.TrimSpace(string(b))
	if held.has(capability{number: unix.CAP_PERFMON, lent: true}) {
		f.Value += ", of no concern with CAP_PERFMON"
	}
	return f
}

// trial is one thing that the kernel is made to do.
type trial struct {
	name  string
	err   error
	level Level  // if it does not work
	then  string // what follows, if it does not work
	since string // the first Linux that can do it
}

func tried() []Finding {
	var all []Finding
	for _, t := range []trial{
		{"ring buffer", features.HaveMapType(ebpf.RingBuf), Fail, "events cannot be read", "5.8"},
		{"tp_btf", tryTracepoint(), Fail, "sockets cannot be watched", "5.5"},
		{"uprobes", tryUprobe(), Warn, "nginx's request object cannot be read: sockets alone are traced, edges are inferred", "3.5"},
		{"uprobe.multi", features.HaveBPFLinkUprobeMulti(), OK, "not needed: probes are attached one by one", "6.6"},
		{"attach cookies", features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie), OK, "not needed", "5.15"},
		{Sampling, trySampling(), Warn, unsampled(), "4.9"},
		{"task registers", features.HaveProgramHelper(ebpf.PerfEvent, asm.FnTaskPtRegs), OK, "not needed: samples find them on the thread's stack", "5.15"},
	} {
		all = append(all, t.finding())
	}
	return all
}

func (t *trial) finding() Finding {
	f := Finding{Name: t.name, Level: t.level, Then: t.then}
	switch {
	case t.err == nil:
		return Finding{Name: t.name, Level: OK, Value: "works"}
	case errors.Is(t.err, ebpf.ErrNotSupported):
		f.Value = "not in this kernel, but in Linux " + t.since + " and later"
	default:
		f.Value = t.err.Error()
		if no, ok := errors.AsType[unix.Errno](t.err); ok {
			f.Value = no.Error() // without how it was asked for
		}
	}
	return f
}
