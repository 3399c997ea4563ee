package cmd_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig/screen"
)

// TestNothingIsAskedOfTheTerminal unless something is drawn there: an answer would become
// input of the user's shell.
func TestNothingIsAskedOfTheTerminal(t *testing.T) {
	tool := buildTool(t)
	for words, says := range map[string]string{"--help": "--verbose", "trace --help": "--verbose", "no-such-command": "hint: see"} {
		s := screen.New(t, 80, 24)
		c := exec.Command(tool, strings.Fields(words)...)
		c.Env = []string{"TERM=xterm-256color"}
		c.Stdin, c.Stdout, c.Stderr = s.Program, s.Program, s.Program
		_ = c.Run() // the last one is misuse
		s.Wait(t, 200*time.Millisecond, says)
		if raw := s.Raw(); strings.Contains(raw, "\x1b]") || strings.Contains(raw, "\x1b[6n") || strings.Contains(raw, "\x1b[c") {
			t.Errorf("%s writes %q", words, raw[:min(len(raw), 200)])
		}
	}
}
