package cmd_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestMain lets scripts run the whole program, in a process of its own and with the real
// streams and signals, in a world that the variable SCENE names.
func TestMain(m *testing.M) {
	testrig.Main()
	testscript.Main(m, map[string]func(){
		"apisixscope": func() {
			ctx, env := cmd.System("v0.0.0-test")
			scene(os.Getenv("SCENE")).enter(&env)
			os.Exit(cmd.Report(os.Stderr, cmd.Execute(ctx, env, os.Args[1:])))
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("APISIXSCOPE_GOLDEN") == "1",
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_STATE_HOME", e.WorkDir+"/state")
			e.Setenv("NO_COLOR", "")
			e.Setenv("TERM", "xterm")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // else each end takes a second
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a program and wants the exit code: "exits 2 apisixscope trac".
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", args[1], got, want)
	}
}
