package bench

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/profile"
)

const (
	soakReload = 20 * time.Second
	soakEnv    = "APISIXSCOPE_SOAK" // how long the soak is, such as 2m
	soakUsual  = 10 * time.Minute
	soakWarm   = 3 // generations after which nothing is new any more
	// soakGrowth is how much of memory may come and go with garbage; a profile that has
	// all the stacks there are does not need more for the same ones.
	soakGrowth = 8 << 20
)

// A generation of workers, and what the profile held when it was replaced.
type generation struct {
	workers []int
	memory  int64
	files   map[string]int // what is open, by kind
}

// benchSoak samples for minutes while the gateway is loaded and reloaded: each generation of
// workers is in the profile, and what that takes does not grow.
func benchSoak(t *testing.T, program string) {
	length := soakLength(t)
	rig := testrig.StartProfileT(t, testrig.Options{})
	file := filepath.Join(t.TempDir(), "soak.pb.gz")
	// At this rate the profile is soon as full as it may be: what grows then is a leak.
	x := sample(t, program, rig.MasterPID(), "--hz", "999", "-w", file)
	var all []generation
	for end := time.Now().Add(length); time.Now().Before(end); {
		all = append(all, soakOnce(t, rig, x))
		if err := rig.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	last := soakOnce(t, rig, x) // of the last reload
	peak := memory(t, x.cmd.Process.Pid, "VmHWM")
	x.stopWell()
	all = append(all, last)
	samples := samplesOf(t, file)
	t.Logf("%s, %d generations of workers; memory at most %s\n%s\nit said\n%s", length, len(all), mebibytes(peak),
		soakTable(all, samples), x.words())
	for i, g := range all {
		// One of its workers may have got no connection.
		if !slices.ContainsFunc(g.workers, func(pid int) bool { return samples[pid] > 0 }) {
			t.Errorf("generation %d: no sample of workers %v", i+1, g.workers)
		}
	}
	if peak > maxMemory {
		t.Errorf("memory reached %s, more than %s", mebibytes(peak), mebibytes(maxMemory))
	}
	checkFlat(t, all)
}

func soakLength(t *testing.T) time.Duration {
	text := os.Getenv(soakEnv)
	if text == "" {
		return soakUsual
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", soakEnv, err)
	}
	return length
}

// soakOnce loads the workers that there are until it is time to reload them.
func soakOnce(t *testing.T, rig *testrig.ProfileRig, x *tool) generation {
	t.Helper()
	pids, err := rig.Workers()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soakReload)
	defer cancel()
	n := 0
	for ctx.Err() == nil { // workers that quit close connections
		// What fails then is no matter: requests of that generation are counted below.
		answered, _ := rig.Load(ctx, truthConns, append(testrig.ProfileRoutes(), "/all")...)
		n += answered
	}
	if n == 0 {
		t.Fatal("this generation proves nothing: no request was answered")
	}
	pid := x.cmd.Process.Pid
	return generation{pids, memory(t, pid, "VmRSS"), openFiles(t, pid)}
}

// checkFlat compares the second half with what there was after the first few generations.
func checkFlat(t *testing.T, all []generation) {
	t.Helper()
	if len(all) < 3*soakWarm {
		t.Logf("%d generations are too few to tell whether anything grows", len(all))
		return
	}
	// An object's file is closed once its names are known, which may be at any time.
	first, last := all[soakWarm].files, all[len(all)-1].files
	for kind, n := range last {
		if n > first[kind] {
			t.Errorf("open in generation %d: %v, and in the last: %v", soakWarm+1, first, last)
			break
		}
	}
	// Of memory the median: a collection may be due at any time.
	sizes := func(g []generation) (m []int64) {
		for i := range g {
			m = append(m, g[i].memory)
		}
		return m
	}
	half := len(all) / 2
	before, after := median(sizes(all[soakWarm:half])), median(sizes(all[half:]))
	t.Logf("memory, in the middle: %s in generations %d to %d, %s after them", mebibytes(before), soakWarm+1, half, mebibytes(after))
	if after > before+soakGrowth {
		t.Errorf("memory has grown by %s", mebibytes(after-before))
	}
}

// samplesOf counts the samples of each worker in a profile.
func samplesOf(t *testing.T, file string) map[int]int64 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := pprof.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[int]int64{}
	for _, s := range p.Sample {
		pid, err := strconv.Atoi(profile.LabelOf(s, profile.LabelWorker))
		if err != nil {
			t.Fatalf("the worker of a sample: %v", err)
		}
		counts[pid] += s.Value[0]
	}
	return counts
}

// openFiles counts what a process has open, by kind: those of the kernel's programs are
// bpf-prog, bpf-map and bpf_link.
func openFiles(t *testing.T, pid int) map[string]int {
	t.Helper()
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, e := range all {
		to, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(to, "anon_inode:"), ":")
		if strings.HasPrefix(to, "/proc/") {
			kind = "memory of a process"
		} else if strings.HasPrefix(to, "/") {
			kind = "file"
		}
		kinds[kind]++
	}
	return kinds
}

func soakTable(all []generation, samples map[int]int64) string {
	var kinds []string
	for _, g := range all {
		kinds = append(kinds, slices.Collect(maps.Keys(g.files))...)
	}
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "generation\tworkers\tsamples\tmemory\t%s\n", strings.Join(kinds, "\t"))
	for i, g := range all {
		n := int64(0)
		for _, pid := range g.workers {
			n += samples[pid]
		}
		fmt.Fprintf(w, "%d\t%d\t%d\t%s", i+1, len(g.workers), n, mebibytes(g.memory))
		for _, k := range kinds {
			fmt.Fprintf(w, "\t%d", g.files[k])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}
