package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// sample starts a profile of rig's gateway, which goes on until it is stopped.
func sample(t *testing.T, program string, master int, args ...string) *tool {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cpu.pb.gz")
	args = append([]string{"profile", "-v", "--pid", strconv.Itoa(master), "--duration", "15m", "-w", file}, args...)
	return startTool(t, exec.Command(program, args...), "sampling after")
}

// benchSamplingCost runs the gateway at saturation with and without a profile, and beside it
// perf.
func benchSamplingCost(t *testing.T, program string) {
	pinSelf(t, otherCPU)
	rig := testrig.StartT(t, testrig.Options{Workers: 1, BufferLog: true})
	pin(t, workers(t, rig)[0], gatewayCPU)
	saturate(t, rig, nil) // the first one warms up
	own := func(hz string) func(*testing.T, *testrig.Rig) *tool {
		return func(t *testing.T, rig *testrig.Rig) *tool { return sample(t, program, rig.MasterPID(), "--hz", hz) }
	}
	aim := map[string]float64{"profile --hz 99": 1.02, "profile --hz 999": 1.06}
	var costs []cost
	for _, w := range []watcher{
		{name: "profile --hz 99", pairs: minPairs, start: own("99")},
		{name: "profile --hz 999", pairs: minPairs, start: own("999")},
		{name: "perf record -g", pairs: 3, start: startPerf("-g")},
		{name: "perf record --call-graph dwarf", pairs: 3, start: startPerf("--call-graph", "dwarf,16384")},
	} {
		c := cost{watcher: w}
		for tries := 0; len(c.with) < w.pairs; {
			if c.pair(t, rig, len(c.with)%2 == 1) {
				tries = 0
			} else if tries++; tries == maxTries {
				t.Logf("%s: the gateway never used %.0f%% of its CPU: the machine is too busy to tell", w.name, 100*saturated)
				break
			}
		}
		costs = append(costs, c)
	}
	t.Logf("the gateway is one worker with CPU %d to itself; all else shares CPU %d\n%s", gatewayCPU, otherCPU, table(costs))
	for _, c := range costs {
		if most, ok := aim[c.name]; ok && len(c.with) > 0 {
			cpu := median(each(&c, cpuRatios))
			t.Logf("%s: gateway CPU per request %.3f, aim at most %.2f: %s", c.name, cpu, most, met(cpu <= most))
		}
	}
	for _, hz := range []string{"99", "999"} {
		core := ownCore(t, program, rig, hz)
		t.Logf("profile --hz %s: its own CPU, once it has begun: %.2f%% of a core", hz, 100*core)
		if hz == "99" {
			t.Logf("aim at most 2%%: %s", met(core <= 0.02))
		}
	}
}

const (
	settle  = 5 * time.Second // after which names have been read
	ownsFor = 15 * time.Second
)

// ownCore returns what part of a core a profile takes while the gateway is at full load.
func ownCore(t *testing.T, program string, rig *testrig.Rig, hz string) float64 {
	x := sample(t, program, rig.MasterPID(), "--hz", hz)
	done := startWrk(t, rig, testrig.Wrk{Duration: settle + ownsFor + time.Second, Conns: runConns})
	time.Sleep(settle)
	began, before := time.Now(), cpuTime(t, x.cmd.Process.Pid)
	time.Sleep(ownsFor)
	core := (cpuTime(t, x.cmd.Process.Pid) - before).Seconds() / time.Since(began).Seconds()
	if load := <-done; load.err != nil {
		t.Fatal(load.err)
	}
	x.stopWell()
	return core
}

// startPerf records with perf, and tells at the end how many stacks reach the start.
func startPerf(how ...string) func(*testing.T, *testrig.Rig) *tool {
	return func(t *testing.T, rig *testrig.Rig) *tool {
		if _, err := exec.LookPath("perf"); err != nil {
			t.Skipf("perf is what it is compared with: %v", err)
		}
		data := filepath.Join(t.TempDir(), "perf.data")
		args := append([]string{"record", "-q", "-F", "99", "-o", data}, how...)
		args = append(args, "-p", strconv.Itoa(workers(t, rig)[0]))
		t.Cleanup(func() { t.Logf("perf record %s: %s", strings.Join(how, " "), perfWhole(data)) })
		return startTool(t, exec.Command("sh", append([]string{"-c", `echo begins >&2; exec perf "$@"`, "perf"}, args...)...), "begins")
	}
}

func perfWhole(data string) string {
	defer os.Remove(data)
	out, err := exec.Command("perf", "script", "-i", data, "-F", "ip,sym").Output()
	if err != nil {
		return err.Error()
	}
	all, whole := 0, 0
	for stack := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n\n") {
		all++
		// In a stripped nginx main is a symbol all the same, since it is exported.
		if strings.Contains(stack, " _start") || strings.Contains(stack, " main") || strings.Contains(stack, "__libc_start") {
			whole++
		}
	}
	return fmt.Sprintf("%.1f%% of %d stacks reach main, none has Lua functions", 100*float64(whole)/float64(max(all, 1)), all)
}

const samplingAim = 400 * time.Millisecond

// benchSamplingStarts measures from exec to sampling, and the memory that takes.
func benchSamplingStarts(t *testing.T, program string) {
	rig := testrig.StartProfileT(t, testrig.Options{})
	var took, said []time.Duration
	var most int64
	for range starts {
		x := sample(t, program, rig.MasterPID(), "--hz", "999")
		if _, err := rig.Get(t.Context(), "/all"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		most = max(most, memory(t, x.cmd.Process.Pid, "VmHWM"))
		x.stopWell()
		took, said = append(took, x.took), append(said, x.printed(t, `sampling after (\d+) ms`))
	}
	t.Logf("from exec until it samples %s, as it says %s; aim %s: %s; memory at most %s: %s", spread(took, millis), spread(said, millis),
		millis(samplingAim), met(median(took) <= samplingAim), mebibytes(most), met(most <= maxMemory))
}
