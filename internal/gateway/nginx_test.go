package gateway

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// need skips the test where a tool is missing or we are not root, and fails it where
// APISIXSCOPE_NEED_BPF=1 promises both.
func need(t testing.TB, tools ...string) {
	t.Helper()
	missing := ""
	if os.Getuid() != 0 {
		missing = "root"
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing = tool
		}
	}
	switch {
	case missing == "":
	case os.Getenv("APISIXSCOPE_NEED_BPF") == "1":
		t.Fatalf("needs %s", missing)
	default:
		t.Skipf("needs %s", missing)
	}
}

// nginx is one running instance. Its zero value is Debian's binary with two workers.
type nginx struct {
	exe  string   // other than the one in $PATH
	main string   // further lines of configuration at top level
	http string   // and in http {}
	wrap []string // a command that runs it, such as unshare
	fork bool     // let it become a daemon, else it is our child

	dir  string
	port int
	cmd  *exec.Cmd
}

const luaModule = "/usr/lib/nginx/modules/ngx_http_lua_module.so"

// start runs n in the foreground until the test ends; PID is what it returns.
func (n *nginx) start(t testing.TB) int {
	t.Helper()
	need(t, "nginx")
	if n.exe == "" {
		n.exe, _ = exec.LookPath("nginx")
	}
	n.dir = t.TempDir()
	n.port = freePort(t)
	conf := fmt.Sprintf(`
%s
daemon %s;
user root;
pid nginx.pid;
error_log error.log;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server { listen 127.0.0.1:%d; location / { return 200 ok; } }
  %s
}
`, n.main, map[bool]string{true: "on", false: "off"}[n.fork], n.port, n.http)
	path := filepath.Join(n.dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append(n.wrap, n.exe, "-p", n.dir, "-c", path, "-e", "error.log")
	n.cmd = exec.Command(args[0], args[1:]...)
	talk, err := os.Create(filepath.Join(n.dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer talk.Close()
	n.cmd.Stderr = talk
	t.Cleanup(func() {
		if said, err := os.ReadFile(talk.Name()); err == nil && t.Failed() {
			t.Logf("nginx: %s", said)
		}
	})
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if n.fork {
		return n.adopt(t)
	}
	t.Cleanup(func() {
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(3*time.Second, func() { _ = n.cmd.Process.Kill() })
		_ = n.cmd.Wait()
		kill.Stop()
	})
	eventually(t, "nginx answers", func() bool {
		conn, err := net.Dial("tcp", n.address())
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	return n.cmd.Process.Pid
}

// adopt waits for the daemon and stops it at the end of the test.
func (n *nginx) adopt(t testing.TB) int {
	t.Helper()
	if err := n.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	eventually(t, "the daemon's PID", func() bool {
		pid = n.pidFile()
		return pid != 0
	})
	t.Cleanup(func() {
		// In the middle of an upgrade, a master may miss the signal.
		eventually(t, "the daemon is gone", func() bool { return syscall.Kill(pid, syscall.SIGTERM) != nil })
	})
	return pid
}

// pidFile reads the PID of the newest master, or 0.
func (n *nginx) pidFile() int {
	data, err := os.ReadFile(filepath.Join(n.dir, "nginx.pid"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	return pid
}

func (n *nginx) address() string { return fmt.Sprintf("127.0.0.1:%d", n.port) }

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func find(t testing.TB, pid int) *Target {
	t.Helper()
	target, err := Find(context.Background(), Query{PID: pid})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// settled finds the gateway once all n children show titles of their own.
func settled(t testing.TB, pid, children int) *Target {
	t.Helper()
	var target *Target
	eventually(t, "children have their titles", func() bool {
		var err error
		// A daemon writes its PID file before it looks like a master.
		if target, err = Find(context.Background(), Query{PID: pid}); err != nil {
			return false
		}
		own := 0
		for _, p := range target.Children {
			if !strings.HasPrefix(p.Title, "nginx: master") {
				own++
			}
		}
		return own == len(target.Children) && own == children
	})
	return target
}

// copyExe copies Debian's nginx, with old replaced by new, which must be as long.
func copyExe(t testing.TB, dir, old, new string) string {
	t.Helper()
	need(t, "nginx")
	path, _ := exec.LookPath("nginx")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(data, []byte(old), []byte(new))
	path = filepath.Join(dir, "nginx")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// installedVersion asks the binary itself, which the package never does.
func installedVersion(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("nginx", "-v").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(strings.TrimSpace(string(out)), "nginx/")
	return version
}
