package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/replay"
	"github.com/apisixscope/apisixscope/internal/testrig/screen"
	"github.com/apisixscope/apisixscope/trace"
)

// onScreen is the program in a process of its own, whose terminal is a screen.
type onScreen struct {
	*screen.Screen
	t      *testing.T
	cmd    *exec.Cmd
	dir    string
	before unix.Termios
	done   chan struct{}
}

func startOnScreen(t *testing.T, s scene, args ...string) *onScreen {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tool := filepath.Join(dir, "apisixscope") // TestMain knows it by this name
	if err := os.Symlink(self, tool); err != nil {
		t.Fatal(err)
	}
	p := &onScreen{Screen: screen.New(t, 80, 24), t: t, dir: filepath.Join(dir, "work"), done: make(chan struct{})}
	if err := os.Mkdir(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.before = p.modes()
	p.cmd = exec.CommandContext(t.Context(), tool, args...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = p.Program, p.Program, p.Program, p.dir
	p.cmd.Env = append(os.Environ(), "SCENE="+string(s), "TERM=xterm-256color", "XDG_STATE_HOME="+dir, "GORACE=atexit_sleep_ms=0")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() // the exit code tells
		close(p.done)
	}()
	return p
}

// modes are those of the terminal: raw while keys are read.
func (p *onScreen) modes() unix.Termios {
	p.t.Helper()
	m, err := unix.IoctlGetTermios(int(p.Program.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return *m
}

// ends waits for the end, and wants the exit code and the terminal as it was.
func (p *onScreen) ends(code int, words ...string) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill()
		p.t.Fatalf("the program does not end:\n%s", p.Text())
	}
	p.Wait(p.t, 50*time.Millisecond, words...)
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d:\n%s", got, code, p.Text())
	}
	if p.AltScreen() || p.modes() != p.before || strings.LastIndex(p.Raw(), "\x1b[?25h") < strings.LastIndex(p.Raw(), "\x1b[?25l") {
		p.t.Errorf("the terminal is not what it was; alternate screen: %v, modes %+v, before %+v", p.AltScreen(), p.modes(), p.before)
	}
	if mouse := strings.LastIndex(p.Raw(), "\x1b[?1002h"); mouse >= 0 && strings.LastIndex(p.Raw(), "\x1b[?1002l") < mouse {
		p.t.Error("the terminal still tells of the mouse")
	}
}

func TestTop(t *testing.T) {
	p := startOnScreen(t, "shop", "top", "--status", "2xx,4xx")
	p.Appears(t, "4 requests", "shop.example/checkout", "left · lost 0 · own CPU", "4:5")
	p.Press(t, "\r")
	p.Appears(t, "nginx request", "largest")
	p.Press(t, "+")
	p.Appears(t, "9:5", "the window ends 5 minutes later")
	p.Press(t, "eh")
	p.Appears(t, "the request in apisixscope-")
	files, err := filepath.Glob(filepath.Join(p.dir, "*.har"))
	if err != nil || len(files) != 1 {
		t.Fatalf("there are the files %v: %v", files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file's mode is %v: %v", info.Mode(), err)
	}
	p.Press(t, "q")
	p.ends(0, "seen 5 requests", "shown 4; lost 0")
}

func TestTopWindowEnds(t *testing.T) {
	p := startOnScreen(t, "shop", "top", "-d", "700ms")
	p.Appears(t, "window over, nothing is attached", "5 requests")
	p.Press(t, "+")
	p.Appears(t, "the window is over: start top again")
	p.Press(t, "\x03")
	p.ends(0)
}

func TestTopGivesTheTerminalBack(t *testing.T) {
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP} {
		p := startOnScreen(t, sceneBusy, "top")
		p.Appears(t, "shop.example/orders/17")
		p.cmd.Process.Signal(s)
		p.ends(0)
	}
	p := startOnScreen(t, sceneBroken, "top")
	p.ends(1, "apisixscope: read ring buffer: file already closed")
	p = startOnScreen(t, scenePanics, "top")
	p.ends(2)
	const told = "panic: the source panics"
	for until := time.Now().Add(10 * time.Second); !strings.Contains(p.Raw(), told); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) { // what a process wrote last is read after its end
			t.Fatalf("the panic is not told: %s", p.Text())
		}
	}
}

func TestTopLosesNothingInSilence(t *testing.T) {
	p := startOnScreen(t, sceneLossy, "top")
	p.Appears(t, "lost 3 (requests_ring_full)", `note: the request object is not known: \x1b[31msockets`)
	p.Press(t, "q")
	p.ends(0, "lost 3")
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incident.apisixscope")
	record(t, path)
	p := startOnScreen(t, "shop", "open", path)
	p.Appears(t, "incident.apisixscope", "3 requests", "/orders/2", "recording · lost 7")
	p.Press(t, "/path == \"/orders/1\"\r")
	p.Appears(t, "1 of 3 requests")
	p.Press(t, "+")
	p.Appears(t, "this is a recording")
	p.Press(t, ":admin\r")
	p.Appears(t, "checkout-route", "/checkout/*")
	p.Press(t, "q")
	p.ends(0)

	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)*2/3], 0o600); err != nil {
		t.Fatal(err)
	}
	p = startOnScreen(t, "shop", "open", path)
	p.Appears(t, "note: the recording is cut", "1 note: ?")
	p.Press(t, "q")
	p.ends(0)
	startOnScreen(t, "shop", "open", "nowhere").ends(1, "open nowhere: no such file")
	startOnScreen(t, "shop", "open").ends(2, "name one recording to open: got 0", "hint: see")
}

// record writes a recording of three requests.
func record(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := replay.NewWriter(f, replay.Manifest{Version: "v0.0.0-test", Began: began, Gateway: "openresty 1.27.1.2"})
	if err != nil {
		t.Fatal(err)
	}
	events := []trace.Event{{Kind: trace.KindLost, Cause: "requests_ring_full", Count: 7}}
	for _, path := range []string{"/orders/1", "/orders/2", "/checkout"} {
		x := &trace.Exchange{Start: began, Duration: time.Millisecond, Method: "GET", Host: "shop.example", Path: path, Status: 200}
		events = append(events, trace.Event{Kind: trace.KindExchange, Time: began, Exchange: x})
	}
	routes := `[{"id":"7","value":{"name":"checkout-route","uri":"/checkout/*","upstream_id":"1","status":1},"modifiedIndex":12}]`
	if err := w.Fact("admin-routes", []byte(routes)); err != nil {
		t.Fatal(err)
	}
	for i := range events {
		if err := w.Add(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(replay.End{Window: time.Minute}); err != nil {
		t.Fatal(err)
	}
}
