package cmd_test

import (
	"bytes"
	"cmp"
	"context"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestHelpGolden(t *testing.T) {
	for _, command := range []string{"", "top", "open", "trace", "logs", "profile", "record", "report", "check", "admin", "admin get", "admin health", "admin drift", "admin plugin", "admin plugin show", "admin plugin enable", "admin plugin disable", "restore", "doctor", "demo", "completion"} {
		var out, errs bytes.Buffer
		env := cmd.Env{Version: "v0.0.0-test", Out: &out, Err: &errs}
		if err := cmd.Execute(context.Background(), env, append(strings.Fields(command), "--help")); err != nil {
			t.Fatalf("%s --help: %v", command, err)
		}
		if errs.Len() > 0 {
			t.Errorf("%s --help says on stderr: %s", command, &errs)
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > 81 && !strings.HasPrefix(line, "Use ") { // that one is cobra's
				t.Errorf("%s --help has a line of %d columns: %s", command, len(line)-1, line)
			}
		}
		testrig.Golden(t, "help/"+strings.ReplaceAll(cmp.Or(command, "apisixscope"), " ", "-")+".txt", out.String())
	}
}
