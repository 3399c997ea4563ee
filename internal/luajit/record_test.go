package luajit

import (
	"os"
	"os/exec"
	"testing"
)

// Recording needs a path in these, to write images to testdata: of nginx, and of a LuaJIT
// program of a release whose snapshots are of the older form. It was built with
//
//	make XCFLAGS=-DLUAJIT_ENABLE_GC64
const (
	recordNginx  = "APISIXSCOPE_RECORD_NGINX"
	recordLuaJIT = "APISIXSCOPE_RECORD_LUAJIT"
)

// TestGatewayRecord makes testdata/nginx-20230119.gz anew if it is asked to.
func TestGatewayRecord(t *testing.T) {
	name := os.Getenv(recordNginx)
	if name == "" {
		t.Skipf("to record an image, set %s to its name", recordNginx)
	}
	w := startNginx(t)
	for range 20 {
		if err := w.ask("/work"); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error)
	go func() { done <- w.ask("/pause") }()
	record(t, w.pid, name)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestGatewayRecordLuaJIT does so with a LuaJIT of its own: APISIXSCOPE_RECORD_LUAJIT is
// its path and APISIXSCOPE_RECORD_NGINX the image's name.
func TestGatewayRecordLuaJIT(t *testing.T) {
	program, name := os.Getenv(recordLuaJIT), os.Getenv(recordNginx)
	if program == "" {
		t.Skipf("to record an image, set %s to a LuaJIT", recordLuaJIT)
	}
	dir := t.TempDir()
	copyWorkload(t, dir)
	cmd := exec.Command(program, "-e", `local w = require("workload") for _ = 1, 400 do w.work() end w.pause(1000000)`)
	cmd.Dir, cmd.Stderr, cmd.Env = dir, os.Stderr, []string{"LUA_PATH=./?.lua"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	record(t, cmd.Process.Pid, name)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// record keeps all that the questions of the other tests lead to.
func record(t *testing.T, pid int, name string) {
	t.Helper()
	sp, ip := asleep(t, pid)
	p, err := OpenProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	m := &image{Pages: map[uint64][]byte{}, IP: ip}
	m.Symbols, m.Interpreter = exported(t, pid)
	target := &recorder{p, m}
	f := Finder{Memory: target, Interpreter: m.Interpreter}
	if m.Symbols.Cycle != 0 {
		if _, err := f.Find(m.Symbols); err != nil {
			t.Fatal(err)
		}
	}
	vm := stateOnStack(t, f, sp)
	r := NewReader(vm, target)
	m.State, _ = r.Running()
	t.Logf("%+v", vm)
	lookAtAll(t, r, m)
	m.save(t, name)
}

// lookAtAll reads all that there is to read.
func lookAtAll(t *testing.T, r *Reader, m *image) {
	t.Helper()
	r.Code()
	calls, err := r.Stack(Point{State: m.State, IP: m.IP})
	if err != nil {
		t.Fatal(err)
	}
	names(r, calls)
	r.readTraces()
	for _, tr := range r.traces.byCode {
		r.mem.guards(tr.code, 1<<12)
		for pc := tr.code.Start; pc < tr.code.End; pc++ {
			if got, ok := r.Trace(pc); ok {
				names(r, got.Calls)
				for _, c := range got.Calls {
					r.protoOf(c.PC)
				}
			}
		}
	}
}
