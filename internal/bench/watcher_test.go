package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// A watcher is something that can be run beside a gateway.
type watcher struct {
	name  string
	pairs int // of runs without and with it
	start func(*testing.T, *testrig.Rig) *tool
	own   bool // it is apisixscope, which tells what it saw
	aims  aims
}

// aims are bounds of the medians; what is zero is not aimed at.
type aims struct {
	throughput float64 // at least
	cpu        float64 // of the gateway per request, at most
	extra, own time.Duration
}

// minPairs is the least number of pairs that the program's own figures stand on.
const minPairs = 9

// watchers lists what is measured, the program itself first.
func watchers(program string) []watcher {
	own := func(pairs int, aims aims, command string) watcher {
		return watcher{
			name: "apisixscope " + command, pairs: pairs, own: true, aims: aims,
			start: func(t *testing.T, rig *testrig.Rig) *tool {
				return watch(t, program, rig, nil, strings.Fields(command)...)
			},
		}
	}
	return []watcher{
		own(minPairs, aims{throughput: 0.96, cpu: 1.06, extra: 2 * time.Microsecond, own: 8 * time.Microsecond}, "trace -o json"),
		own(5, aims{}, "trace -o json --probes off"),
		own(5, aims{}, "trace -o table --status 599"), // keeps nothing
		own(minPairs, aims{cpu: 1.05}, "logs -o text"),
		own(minPairs, aims{cpu: 1.12}, "logs -o text --header all"),
		own(5, aims{cpu: 1.12}, "logs -o json --header all"),
		{name: "tcpdump -i lo -w FILE", pairs: 3, start: startTcpdump},
		{name: "strace -f -e trace=network", pairs: 3, start: startStrace},
	}
}

func startTcpdump(t *testing.T, _ *testrig.Rig) *tool {
	file := filepath.Join(t.TempDir(), "lo.pcap")
	t.Cleanup(func() { os.Remove(file) })
	// It would give up root, and then could not write the file.
	return startTool(t, exec.Command("tcpdump", "-i", "lo", "-Z", "root", "-w", file), "listening on")
}

func startStrace(t *testing.T, rig *testrig.Rig) *tool {
	args := []string{"-f", "-e", "trace=network", "-o", os.DevNull}
	for _, pid := range workers(t, rig) {
		args = append(args, "-p", strconv.Itoa(pid))
	}
	return startTool(t, exec.Command("strace", args...), "attached")
}

func workers(t *testing.T, rig *testrig.Rig) []int {
	t.Helper()
	pids, err := rig.Workers()
	if err != nil || len(pids) == 0 {
		t.Fatalf("workers: %v, %v", pids, err)
	}
	return pids
}

// What apisixscope says at the end of a window, on stderr.
var (
	seenWords = regexp.MustCompile(`seen ([\d,]+) requests|([\d,]+) seen in`)
	lostWords = regexp.MustCompile(`; lost (.*)`)
)

// checkSeen fails unless the window of x held n requests at least, and lost nothing.
func checkSeen(t *testing.T, x *tool, n int) {
	t.Helper()
	seen, lost := seenWords.FindStringSubmatch(x.words()), lostWords.FindStringSubmatch(x.words())
	if seen == nil || lost == nil {
		t.Fatalf("no summary of the window in:\n%s", x.words())
	}
	got, err := strconv.Atoi(strings.ReplaceAll(seen[1]+seen[2], ",", ""))
	if err != nil || got < n {
		t.Errorf("%s saw %s of %d requests", x.cmd, seen[0], n)
	}
	if lost[1] != "0" {
		t.Errorf("%s lost %s", x.cmd, lost[1])
	}
}
