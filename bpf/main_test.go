package bpf_test

import (
	"os"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestMain(m *testing.M) {
	testrig.Main()
	os.Exit(m.Run())
}

// patience bounds how long a test waits for what must come. It says nothing of how fast
// it should come: the machine may be busy.
const patience = 10 * time.Second

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
