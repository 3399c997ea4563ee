package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// counted returns how many requests of a recording trace shows.
func (w repeated) counted(t *testing.T, args ...string) int {
	t.Helper()
	out, errs, err := w.shown(t, false, append([]string{"trace", "-o", "json"}, args...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var sum struct{ Shown int }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &sum); err != nil {
		t.Fatal(err)
	}
	return sum.Shown
}

func TestReportOfARecording(t *testing.T) {
	w := busyWindow(t)
	recording := w.record(t)
	for _, filters := range [][]string{nil, {"--status", "5xx"}, {"--host", "shop.example"}, {"--method", "NONE"}} {
		file := filepath.Join(t.TempDir(), "report.html")
		if err := os.WriteFile(file, []byte("what was there"), 0o644); err != nil {
			t.Fatal(err)
		}
		out, errs, err := w.shown(t, true, append([]string{"report", "-r", recording, "-o", file}, filters...)...)
		if err != nil || out != "" || !strings.Contains(errs, "report: "+file+" of incident.apisixscope") {
			t.Fatalf("%v: %v: %s%s", filters, err, out, errs)
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v: mode %v, %v", filters, info.Mode(), err)
		}
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := w.counted(t, append([]string{"-r", recording}, filters...)...)
		tile := fmt.Sprintf("<dt>requests</dt><dd><b>%d</b>", want)
		if !strings.Contains(string(page), tile) || filters == nil && want < 10 {
			t.Errorf("%v: the page does not say that there were %d requests", filters, want)
		}
		for _, part := range []string{"<title>incident.apisixscope", "<dt>kernel</dt><dd>6.1.0</dd>", `id="flame"`, "v0.0.0-test"} {
			if !strings.Contains(string(page), part) {
				t.Errorf("%v: the page does not have %s", filters, part)
			}
		}
		if filters != nil && !strings.Contains(string(page), strings.Join(filters, " ")) {
			t.Errorf("the page does not say that it was filtered by %v", filters)
		}
		if strings.Contains(string(page), "hunter2") {
			t.Error("the page has a secret")
		}
	}
}

func TestReportGoesToStdout(t *testing.T) {
	w := busyWindow(t)
	words := []string{"report", "-r", w.record(t, "--show-secrets"), "-o", "-", "--path", "/orders/17", "--status", "200"}
	out, errs, err := w.shown(t, false, append(words, "--show-secrets")...)
	if err != nil || !strings.HasPrefix(out, "<!DOCTYPE html>") || !strings.HasSuffix(out, "</html>\n") {
		t.Errorf("%v: %s", err, errs)
	}
	hidden, _, err := w.shown(t, false, words...)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", "open-sesame"} {
		if !strings.Contains(out, secret) {
			t.Errorf("%s is hidden where it is asked for", secret)
		}
		if strings.Contains(hidden, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
}

func TestReportOfACutRecording(t *testing.T) {
	w := busyWindow(t)
	recording := w.record(t)
	whole, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recording, whole[:len(whole)*9/10], 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, err := w.shown(t, false, "report", "-r", recording, "-o", "-")
	if err != nil || !regexp.MustCompile(`<li class="warn">The recording is cut`).MatchString(out) {
		t.Errorf("%v: %s", err, errs)
	}
	if !strings.Contains(errs, "note: the recording is cut") {
		t.Errorf("stderr does not say so: %s", errs)
	}
}

func TestReportRefuses(t *testing.T) {
	w := busyWindow(t)
	recording := w.record(t)
	none := filepath.Join(t.TempDir(), "none")
	if err := os.WriteFile(none, []byte("no recording"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"":                                     "name the recording to read with -r",
		"-r " + recording:                      "name the page to write with -o",
		"-o page.html":                         "name the recording to read with -r",
		"-o " + recording:                      "name the recording to read with -r",
		"-r x.apisixscope -o -":                "open x.apisixscope: no such file or directory",
		"-r " + none + " -o -":                 "it is no recording",
		"-r " + recording + " -o /no/x":        "write /no/x: no such file or directory",
		"-r " + recording + " -o " + recording: "-o would overwrite the recording " + recording,
		"-r " + recording + " -o - --where nothing":     "unknown name nothing",
		"-r " + recording + " -o - --status lots":       "--status",
		"-r " + recording + " -o - --sample 0":          "--sample",
		"-r " + recording + " -o - --duration 1s":       "unknown flag: --duration",
		"-r " + recording + " -o - an-argument":         `unknown command "an-argument"`,
		"-r " + recording + " -o " + filepath.Dir(none): "is a directory",
	} {
		out, _, err := w.shown(t, false, append([]string{"report"}, strings.Fields(args)...)...)
		if err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("report %s: %v\n%s, want %s", args, err, out, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Dir(recording) + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if whole := w.counted(t, "-r", recording); whole < 10 {
		t.Errorf("the recording has %d requests left", whole)
	}
}
