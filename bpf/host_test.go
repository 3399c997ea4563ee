package bpf

import (
	"fmt"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

func TestCapabilitiesThatAdministrationLends(t *testing.T) {
	for _, tt := range []struct {
		held capabilitySet
		want Level
		has  string
	}{
		{^capabilitySet(0), OK, "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE"},
		{1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_SYS_PTRACE, OK, "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE"},
		{1 << unix.CAP_SYS_ADMIN, Warn, "CAP_BPF, CAP_PERFMON"},
		{1<<unix.CAP_BPF | 1<<unix.CAP_SYS_PTRACE, Fail, "CAP_BPF, CAP_SYS_PTRACE"},
		{0, Fail, "none of those needed"},
	} {
		if f := capabilityFinding(tt.held); f.Level != tt.want || f.Value != tt.has || (f.Then == "") != (tt.want == OK) {
			t.Errorf("%#x: %+v, want %s of %s", tt.held, f, tt.want, tt.has)
		}
	}
}

func TestTrialsTellWhy(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Finding
	}{
		{nil, Finding{"x", OK, "works", ""}},
		{fmt.Errorf("x: %w", ebpf.ErrNotSupported), Finding{"x", Warn, "not in this kernel, but in Linux 6.6 and later", "no x"}},
		{fmt.Errorf("load: %w", unix.EPERM), Finding{"x", Warn, "operation not permitted", "no x"}},
		{fmt.Errorf("odd"), Finding{"x", Warn, "odd", "no x"}},
	} {
		what := trial{"x", tt.err, Warn, "no x", "6.6"}
		if got := what.finding(); got != tt.want {
			t.Errorf("%v: %+v, want %+v", tt.err, got, tt.want)
		}
	}
}

// TestBPFHost: this host can do what the tests beside this one prove that it does.
func TestBPFHost(t *testing.T) {
	if err := Allowed(); err != nil {
		t.Skip(err)
	}
	for _, f := range Host() {
		if f.Level == Fail || f.Name == "uprobes" && f.Level != OK {
			t.Errorf("%+v", f)
		}
	}
}
