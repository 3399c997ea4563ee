package testrig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// alive says whether pid is there and no zombie.
func alive(pid int) bool { return len(commandLine(pid)) > 0 }

// gone waits until none of pids is alive.
func gone(t *testing.T, pids ...int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, pid := range pids {
		if err := poll(ctx, func() (bool, error) { return !alive(pid), nil }); err != nil {
			t.Errorf("process %d is still there: %q", pid, commandLine(pid))
		}
	}
}

func TestReloadGivesNewWorkers(t *testing.T) {
	rig := StartT(t, Options{})
	before, err := rig.Workers()
	if err != nil || len(before) != 2 {
		t.Fatalf("workers: %v, %v", before, err)
	}
	if err := rig.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := rig.Workers()
	if err != nil || len(after) != 2 || slices.Contains(before, after[0]) || slices.Contains(before, after[1]) {
		t.Errorf("workers: %v, after reload %v, %v", before, after, err)
	}
	gone(t, before...)
	send(t, Load{Target: rig.Target(), Kinds: []Kind{Keepalive}, Requests: 1})
}

func TestReloadUnderLoad(t *testing.T) {
	rig := StartT(t, Options{Record: true})
	p, err := Load{Target: rig.Target(), Conns: 256, Duration: 2 * time.Second}.Start()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	if err := rig.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	res, err := p.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Check(); err != nil {
		t.Error(err)
	}
	gone(t, p.PID())
	if len(res.ByKind()) != len(Routes()) {
		t.Errorf("kinds: want all %d, got %v", len(Routes()), res.ByKind())
	}
	ids := map[string]bool{}
	for _, s := range res.Sent {
		ids[s.ID] = true
	}
	if len(ids) != len(res.Sent) {
		t.Errorf("%d requests, but %d ids", len(res.Sent), len(ids))
	}
	t.Logf("%d requests in %s", len(res.Sent), res.Elapsed)
}

func TestWorkerIsReplaced(t *testing.T) {
	rig := StartT(t, Options{})
	dead, err := rig.KillWorker()
	if err != nil {
		t.Fatal(err)
	}
	err = poll(t.Context(), func() (bool, error) {
		now, err := rig.Workers()
		return len(now) == 2 && !slices.Contains(now, dead), err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestStopMasterKeepsUpstreams(t *testing.T) {
	rig := StartT(t, Options{})
	workers, err := rig.Workers()
	if err != nil {
		t.Fatal(err)
	}
	rig.StopMaster()
	gone(t, append(workers, rig.MasterPID())...)
	if !alive(rig.UpstreamsPID()) {
		t.Error("the upstreams ended with the master")
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	NeedNginx(t)
	rig, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	pids, err := rig.Workers()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(rig.Close(), rig.Close()); err != nil {
		t.Error(err)
	}
	gone(t, append(pids, rig.MasterPID(), rig.UpstreamsPID())...)
	if _, err := os.Stat(rig.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

// TestOrphan is not a test: TestNothingOutlivesTheParent runs it in a process
// of its own and kills that.
func TestOrphan(t *testing.T) {
	if os.Getenv("RIG_ORPHAN") == "" {
		t.Skip("a part of TestNothingOutlivesTheParent")
	}
	rig := StartT(t, Options{})
	workers, err := rig.Workers()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("orphan %s %d %d %d %d\n", rig.Dir(), rig.MasterPID(), rig.UpstreamsPID(), workers[0], workers[1])
	select {}
}

func TestNothingOutlivesTheParent(t *testing.T) {
	NeedNginx(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestOrphan$")
	cmd.Env = append(os.Environ(), "RIG_ORPHAN=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(out)
	for scan.Scan() && !strings.HasPrefix(scan.Text(), "orphan ") {
	}
	fields := strings.Fields(scan.Text())
	if len(fields) != 6 {
		t.Fatalf("the child did not start a rig: %q", scan.Text())
	}
	var pids []int
	for _, f := range fields[2:] {
		pid, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}

	cmd.Process.Signal(syscall.SIGKILL)
	cmd.Wait()
	gone(t, pids...)
	if _, err := os.Stat(fields[1]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func TestNetNS(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("making a network namespace needs root")
	}
	rig := StartT(t, Options{NetNS: true, Record: true})
	s := send(t, Load{Target: rig.Target(), Kinds: []Kind{Keepalive}, Requests: 1}).Sent[0]
	rec := recordsOf(t, rig, s.ID, 1)[0]
	if !strings.HasPrefix(rec.LocalAddr, "10.213.") || !strings.HasPrefix(rec.RemoteAddr, "10.213.") {
		t.Errorf("record: %+v", rec)
	}
	send(t, Load{Target: rig.Target(), Requests: 2 * len(Routes()), Conns: 8})

	device := rig.device
	if err := rig.Close(); err != nil {
		t.Error(err)
	}
	if _, err := net.InterfaceByName(device); err == nil {
		t.Errorf("device %s is still there", device)
	}
}

func TestStartErrors(t *testing.T) {
	NeedNginx(t)
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{"binary", Options{Binary: "/nonexistent"}, "no such file"},
		{"dir", Options{Dir: "/nonexistent"}, "no such file"},
		{"workers", Options{Workers: -1}, "must be positive"},
		{"nginx ends", Options{Binary: "/bin/false"}, "exit status 1"},
	} {
		rig, err := Start(t.Context(), tt.o)
		if err == nil {
			rig.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: want an error with %q, got %v", tt.name, tt.want, err)
		}
	}
}
