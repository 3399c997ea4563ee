//go:build amd64

package unwind

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestWalkBlocked walks the stacks of processes that wait in the kernel: of such a thread,
// /proc tells the stack pointer and the program counter. Each walk must reach the end.
func TestWalkBlocked(t *testing.T) {
	for _, test := range []struct {
		command []string
		depth   int
	}{
		{[]string{"sleep", "60"}, 4},
		{[]string{"cat"}, 4},
		{[]string{"sh", "-c", "sleep 60; true"}, 6},
		{[]string{"bash", "-c", "sleep 60; true"}, 6},
		{[]string{"perl", "-e", "sleep 60"}, 5},
		{[]string{"python3", "-c", "import time; time.sleep(60)"}, 8},
		{[]string{"tail", "-f", "/dev/null"}, 4},
	} {
		t.Run(test.command[0], func(t *testing.T) {
			if _, err := exec.LookPath(test.command[0]); err != nil {
				t.Skip(err)
			}
			cmd := exec.Command(test.command[0], test.command[1:]...)
			pipe, err := cmd.StdinPipe() // cat reads it for ever
			if err != nil {
				t.Fatal(err)
			}
			defer pipe.Close()
			walkBlocked(t, start(t, cmd), test.depth)
		})
	}
}

func walkBlocked(t *testing.T, pid, depth int) {
	t.Helper()
	var frames []frame
	var err error
	// A process that still starts may block elsewhere, and go on while it is walked: a walk
	// counts if it stood where it stood all the while.
	for range 100 {
		r := blockedAt(t, pid)
		found, failed := openProcess(t, pid).walk(r)
		frames, err = found, failed
		if reflect.DeepEqual(blockedAt(t, pid), r) && err == nil && len(frames) >= depth {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("after %d frames: %v", len(frames), err)
	}
	if len(frames) < depth {
		t.Errorf("%d frames: want %d or more", len(frames), depth)
	}
	t.Logf("%d frames", len(frames))
}

// TestWalkBlockedNginx walks a master that waits for a signal, and workers in epoll_wait.
func TestWalkBlockedNginx(t *testing.T) {
	master := startNginx(t)
	walkBlocked(t, master, 5)
	for _, pid := range workers(t, master) {
		walkBlocked(t, pid, 7)
	}
}

// startNginx starts Debian's nginx, with two workers and Lua if it has that, and returns the
// master's PID.
func startNginx(t testing.TB) int {
	t.Helper()
	nginx, err := exec.LookPath("/usr/sbin/nginx")
	if err != nil {
		t.Skip(err)
	}
	dir, modules := t.TempDir(), ""
	for _, module := range []string{"ndk_http_module", "ngx_http_lua_module"} {
		path := "/usr/lib/nginx/modules/" + module + ".so"
		if _, err := os.Stat(path); err == nil {
			modules += "load_module " + path + ";\n"
		}
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("%[2]sdaemon off; worker_processes 2; pid %[1]s/pid; error_log %[1]s/log;\nevents {}\n", dir, modules)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, exec.Command(nginx, "-p", dir, "-e", filepath.Join(dir, "log"), "-c", conf))
}

func workers(t testing.TB, master int) []int {
	t.Helper()
	for range 500 {
		if pids := children(t, master); len(pids) == 2 {
			return pids
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nginx has no two workers")
	return nil
}

func children(t testing.TB, pid int) []int {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Skip(err) // the kernel was built without it
	}
	defer f.Close()
	var pids []int
	s := bufio.NewScanner(f)
	s.Split(bufio.ScanWords)
	for s.Scan() {
		pid, err := strconv.Atoi(s.Text())
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// BenchmarkWorker reads the rows of all that a worker of nginx maps, as is done before the
// first sample.
func BenchmarkWorker(b *testing.B) {
	pid := workers(b, startNginx(b))[0]
	time.Sleep(time.Second) // it may still be about to load something
	objects, rows := 0, 0
	before := processorTime(b)
	for b.Loop() {
		objects, rows = 0, 0
		mappings, err := Mappings(pid)
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range mappings {
			if m.Anonymous {
				continue
			}
			r, _, err := readMapping(pid, m)
			if err != nil {
				b.Fatal(err)
			}
			objects++
			rows += len(r)
		}
	}
	b.ReportMetric(float64(objects), "objects")
	b.ReportMetric(float64(rows), "rows")
	// On a busy machine, the time that counts is the processor's.
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
