package cmd_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/cmd"
)

// terminal is a scene before a terminal of 80 columns.
func terminal(s scene) (env cmd.Env, out, errs *bytes.Buffer) {
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	env = cmd.Env{Version: "v0.0.0-test", Out: out, Err: errs, OutTerm: true, ErrTerm: true, Width: 80, Began: time.Now()}
	s.enter(&env)
	return env, out, errs
}

func TestTerminalGetsTrees(t *testing.T) {
	for _, tt := range []struct {
		noColor bool
		args    string
		tree    bool
		color   bool
	}{
		{args: "trace -d 20ms", tree: true, color: true},
		{args: "trace -d 20ms --color never", tree: true},
		{args: "trace -d 20ms -o table", color: true},
		{args: "trace -d 20ms --summary", color: true},
		{noColor: true, args: "trace -d 20ms", tree: true},
		{noColor: true, args: "trace -d 20ms --color always", tree: true, color: true},
		{args: "trace -d 20ms -o json"},
		{args: "doctor", color: true},
		{noColor: true, args: "doctor"},
	} {
		env, out, errs := terminal("shop")
		env.NoColor = tt.noColor
		if err := cmd.Execute(context.Background(), env, strings.Fields(tt.args)); err != nil {
			t.Fatalf("%s: %v", tt.args, err)
		}
		if got := strings.Contains(out.String(), "largest"); got != tt.tree {
			t.Errorf("%s: a tree: %v, want %v:\n%s", tt.args, got, tt.tree, out)
		}
		if got := strings.Contains(out.String(), "\x1b["); got != tt.color {
			t.Errorf("%s, NO_COLOR %v: colour: %v, want %v", tt.args, tt.noColor, got, tt.color)
		}
		if strings.Contains(errs.String(), "\x1b") {
			t.Errorf("%s: the talk has escape codes: %q", tt.args, errs)
		}
		if !strings.HasPrefix(tt.args, "trace") {
			continue
		}
		for _, want := range []string{"gateway: openresty 1.27.1.2", "tracing for 20.0ms; Ctrl-C ends it", "seen 5 requests"} {
			if !strings.Contains(errs.String(), want) {
				t.Errorf("%s: the talk lacks %q: %q", tt.args, want, errs)
			}
		}
	}
}

func TestProgressWhereNothingElseIsSeen(t *testing.T) {
	for args, want := range map[string]bool{
		"trace -d 0":              false,
		"trace -d 0 --summary":    true,
		"trace -d 0 -w " + "FILE": true,
	} {
		env, _, errs := terminal(sceneBusy)
		ctx, cancel := context.WithTimeout(context.Background(), 1200*time.Millisecond)
		defer cancel()
		args := strings.Fields(strings.Replace(args, "FILE", t.TempDir()+"/out.json", 1))
		if err := cmd.Execute(ctx, env, args); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(errs.String(), "1s: seen "); got != want {
			t.Errorf("%v: progress: %v, want %v: %q", args, got, want, errs)
		}
		if i := strings.LastIndex(errs.String(), "1s: seen "); i >= 0 && !strings.Contains(errs.String()[i:], "\r\x1b[K") {
			t.Errorf("%v: the progress line stays: %q", args, errs)
		}
	}
}
