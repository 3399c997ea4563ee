package profile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// written is a file of the samples' profile.
func written(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cpu.pb.gz")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := built(cpu(), testrig.Samples())
	if err := p.Write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// toolPprof runs "go tool pprof" on a file.
func toolPprof(t *testing.T, file string, args ...string) string {
	t.Helper()
	tool := exec.Command("go", append(append([]string{"tool", "pprof"}, args...), file)...)
	tool.Env = append(os.Environ(), "PPROF_TMPDIR="+t.TempDir())
	out, err := tool.CombinedOutput()
	if err != nil {
		t.Fatalf("go tool pprof %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestGoToolPprof asks the tool that people use what is in a profile.
func TestGoToolPprof(t *testing.T) {
	file := written(t)
	for _, tt := range []struct {
		args []string
		want []string // regular expressions
		not  []string
	}{
		{[]string{"-top", "-nodecount=100"}, []string{
			`(?m)^File: nginx$`, `(?m)^Build ID: a1b2c3d4$`, `(?m)^Type: cpu$`, `Duration: 4s, Total samples = 3\.53s`,
			`(?m)^ +0\.60s 17\.00% .* 1\.10s 31\.16%  _M\.incoming$`, `0\.04s +1\.13%.*\[trace unknown\]`, `\[no unwind row: libfoo\.so\]`,
		}, []string{"\x1b", `\(inline\)`}},
		{[]string{"-tagfocus", "plugin=limit-count", "-top"}, []string{`1140ms, 32\.29% of 3530ms total`, `_M\.access`}, []string{"writev", "_M.rewrite"}},
		{[]string{"-tagfocus", "phase=log", "-top"}, []string{`750ms, 21\.25% of 3530ms total`}, nil},
		{[]string{"-tags"}, []string{`(?m)^ +1\.14s \(32\.29%\): limit-count$`, `(?m)^ +2\.25s \(63\.74%\): 4132$`, `(?m)^ +2\.19s \(62\.04%\): orders$`, `(?m)^ +300ms \( 8\.50%\): gc$`}, []string{"\x1b"}},
		{[]string{"-tagroot", "plugin", "-peek", "jwt-auth"}, []string{`jwt-auth`}, nil},
		{[]string{"-focus", `luajit jit`, "-top"}, []string{`0\.77s, 21\.81% of 3\.53s total`}, nil}, // by mapping: frames of that kind
		{[]string{"-sample_index=samples", "-top"}, []string{`Total samples = 353`}, nil},
		{[]string{"-lines", "-top", "-focus", "incoming"}, []string{`_M\.incoming .*limit-count-local\.lua:40`}, nil},
		{[]string{"-comments"}, []string{`apisixscope: cpu, a sample each 10ms`, `stacks that end early: 8, no unwind row: libfoo\.so`, `stacks with a gap: 4, trace unknown`}, nil},
	} {
		out := toolPprof(t, file, tt.args...)
		for _, want := range tt.want {
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("go tool pprof %v lacks %s:\n%s", tt.args, want, out)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(out, not) {
				t.Errorf("go tool pprof %v has %q:\n%s", tt.args, not, out)
			}
		}
	}
}
