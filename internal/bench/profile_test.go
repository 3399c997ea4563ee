package bench

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// benchProfile tells where the CPU time goes that the gateway spends on being watched by a
// command.
func benchProfile(t *testing.T, program, command string) {
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skipf("perf tells where the time goes: %v", err)
	}
	pinSelf(t, otherCPU)
	rig := testrig.StartT(t, testrig.Options{Workers: 1, BufferLog: true})
	worker := workers(t, rig)[0]
	pin(t, worker, gatewayCPU)
	x := watch(t, program, rig, nil, strings.Fields(command)...)
	cpu, loaded := cpuTime(t, worker), startWrk(t, rig, testrig.Wrk{Duration: runFor, Conns: runConns})
	time.Sleep(500 * time.Millisecond) // perf itself takes a moment, too
	data := filepath.Join(t.TempDir(), "perf.data")
	record := exec.Command("perf", "record", "-q", "-g", "-F", "2000", "-o", data, "-p", strconv.Itoa(worker), "--", "sleep", "2.5")
	if out, err := record.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", record, err, out)
	}
	load := <-loaded
	if load.err != nil {
		t.Fatal(load.err)
	}
	perRequest := (cpuTime(t, worker) - cpu) / time.Duration(max(load.Requests, 1))
	// After the programs are gone perf cannot name them any more.
	report, err := exec.Command("perf", "report", "-i", data, "--stdio", "--children", "-g", "none", "--sort", "symbol").Output()
	if err != nil {
		t.Fatal(err)
	}
	x.stopWell()
	shares := sharesOf(string(report))
	if len(shares) == 0 {
		t.Fatalf("perf reports nothing of ours:\n%s", report)
	}
	t.Logf("beside %s: shares of the worker's CPU time, %s a request while perf samples it, with all that is called from there\n%s",
		command, micros(perRequest), shareTable(shares, perRequest))
}

// A share is a kernel function's part of a process's samples, callees included.
type share struct {
	name    string
	percent float64
}

var (
	reportLine = regexp.MustCompile(`(?m)^\s*([\d.]+)%\s+[\d.]+%\s+\[k\]\s+(\S+)`)
	// progTag is how the kernel names a program: bpf_prog_<tag>_<name>.
	progTag = regexp.MustCompile(`^bpf_prog_[0-9a-f]{16}_`)
	// entered are the functions through which the kernel comes to a program.
	entered = regexp.MustCompile(`^(asm_exc_int3|__bpf_trace_\w+|bpf_trace_run\d+)$`)
	// helpers are what programs spend their time in.
	helpers = regexp.MustCompile(`^(bpf_probe_read_\w+|bpf_ringbuf_\w+|htab_\w+|bpf_map_\w+)$`)
)

// sharesOf picks out of perf's report what being watched costs.
func sharesOf(report string) []share {
	var shares []share
	for _, m := range reportLine.FindAllStringSubmatch(report, -1) {
		percent, err := strconv.ParseFloat(m[1], 64)
		if err != nil || percent < 0.05 {
			continue
		}
		switch name := m[2]; {
		case progTag.MatchString(name):
			shares = append(shares, share{"program " + progTag.ReplaceAllString(name, ""), percent})
		case entered.MatchString(name):
			shares = append(shares, share{"entry " + name, percent})
		case helpers.MatchString(name):
			shares = append(shares, share{"helper " + name, percent})
		}
	}
	return shares
}

func shareTable(shares []share, perRequest time.Duration) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, s := range shares {
		part := time.Duration(s.percent / 100 * float64(perRequest))
		fmt.Fprintf(w, "%.2f%%\t%s\t  %s\n", s.percent, micros(part), s.name)
	}
	w.Flush()
	return b.String()
}
