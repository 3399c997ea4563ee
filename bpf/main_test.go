package bpf_test

import (
	"log"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestMain(m *testing.M) {
	testrig.Main()
	if addr := os.Getenv(serveVar); addr != "" {
		log.Fatal(serveForever(addr))
	}
	os.Exit(m.Run())
}

// patience bounds how long a test waits for what must come. It says nothing of how fast
// it should come: the machine may be busy.
const patience = 10 * time.Second

// slowEnv says how many times slower than a real machine this one runs the gateway's code,
// as a whole number. .ci/kernels sets it: it emulates the processor. Where it is not set,
// nothing is allowed that would not be allowed without it.
const slowEnv = "APISIXSCOPE_SLOW"

// stretched returns how long what takes the gateway up to d may take on this machine. It
// is for the gateway's own work alone, not for pauses: those last as long everywhere.
func stretched(t *testing.T, d time.Duration) time.Duration {
	t.Helper()
	factor := os.Getenv(slowEnv)
	if factor == "" {
		return d
	}
	n, err := strconv.Atoi(factor)
	if err != nil || n < 1 {
		t.Fatalf("%s must be a whole number from 1: got %q", slowEnv, factor)
	}
	return d * time.Duration(n)
}

// emulated reports whether the processor is. It stands still while the host does other work,
// and a timer's interrupts come late: samples taken there measure nothing.
func emulated() bool { return os.Getenv(slowEnv) != "" }

// eventually waits until ready, and fails the test if that does not come.
func eventually(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ready(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// bothWays runs a test with the request object read, and with sockets alone.
func bothWays(t *testing.T, test func(t *testing.T, probes bool)) {
	t.Helper()
	t.Run("probes", func(t *testing.T) { test(t, true) })
	t.Run("sockets", func(t *testing.T) { test(t, false) })
}
