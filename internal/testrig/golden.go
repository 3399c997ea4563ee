package testrig

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
)

// updateFlag is registered by Main; goldenEnv does the same for test binaries
// whose TestMain does not call it.
const (
	updateFlag = "update"
	goldenEnv  = "APISIXSCOPE_GOLDEN"
)

// Golden compares got with testdata/name. Under `go test -update`, or with
// APISIXSCOPE_GOLDEN=1, it rewrites the file instead.
func Golden(t TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if updating() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatalf("write golden file: %v", err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatalf("write golden file: %v", err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read golden file: %v (write it with `make golden`)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what was got; `make golden` accepts it\n%s", path, firstDifference(string(want), got))
	}
}

func updating() bool {
	f := flag.Lookup(updateFlag)
	return f != nil && f.Value.String() == "true" || os.Getenv(goldenEnv) == "1"
}

// firstDifference shows the first line that differs, then all that was got.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(w) && i < len(g) && w[i] == g[i] {
		i++
	}
	line := func(lines []string) string {
		if i < len(lines) {
			return lines[i]
		}
		return "(end)"
	}
	return "want: " + line(w) + "\n got: " + line(g) + "\n\nall of it:\n" + got
}
