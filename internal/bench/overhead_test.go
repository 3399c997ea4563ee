package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

const (
	gatewayCPU = 0 // of the gateway's only worker
	otherCPU   = 1 // of load, upstreams, the watcher and this process
	runFor     = 4 * time.Second
	// runConns is so large that the gateway has work for longer than the others on their
	// CPU may have to wait for each other.
	runConns = 256
	// saturated is the share of its CPU that the worker must have used in a run without a
	// watcher; another program may have disturbed it, so it may be tried again.
	saturated = 0.95
	maxTries  = 4
)

// TestBenchOverhead tells what watching costs the gateway.
func TestBenchOverhead(t *testing.T) {
	needBench(t)
	if runtime.NumCPU() < 2 {
		t.Fatal("the gateway needs a CPU of its own: this machine has one in all")
	}
	program := build(t)
	t.Run("cost", func(t *testing.T) { benchCost(t, program) })
	t.Run("profile", func(t *testing.T) {
		for _, command := range []string{"trace -o json", "logs -o text", "logs -o text --header all"} {
			t.Run(strings.ReplaceAll(command, " ", "-"), func(t *testing.T) { benchProfile(t, program, command) })
		}
	})
	t.Run("starts", func(t *testing.T) { benchStarts(t, program) })
	t.Run("memory", func(t *testing.T) { benchMemory(t, program) })
}

// A run is the gateway at saturation for a while, with or without a watcher.
type run struct {
	rate   float64       // requests per second
	cpu    time.Duration // of the gateway, per request
	busy   float64       // share of its CPU that the gateway used
	spare  float64       // share of the other CPU that nobody used
	own    time.Duration // CPU time of the watcher, per request
	memory int64         // peak resident size of the watcher
}

// benchCost runs the gateway with and without each watcher in turn.
func benchCost(t *testing.T, program string) {
	pinSelf(t, otherCPU)
	rig := testrig.StartT(t, testrig.Options{Workers: 1, BufferLog: true})
	pin(t, workers(t, rig)[0], gatewayCPU)
	saturate(t, rig, nil) // the first one warms up

	var costs []cost
	for _, w := range watchers(program) {
		t.Run(strings.ReplaceAll(w.name, " ", "-"), func(t *testing.T) {
			c := cost{watcher: w}
			for tries := 0; len(c.with) < w.pairs; {
				if c.pair(t, rig, len(c.with)%2 == 1) {
					tries = 0
				} else if tries++; tries == maxTries {
					t.Fatalf("the gateway never used %.0f%% of its CPU: it is not what limits the load", 100*saturated)
				}
			}
			costs = append(costs, c)
		})
	}
	t.Logf("the gateway is one worker with CPU %d to itself; all else shares CPU %d\n%s", gatewayCPU, otherCPU, table(costs))
	t.Logf("aims\n%s", aimsTable(costs))
}

// saturate loads the gateway beside w; nil is nobody.
func saturate(t *testing.T, rig *testrig.Rig, w *watcher) run {
	t.Helper()
	// The log only grows, and the disk is not what is measured.
	if err := os.Truncate(filepath.Join(rig.Dir(), "access.log"), 0); err != nil {
		t.Fatal(err)
	}
	var x *tool
	if w != nil {
		x = w.start(t, rig)
	}
	worker := workers(t, rig)[0]
	began, cpu, idle, own := time.Now(), cpuTime(t, worker), idleTime(t, otherCPU), time.Duration(0)
	if x != nil {
		own = cpuTime(t, x.cmd.Process.Pid)
	}
	res, err := rig.Wrk(t.Context(), testrig.Wrk{Duration: runFor, Conns: runConns})
	if err != nil {
		t.Fatal(err)
	}
	// Beside strace the gateway is so slow that requests time out.
	ours := w == nil || w.own
	if res.Requests == 0 || res.Non2xx > 0 || res.SocketErrors > 0 && ours {
		t.Fatalf("this run proves nothing: %+v", res)
	}
	took, used := time.Since(began), cpuTime(t, worker)-cpu
	r := run{
		rate: res.PerSecond, cpu: used / time.Duration(res.Requests), busy: used.Seconds() / took.Seconds(),
		spare: (idleTime(t, otherCPU) - idle).Seconds() / took.Seconds(),
	}
	if x != nil {
		r.own = (cpuTime(t, x.cmd.Process.Pid) - own) / time.Duration(res.Requests)
		r.memory = memory(t, x.cmd.Process.Pid, "VmHWM")
		x.stop()
	}
	if w != nil && w.own {
		checkSeen(t, x, res.Requests)
	}
	return r
}

// A cost is what a watcher made of the gateway, pair by pair.
type cost struct {
	watcher
	without, with []run
	disturbed     int // pairs that do not count
}

// pair makes a run without and one with the watcher; every other time in reverse, so that
// a machine that gets slower or faster favours neither. It says whether the pair counts.
func (c *cost) pair(t *testing.T, rig *testrig.Rig, reverse bool) bool {
	t.Helper()
	var without, with run
	if reverse {
		with, without = saturate(t, rig, &c.watcher), saturate(t, rig, nil)
	} else {
		without, with = saturate(t, rig, nil), saturate(t, rig, &c.watcher)
	}
	if without.busy < saturated {
		c.disturbed++
		return false
	}
	c.without, c.with = append(c.without, without), append(c.with, with)
	return true
}

// each returns a figure of every pair.
func each[T any](c *cost, figure func(without, with run) T) []T {
	all := make([]T, len(c.with))
	for i := range all {
		all[i] = figure(c.without[i], c.with[i])
	}
	return all
}

func rates(without, with run) float64           { return with.rate / without.rate }
func cpuRatios(without, with run) float64       { return float64(with.cpu) / float64(without.cpu) }
func cpuExtras(without, with run) time.Duration { return with.cpu - without.cpu }
func owns(_, with run) time.Duration            { return with.own }

func table(costs []cost) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "beside the gateway\tpairs\tthroughput\tgateway CPU/request\textra\town CPU/request\tpeak RSS\tgateway busy\tother CPU idle\trequests/s without, with\tdisturbed pairs")
	for _, c := range costs {
		if len(c.with) == 0 {
			continue
		}
		busy := median(each(&c, func(_, with run) float64 { return with.busy }))
		spare := median(each(&c, func(_, with run) float64 { return with.spare }))
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%.0f%%\t%.0f%%\t%.0f, %.0f\t%d\n", c.name, len(c.with),
			spread(each(&c, rates), ratio), spread(each(&c, cpuRatios), ratio), micros(median(each(&c, cpuExtras))),
			micros(median(each(&c, owns))), mebibytes(median(each(&c, func(_, with run) int64 { return with.memory }))),
			100*busy, 100*spare,
			median(each(&c, func(without, _ run) float64 { return without.rate })), median(each(&c, func(_, with run) float64 { return with.rate })),
			c.disturbed)
	}
	w.Flush()
	return b.String()
}

// aimsTable compares the medians with what was aimed at.
func aimsTable(costs []cost) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range costs {
		throughput, cpu := median(each(&c, rates)), median(each(&c, cpuRatios))
		extra, own := median(each(&c, cpuExtras)), median(each(&c, owns))
		if least := c.aims.throughput; least > 0 {
			fmt.Fprintf(w, "%s\tthroughput\tat least %s\t%s\t%s\n", c.name, ratio(least), ratio(throughput), met(throughput >= least))
		}
		if most := c.aims.cpu; most > 0 {
			fmt.Fprintf(w, "%s\tgateway CPU/request\tat most %s\t%s\t%s\n", c.name, ratio(most), ratio(cpu), met(cpu <= most))
		}
		if most := c.aims.extra; most > 0 {
			fmt.Fprintf(w, "%s\textra\tat most %s\t%s\t%s\n", c.name, micros(most), micros(extra), met(extra <= most))
		}
		if most := c.aims.own; most > 0 {
			fmt.Fprintf(w, "%s\town CPU/request\tat most %s\t%s\t%s\n", c.name, micros(most), micros(own), met(own <= most))
		}
	}
	w.Flush()
	return b.String()
}

func met(aim bool) string {
	if aim {
		return "aim met"
	}
	return "aim missed"
}
