package testrig

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// TB is what the rig asks of a test: testing.TB has it. The product links this
// package too, and has no use for package testing.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

// needEnv, set to 1, turns the skips of NeedBPF and NeedNginx into failures:
// where the tests must run, a missing privilege is an error.
const needEnv = "APISIXSCOPE_NEED_BPF"

// NeedBPF skips the test where eBPF programs cannot be loaded.
func NeedBPF(t TB) {
	t.Helper()
	need(t, canBPF())
}

// NeedNginx skips the test where the rig cannot start a gateway.
func NeedNginx(t TB) {
	t.Helper()
	_, err := findNginx()
	need(t, err)
}

func need(t TB, missing error) {
	t.Helper()
	switch {
	case missing == nil:
	case os.Getenv(needEnv) == "1":
		t.Fatalf("%s=1, but %v", needEnv, missing)
	default:
		t.Skipf("%v", missing)
	}
}

func canBPF() error {
	if os.Geteuid() != 0 {
		return errors.New("loading eBPF programs needs root")
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		return fmt.Errorf("the kernel has no BTF: %w", err)
	}
	return nil
}

// StartT starts a rig for t and closes it when t ends. If t has no nginx to
// run, it is skipped.
func StartT(t TB, o Options) *Rig {
	t.Helper()
	return startT(t, o, Start)
}

func startT[R interface{ Close() error }](t TB, o Options, start func(context.Context, Options) (R, error)) R {
	t.Helper()
	NeedNginx(t)
	r, err := start(t.Context(), o)
	if err != nil {
		t.Fatalf("start rig: %v", err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("%v", err)
		}
	})
	return r
}
