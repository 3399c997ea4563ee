package bench

import (
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

const (
	starts     = 10
	armedAim   = 500 * time.Millisecond
	closedAim  = 300 * time.Millisecond
	memoryFor  = 60 * time.Second
	maxMemory  = 128 << 20
	betweenRSS = time.Second
)

// benchStarts measures from exec to the probes being armed, and from an interrupt to the
// exit: from outside, and as the program prints it with -v.
func benchStarts(t *testing.T, program string) {
	rig := testrig.StartT(t, testrig.Options{})
	startsOf(t, "the gateway is idle", program, rig)

	p, err := testrig.Load{Target: rig.Target(), Kinds: []testrig.Kind{testrig.Keepalive}, Conns: 64, Duration: 5 * time.Minute}.Start()
	if err != nil {
		t.Fatal(err)
	}
	startsOf(t, "the gateway is at full load", program, rig)
	p.Stop()
	if _, err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func startsOf(t *testing.T, when, program string, rig *testrig.Rig) {
	t.Helper()
	var armed, saidArmed, closed, saidClosed []time.Duration
	for range starts {
		x := watch(t, program, rig, nil, "trace", "-o", "json")
		time.Sleep(500 * time.Millisecond) // a window, if a short one
		armed, closed = append(armed, x.took), append(closed, x.stopWell())
		saidArmed = append(saidArmed, x.printed(t, `probes armed after (\d+) ms`))
		saidClosed = append(saidClosed, x.printed(t, `closed after (\d+) ms`))
	}
	t.Logf("%d starts while %s\nfrom exec until armed     %s, as it says %s; aim %s: %s\nfrom interrupt to exit    %s, as it says %s; aim %s: %s",
		starts, when, spread(armed, millis), spread(saidArmed, millis), millis(armedAim), met(median(armed) <= armedAim),
		spread(closed, millis), spread(saidClosed, millis), millis(closedAim), met(median(closed) <= closedAim))
}

// printed returns the milliseconds that the tool printed in words that match pattern.
func (x *tool) printed(t *testing.T, pattern string) time.Duration {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(x.words())
	if m == nil {
		t.Fatalf("no %q in:\n%s", pattern, x.words())
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * time.Millisecond
}

// benchMemory watches the fastest gateway there is for a minute.
func benchMemory(t *testing.T, program string) {
	rig := testrig.StartT(t, testrig.Options{Cheap: true})
	x := watch(t, program, rig, nil, "trace", "-o", "json")
	done := startWrk(t, rig, testrig.Wrk{Duration: memoryFor, Conns: runConns})

	var most int64
	tick := time.NewTicker(betweenRSS)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			most = max(most, memory(t, x.cmd.Process.Pid, "VmRSS"))
			continue
		case o := <-done:
			if o.err != nil {
				t.Fatal(o.err)
			}
			peak := memory(t, x.cmd.Process.Pid, "VmHWM")
			x.stopWell()
			t.Logf("%.0f requests/s for %s: resident size at most %s each second, %s at its peak; bound %s",
				o.PerSecond, memoryFor, mebibytes(most), mebibytes(peak), mebibytes(maxMemory))
			if peak > maxMemory {
				t.Errorf("resident size reached %s, more than %s", mebibytes(peak), mebibytes(maxMemory))
			}
			checkSeen(t, x, o.Requests)
			return
		}
	}
}

// A wrkOutcome is what became of wrk in the background.
type wrkOutcome struct {
	testrig.WrkResult
	err error
}

// startWrk runs wrk beside the test, which receives its outcome.
func startWrk(t *testing.T, rig *testrig.Rig, w testrig.Wrk) <-chan wrkOutcome {
	done := make(chan wrkOutcome, 1)
	go func() {
		res, err := rig.Wrk(t.Context(), w)
		done <- wrkOutcome{res, err}
	}()
	return done
}
