package cmd_test

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/cmd"
)

func TestDocsNameEveryFlag(t *testing.T) {
	for command, helps := range map[string][]string{
		"top": {"top", "open"}, "trace": {"trace"}, "logs": {"logs"}, "profile": {"profile"}, "admin": {"admin get", "admin health", "admin drift"}, "doctor": {"doctor"},
		"admin-plugin": {"admin plugin show", "admin plugin enable", "admin plugin disable"}, "restore": {"restore"}, "demo": {"demo"}, "check": {"check"}, "record": {"record"}, "report": {"report"},
	} {
		page, err := os.ReadFile("../docs/" + command + ".md")
		if err != nil {
			t.Fatal(err)
		}
		var help bytes.Buffer
		for _, words := range helps {
			if err := cmd.Execute(context.Background(), cmd.Env{Out: &help, Err: &help}, append(strings.Fields(words), "--help")); err != nil {
				t.Fatal(err)
			}
		}
		named := map[string]bool{"--help": true}
		for _, flag := range regexp.MustCompile("`(--[a-z-]+)`").FindAllStringSubmatch(string(page), -1) {
			named[flag[1]] = true
		}
		var there []string // once for each command that has it
		for _, flag := range regexp.MustCompile(`(?m)^ +(?:-[a-z], )?(--[a-z-]+)`).FindAllStringSubmatch(help.String(), -1) {
			there = append(there, flag[1])
			if !named[flag[1]] {
				t.Errorf("docs/%s.md does not name %s", command, flag[1])
			}
		}
		for _, flag := range there {
			delete(named, flag)
		}
		for flag := range named {
			if !strings.Contains(help.String(), flag) {
				t.Errorf("docs/%s.md names %s, which is no flag", command, flag)
			}
		}
	}
}
