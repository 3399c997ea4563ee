package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestMain(m *testing.M) {
	testrig.Main()
	os.Exit(m.Run())
}

// needBench skips the test unless a benchmark was asked for.
func needBench(t *testing.T) {
	t.Helper()
	if os.Getenv("APISIXSCOPE_BENCH") != "1" {
		t.Skip("benchmarks load the machine for minutes: run them by make bench, bench-linking or bench-complete")
	}
	testrig.NeedBPF(t)
	testrig.NeedNginx(t)
}

// build builds the program as it is shipped, and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "apisixscope")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path,
		"github.com/apisixscope/apisixscope/cmd/apisixscope")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build apisixscope: %v\n%s", err, out)
	}
	return path
}
