package bench

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/internal/testrig/screen"
)

// What the program for terminals is measured at.
const (
	topRate    = 10_000 // requests a second through the gateway
	topTime    = 60 * time.Second
	topSettled = 20 * time.Second // by then all that is kept is kept
	topDraws   = 10               // a second, at most
	topKeys    = 100 * time.Millisecond
)

// TestBenchTop has somebody sit before top while the gateway is busy, and press keys.
func TestBenchTop(t *testing.T) {
	needBench(t)
	program := build(t)
	rig := testrig.StartT(t, testrig.Options{Cheap: true})
	load, err := testrig.Load{
		Target: rig.Target(), Kinds: testrig.Options{Cheap: true}.Kinds(), Conns: 64, Rate: topRate, Duration: topTime + 10*time.Second,
	}.Start()
	if err != nil {
		t.Fatal(err)
	}
	s := screen.New(t, 160, 48)
	cmd := exec.Command(program, "top", "-v", "--admin", "off", "-d", "15m", "--pid", strconv.Itoa(rig.MasterPID()))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Program, s.Program, s.Program
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "XDG_STATE_HOME="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() // it may have ended
		cmd.Wait()
	})
	s.Appears(t, "TIME↓", " left · lost ")

	u := useTop(t, s, cmd.Process.Pid)
	s.Press(t, "q")
	if err := cmd.Wait(); err != nil {
		t.Errorf("top ends with %v", err)
	}
	s.Wait(t, 200*time.Millisecond, "screen drawn")
	load.Stop()
	res, err := load.Wait(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("load: %d requests sent, %.0f a second wanted", len(res.Sent), float64(topRate))
	u.judge(t, s.Raw())
}

// topUse is what using it was like.
type topUse struct {
	keys          []time.Duration // from a press to the screen that it asks for
	settled, most int64           // resident bytes once settled, and later
}

// useTop turns from page to page for a while.
func useTop(t *testing.T, s *screen.Screen, pid int) *topUse {
	t.Helper()
	u := &topUse{}
	pages := []struct{ key, words string }{
		{"2", "nginx request"}, {"3", "REQ/S↓"}, {"4", "TRY/S↓"}, {"5", "LONGEST"}, {"?", "Everywhere"}, {"1", "TIME↓"},
	}
	began := time.Now()
	for n := 0; time.Since(began) < topTime; n++ {
		// At any moment between two draws.
		time.Sleep(300*time.Millisecond + rand.N(300*time.Millisecond))
		page := pages[n%len(pages)]
		at := time.Now()
		s.Press(t, page.key)
		s.Appears(t, page.words)
		u.keys = append(u.keys, time.Since(at))
		used := memory(t, pid, "VmRSS")
		if time.Since(began) < topSettled {
			u.settled = max(u.settled, used)
		} else {
			u.most = max(u.most, used)
		}
	}
	return u
}

// judge compares it with what is promised, and with what the program itself says at its end.
func (u *topUse) judge(t *testing.T, said string) {
	t.Helper()
	slices.Sort(u.keys)
	at := func(q float64) time.Duration { return u.keys[int(q*float64(len(u.keys)-1))] }
	t.Logf("%d keys: on the screen after %v in the middle, %v at 95%%, %v at most", len(u.keys), at(0.5), at(0.95), at(1))
	t.Logf("resident memory: %s within %v, %s later", mebibytes(u.settled), topSettled, mebibytes(u.most))
	summary := regexp.MustCompile(`seen ([\d,]+) requests[^\r\n]*`).FindString(said)
	drawn := regexp.MustCompile(`screen drawn (\d+) times in ([\d.]+) s[^\r\n]*`).FindStringSubmatch(said)
	if summary == "" || drawn == nil {
		t.Fatalf("the program does not tell how it went: %q", said[max(len(said)-2000, 0):])
	}
	t.Log(summary)
	t.Log(drawn[0])
	seen, _ := strconv.Atoi(strings.ReplaceAll(regexp.MustCompile(`seen ([\d,]+)`).FindStringSubmatch(summary)[1], ",", ""))
	if want := int(0.8 * topRate * topTime.Seconds()); seen < want {
		t.Fatalf("this run proves nothing: %d requests were seen, and %d are wanted: is the machine busy with something else?", seen, want)
	}
	draws, _ := strconv.ParseFloat(drawn[1], 64)
	seconds, _ := strconv.ParseFloat(drawn[2], 64)
	if rate := draws / seconds; rate > topDraws || rate < 1 {
		t.Errorf("the screen was drawn %.1f times a second, want 1 to %d", rate, topDraws)
	}
	if at(0.95) > topKeys {
		t.Errorf("keys took %v at 95%%, want %v at most", at(0.95), topKeys)
	}
	if float64(u.most) > 1.15*float64(u.settled) {
		t.Errorf("memory grew from %s to %s", mebibytes(u.settled), mebibytes(u.most))
	}
}
