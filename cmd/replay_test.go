package cmd_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// record keeps the window in a file, and returns its name.
func (w repeated) record(t *testing.T, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "incident.apisixscope")
	_, errs, err := w.shown(t, false, append([]string{"record", "-d", "20ms", "-w", path}, args...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	return path
}

// ofLive are lines on stderr that a recording has none of, or others.
var ofLive = regexp.MustCompile(`(?m)^(gateway|tracing|profiling|recording|recorded)\b.*\n`)

// TestReplayShowsWhatLiveShows compares, byte by byte, what the commands show of a window with
// what they show of its recording.
func TestReplayShowsWhatLiveShows(t *testing.T) {
	w := busyWindow(t)
	plain, secret := w.record(t, "--body", "64"), w.record(t, "--body", "64", "--show-secrets")
	for _, args := range []string{
		"trace -o table", "trace -o tree", "trace -o tree --evidence", "trace -o json", "trace -o otlp", "trace --summary", "trace --summary -o json",
		"trace -o json --status 5xx", "trace -o table --host shop.example --method GET", "trace -o json --slower-than 5ms --sample 3",
		"trace -o json --upstream :18090", "trace -o json --path /orders/* --status 404,200", "trace --host nowhere.example", "trace -o table --route 17,none",
		"trace --cpu -o json", "trace --cpu -o tree --color always", "trace --cpu --summary", "trace --cpu -o otlp --status 200", "trace -o json --consumer jack",
		"trace -c 7 -o table --client 10.0.0.0/8",
		"logs -o text", "logs -o text --header all", "logs -o json", "logs -o json --header x-tenant", "logs -o apisix", "logs -o har",
		"logs -o json --body 20", "logs -o har --body 3", "logs -o text --body 64 --status 200", "logs -o text --color always",
		"logs -o template={{.status}}|{{.uri}}|{{.client}}|{{.reason}}|{{.referer}}", "logs -o json --where status>=500",
		`logs -o text --where header("x-tenant")=="acme"`, "logs -o apisix --route orders --sample 2", "logs -o json --service s1 --slower-than 2ms",
		"profile -o top", "profile -o folded", "profile -o flame", "profile -o speedscope", "profile -o json", "profile -o pprof",
		"profile -o top --by plugin", "profile -o folded --by route", "profile -o flame --by phase", "profile -o top --by worker --color always",
	} {
		for _, hidden := range []bool{true, false} {
			from, words := plain, strings.Fields(args)
			if !hidden {
				if words[0] == "profile" {
					continue
				}
				from, words = secret, append(words, "--show-secrets")
			}
			live, said, err := w.shown(t, false, append(words, "-d", "20ms")...)
			if err != nil || !strings.Contains(args, "nowhere") && !strings.Contains(args, "--summary") && len(live) < 100 {
				t.Fatalf("%s: %v: %s%s", args, err, live, said)
			}
			back, saidBack, err := w.shown(t, false, append(words, "-r", from)...)
			if err != nil {
				t.Fatalf("%s -r: %v", args, err)
			}
			if live != back {
				t.Errorf("%s, secrets hidden: %v: %s", args, hidden, firstDifference(live, back))
			}
			if said != saidBack && !strings.Contains(args, "-c ") { // that window ended with the count
				t.Errorf("%s, secrets hidden: %v: on stderr: %s", args, hidden, firstDifference(said, saidBack))
			}
			if hidden && strings.Contains(back, "hunter2") {
				t.Errorf("%s shows a secret", args)
			}
		}
	}
}

// TestReplayOnATerminal compares what people see, but for the lines that say of what it is.
func TestReplayOnATerminal(t *testing.T) {
	w := busyWindow(t)
	path := w.record(t)
	for _, args := range []string{"trace --status 5xx", "trace --summary", "logs --status 404", "profile"} {
		live, said, err := w.shown(t, true, append(strings.Fields(args), "-d", "20ms")...)
		if err != nil {
			t.Fatal(err)
		}
		back, saidBack, err := w.shown(t, true, append(strings.Fields(args), "-r", path)...)
		if err != nil {
			t.Fatal(err)
		}
		if live != back {
			t.Errorf("%s: %s", args, firstDifference(live, back))
		}
		if said, saidBack := ofLive.ReplaceAllString(said, ""), ofLive.ReplaceAllString(saidBack, ""); args != "profile" && said != saidBack {
			t.Errorf("%s: on stderr: %s", args, firstDifference(said, saidBack))
		}
		if !strings.Contains(saidBack, "recording: incident.apisixscope  2") {
			t.Errorf("%s does not say what it shows: %s", args, saidBack)
		}
	}
}

// firstDifference shows where two texts part.
func firstDifference(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	from := strings.LastIndexByte(a[:n], '\n') + 1
	line := func(s string) string {
		end := strings.IndexByte(s[n:], '\n')
		if end < 0 {
			end = len(s) - n
		}
		return s[from:min(n+end, from+600)]
	}
	return "live:\n" + line(a) + "\nrecorded:\n" + line(b)
}
