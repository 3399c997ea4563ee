package bench

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// A tool is a process that watches a gateway: apisixscope, or one that it is compared with.
type tool struct {
	t     *testing.T
	cmd   *exec.Cmd
	began time.Time
	ready chan struct{} // closed when it says that it watches
	took  time.Duration // from began until then; read after ready
	ended chan struct{} // closed when it has exited
	err   error         // how; read after ended

	mu   sync.Mutex
	said []string // lines of its stderr
}

// watchPatience bounds how long a tool may take to begin and to end.
const watchPatience = 30 * time.Second

// watch starts a command of apisixscope, the first of args, on the gateway of rig, with
// its data going to out; nil throws it away.
func watch(t *testing.T, program string, rig *testrig.Rig, out *os.File, args ...string) *tool {
	t.Helper()
	cmd := exec.Command(program, append(args, "-v", "--pid", strconv.Itoa(rig.MasterPID()), "--duration", "15m")...)
	if out != nil {
		cmd.Stdout = out
	}
	return startTool(t, cmd, "probes armed after")
}

// startTool starts cmd and returns when it has said sign on stderr.
func startTool(t *testing.T, cmd *exec.Cmd, sign string) *tool {
	t.Helper()
	x := &tool{t: t, cmd: cmd, ready: make(chan struct{}), ended: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	// Ctrl-C is ours: stop passes it on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	x.began = time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.kill)
	go x.listen(stderr, sign)

	select {
	case <-x.ready:
	case <-x.ended:
		t.Fatalf("%s ended: %v\n%s", cmd, x.err, x.words())
	case <-time.After(watchPatience):
		t.Fatalf("%s did not say %q\n%s", cmd, sign, x.words())
	}
	return x
}

// listen notes what the tool says until it exits.
func (x *tool) listen(stderr io.Reader, sign string) {
	defer close(x.ended)
	ready := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		at, line := time.Now(), lines.Text()
		x.mu.Lock()
		x.said = append(x.said, line)
		x.mu.Unlock()
		if !ready && strings.Contains(line, sign) {
			ready = true
			x.took = at.Sub(x.began)
			close(x.ready)
		}
	}
	x.err = x.cmd.Wait()
}

// words returns what the tool has said so far.
func (x *tool) words() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.Join(x.said, "\n")
}

// stop interrupts the tool as Ctrl-C does, and returns how long it took to end.
func (x *tool) stop() time.Duration {
	x.t.Helper()
	began := time.Now()
	x.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-x.ended:
	case <-time.After(watchPatience):
		x.t.Fatalf("%s goes on after an interrupt\n%s", x.cmd, x.words())
	}
	return time.Since(began)
}

// stopWell is stop for a tool whose exit code must then be 0.
func (x *tool) stopWell() time.Duration {
	x.t.Helper()
	took := x.stop()
	if x.err != nil {
		x.t.Fatalf("%s: %v\n%s", x.cmd, x.err, x.words())
	}
	return took
}

// kill ends the tool if the test forgot to.
func (x *tool) kill() {
	select {
	case <-x.ended:
	default:
		x.cmd.Process.Kill()
		<-x.ended
	}
}
