package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/hint"
)

func TestFind(t *testing.T) {
	n := &nginx{
		main: "worker_processes 2; load_module " + filepath.Dir(luaModule) + "/ndk_http_module.so; load_module " + luaModule + ";",
		http: "proxy_cache_path cache keys_zone=c:1m;",
	}
	began := time.Now()
	pid := n.start(t)
	target := settled(t, pid, 4) // and a cache manager and loader

	if target.Master.PID != pid || target.Master.Role != RoleMaster {
		t.Errorf("master is %+v: want %d", target.Master, pid)
	}
	if d := target.Master.Started.Sub(began); d < -time.Second || d > 5*time.Second {
		t.Errorf("master started %v after us", d)
	}
	if len(target.Workers()) != 2 {
		t.Errorf("workers are %v", target.Workers())
	}
	for _, role := range []Role{RoleCacheManager, RoleCacheLoader} {
		if !slices.ContainsFunc(target.Children, func(p Process) bool { return p.Role == role }) {
			t.Errorf("no %s among %+v", role, target.Children)
		}
	}
	if target.Version.Nginx != installedVersion(t) || !target.Version.Compat || target.Version.OpenResty != "" {
		t.Errorf("version is %+v", target.Version)
	}
	if want := "table (nginx " + installedVersion(t) + ")"; target.LayoutSource.String() != want {
		t.Errorf("layout is from %s: want %s", target.LayoutSource, want)
	}
	if _, ok := target.Binary.Symbol(markGateway); !ok {
		t.Errorf("no %s in %+v", markGateway, target.Binary.Path)
	}
	if _, ok := target.Binary.Symbol("no_such_function"); ok {
		t.Error("found no_such_function")
	}
	if target.Lua == nil || target.Lua == target.Binary || target.Lua.Name != luaModule {
		t.Fatalf("Lua is %+v", target.Lua)
	}
	if _, ok := target.Lua.Symbol("ngx_http_lua_access_handler"); !ok {
		t.Error("no ngx_http_lua_access_handler")
	}
	if _, err := os.Stat(target.Lua.Path); err != nil {
		t.Error(err)
	}
	if target.Container || target.Deleted || target.Exe != fmt.Sprintf("/proc/%d/exe", pid) {
		t.Errorf("got %+v", target)
	}
	for _, worker := range target.Workers() {
		if by := find(t, worker); by.Master.PID != pid {
			t.Errorf("worker %d leads to %d", worker, by.Master.PID)
		}
	}
}

func TestFindSeveral(t *testing.T) {
	first, second := (&nginx{}).start(t), (&nginx{}).start(t)
	_, err := Find(context.Background(), Query{})
	if !errors.Is(err, ErrSeveral) || hint.Of(err) != choosePID {
		t.Fatalf("got %v, hint %q", err, hint.Of(err))
	}
	targets, errList := List(context.Background())
	if errList != nil {
		t.Fatal(errList)
	}
	for _, pid := range []int{first, second} {
		if !strings.Contains(err.Error(), fmt.Sprintf("pid %d ", pid)) {
			t.Errorf("%d is not in %v", pid, err)
		}
		if !slices.ContainsFunc(targets, func(x *Target) bool { return x.Master.PID == pid }) {
			t.Errorf("%d is not in the list", pid)
		}
	}
}

func TestFindThroughSymlink(t *testing.T) {
	need(t, "nginx")
	exe, _ := exec.LookPath("nginx")
	link := filepath.Join(t.TempDir(), "openresty")
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	pid := (&nginx{exe: link}).start(t)
	if comm, _ := os.ReadFile(procPath(pid, "comm")); string(comm) != "openresty\n" {
		t.Fatalf("comm is %q", comm)
	}
	if target := settled(t, pid, 1); target.Path == link || len(target.Workers()) != 1 {
		t.Errorf("got %+v", target)
	}
}

func TestFindDeleted(t *testing.T) {
	exe := copyExe(t, t.TempDir(), "", "")
	pid := (&nginx{exe: exe}).start(t)
	if err := os.Remove(exe); err != nil {
		t.Fatal(err)
	}
	target := settled(t, pid, 1)
	if !target.Deleted || target.Path != exe || !target.LayoutSource.Known() {
		t.Errorf("got %+v from %s", target.Path, target.LayoutSource)
	}
	if _, ok := target.Binary.Symbol("ngx_event_connect_peer"); !ok {
		t.Error("no ngx_event_connect_peer")
	}
}

func TestFindUnknownVersion(t *testing.T) {
	version := installedVersion(t)
	unknown := "9" + version[1:]
	pid := (&nginx{exe: copyExe(t, t.TempDir(), "nginx/"+version, "nginx/"+unknown)}).start(t)
	target := find(t, pid)
	if target.Version.Nginx != unknown || target.LayoutSource.Known() || target.Layout != (Layout{}) {
		t.Errorf("got %s, layout from %s", target.Version, target.LayoutSource)
	}
	if !strings.Contains(target.LayoutSource.String(), "none (nginx "+unknown) {
		t.Errorf("the source does not say why: %s", target.LayoutSource)
	}
}

func TestFindOtherProgram(t *testing.T) {
	_, err := Find(context.Background(), Query{PID: os.Getpid()})
	if !errors.Is(err, ErrNotGateway) || hint.Of(err) == "" {
		t.Errorf("got %v", err)
	}
	_, err = Find(context.Background(), Query{PID: 1 << 30})
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("got %v", err)
	}
	_, err = Find(context.Background(), Query{PID: 2}) // kthreadd, unless we are in a PID namespace
	if err == nil {
		t.Error("process 2 is a gateway")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = Find(ctx, Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFindReloaded(t *testing.T) {
	n := &nginx{}
	pid := n.start(t)
	old := settled(t, pid, 1).Workers()[0]
	conn, err := net.Dial("tcp", n.address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\n") // half a request keeps the old worker
	time.Sleep(100 * time.Millisecond)
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	var target *Target
	eventually(t, "a new worker beside the draining one", func() bool {
		target = find(t, pid)
		return len(target.Workers()) == 2 && slices.ContainsFunc(target.Children, func(p Process) bool {
			return p.PID == old && p.Role == RoleDraining
		})
	})
	conn.Close()
	eventually(t, "the old worker is gone", func() bool {
		return !slices.Contains(find(t, pid).Workers(), old)
	})
}
