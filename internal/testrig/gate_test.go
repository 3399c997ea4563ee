package testrig

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// fakeTB notes what the gates and Golden do to a test.
type fakeTB struct {
	testing.TB
	said string
}

func (f *fakeTB) Helper()                      {}
func (f *fakeTB) Skipf(s string, args ...any)  { f.said = "skip: " + fmt.Sprintf(s, args...) }
func (f *fakeTB) Fatalf(s string, args ...any) { f.said = "fatal: " + fmt.Sprintf(s, args...) }
func (f *fakeTB) Errorf(s string, args ...any) { f.said = "error: " + fmt.Sprintf(s, args...) }

func TestNeed(t *testing.T) {
	for env, want := range map[string]string{"": "skip: no nginx", "1": "fatal: APISIXSCOPE_NEED_BPF=1, but no nginx"} {
		t.Setenv(needEnv, env)
		var f fakeTB
		need(&f, ErrNoNginx)
		if !strings.HasPrefix(f.said, want) {
			t.Errorf("%q: want %q, got %q", env, want, f.said)
		}
	}
}

func TestGolden(t *testing.T) {
	if updating() {
		t.Skip("golden files are rewritten, not compared")
	}
	t.Chdir(t.TempDir())
	t.Setenv(goldenEnv, "1")
	Golden(t, "a/b.txt", "one\ntwo\n")
	if text, err := os.ReadFile("testdata/a/b.txt"); err != nil || string(text) != "one\ntwo\n" {
		t.Fatalf("got %q, %v", text, err)
	}
	t.Setenv(goldenEnv, "")
	var f fakeTB
	Golden(&f, "a/b.txt", "one\ntwo\n")
	if f.said != "" {
		t.Errorf("same text: %s", f.said)
	}
	Golden(&f, "a/b.txt", "one\n2\n")
	if !strings.Contains(f.said, "want: two\n got: 2") {
		t.Errorf("other text: %s", f.said)
	}
}
