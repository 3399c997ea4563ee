package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/apisixscope/apisixscope/cmd"
	"github.com/apisixscope/apisixscope/internal/testrig/screen"
)

// startAdmin is an Admin API of a shop.
func startAdmin(t *testing.T) string {
	t.Helper()
	of := map[string]string{
		"routes": `{"id":"1","name":"checkout","uri":"/checkout","hosts":["shop.example","*.shop.example"]},{"id":"2","name":"two words","uri":"/orders","host":"bank.example"},` +
			`{"id":"3","name":"\u001b[31mred"}`,
		"services":  `{"id":"s1","name":"shop"}`,
		"consumers": `{"username":"jack"}`,
		"upstreams": `{"id":"u1","nodes":{"10.0.0.7:80":1}},{"id":"u2","nodes":[{"host":"10.0.0.8","port":8080,"weight":1}]}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var items []string
		for value := range strings.SplitSeq(of[filepath.Base(r.URL.Path)], "},{") {
			value = "{" + strings.Trim(value, "{}") + "}"
			if strings.Contains(value, `"nodes":{`) {
				value += "}"
			}
			items = append(items, `{"key":"/apisix/x","createdIndex":1,"modifiedIndex":1,"value":`+value+`}`)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"total":%d,"list":[%s]}`, len(items), strings.Join(items, ","))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestCompletionKnowsTheGateway(t *testing.T) {
	admin := startAdmin(t)
	for _, c := range []struct {
		scene scene
		words []string
		want  []string // without what is said of them
	}{
		{"", []string{"trace", "--pid", ""}, []string{"4131"}},
		{sceneMultiplied, []string{"profile", "--pid", ""}, []string{"4131", "5131"}},
		{sceneNone, []string{"trace", "--pid", ""}, nil},
		{"", []string{"trace", "--admin", admin, "--route", ""}, []string{"1", "2", "3", "checkout"}},
		{"", []string{"trace", "--admin", admin, "--route", "1,"}, []string{"1,2", "1,3", "1,checkout"}},
		{"", []string{"logs", "--admin", admin, "--service", "s"}, []string{"s1", "shop"}},
		{"", []string{"top", "--admin", admin, "--consumer", ""}, []string{"jack"}},
		{"", []string{"trace", "--admin", admin, "--host", ""}, []string{"*.shop.example", "bank.example", "shop.example"}},
		{"", []string{"trace", "--admin", admin, "--upstream", ""}, []string{"10.0.0.7:80", "10.0.0.8:8080"}},
		{"", []string{"trace", "--admin", "http://127.0.0.1:1", "--route", ""}, nil},
		{"", []string{"trace", "--admin", "off", "--route", ""}, nil},
		{"", []string{"check", "--output", ""}, []string{"github", "json", "junit", "text"}},
	} {
		var out, errs bytes.Buffer
		env := cmd.Env{Version: "v0.0.0-test", Out: &out, Err: &errs, Getenv: func(string) string { return "" }}
		c.scene.enter(&env)
		if err := cmd.Execute(context.Background(), env, append([]string{"__complete"}, c.words...)); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			if word, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); !strings.HasPrefix(word, ":") {
				got = append(got, word)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.words, got, c.want)
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Errorf("%v: an escape code reaches the terminal: %q", c.words, out.String())
		}
	}
}

// TestCompletionInShells presses TAB in real shells, with the scripts that are checked in.
func TestCompletionInShells(t *testing.T) {
	admin := startAdmin(t)
	bin := filepath.Dir(buildTool(t))
	scripts, err := filepath.Abs("../completions")
	if err != nil {
		t.Fatal(err)
	}
	zsh := t.TempDir()
	if err := os.Symlink(filepath.Join(scripts, "apisixscope.zsh"), filepath.Join(zsh, "_apisixscope")); err != nil {
		t.Fatal(err)
	}
	for shell, c := range map[string]struct {
		args  []string
		setup string
	}{
		"bash": {[]string{"--noprofile", "--norc", "-i"}, ". /usr/share/bash-completion/bash_completion; . " + scripts + "/apisixscope.bash"},
		"zsh":  {[]string{"-f", "-i"}, "fpath=(" + zsh + " $fpath); autoload -U compinit; compinit -D -u"},
	} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				missing(t, err)
			}
			s := screen.New(t, 120, 40)
			run := exec.Command(shell, c.args...)
			run.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "PS1=ready> ", "PROMPT=ready> ", "HOME="+t.TempDir())
			run.Stdin, run.Stdout, run.Stderr = s.Program, s.Program, s.Program
			run.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				run.Process.Kill() // it may have ended
				run.Wait()
			})
			s.Appears(t, "ready>")
			s.Press(t, c.setup+"; echo set up\r")
			s.Appears(t, "\nset up")
			for typed, want := range map[string]string{
				"apisixscope chec":                                    "apisixscope check",
				"apisixscope trace --output ot":                       "apisixscope trace --output otlp",
				"apisixscope trace --admin " + admin + " --route che": "--route checkout",
			} {
				s.Press(t, typed+"\t")
				s.Appears(t, want)
				s.Press(t, "\x15") // Ctrl-U: another line
			}
			s.Press(t, "exit\r")
		})
	}
}

// missing skips, but where the tests have been set up.
func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}
