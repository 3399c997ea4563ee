package luajit

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

const nginxConf = `load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    lua_package_path "./?.lua;;";
    init_by_lua_block { require("workload") }
    server {
        listen 127.0.0.1:%d;
        location /work { content_by_lua_block { for _ = 1, 20 do require("workload").work() end ngx.say("done") } }
        location /pause { content_by_lua_block {
            require("workload").pause(1000000)
            ngx.say("done") } }
    }
}
`

// A worker is an nginx worker process that runs the workload.
type worker struct {
	pid int
	url string
}

// startNginx runs nginx with the workload until the test ends.
func startNginx(t *testing.T) worker {
	t.Helper()
	testrig.NeedNginx(t)
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	copyWorkload(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), fmt.Appendf(nil, nginxConf, port), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/nginx", "-p", dir, "-c", "nginx.conf")
	cmd.Dir, cmd.Stderr, cmd.Env = dir, os.Stderr, []string{"PATH=/usr/bin"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	w := worker{url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err := w.ask("/work"); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if w.pid, err = strconv.Atoi(strings.TrimSpace(string(children))); err != nil {
		t.Fatalf("workers of nginx: %q", children)
	}
	return w
}

func (w worker) ask(path string) error {
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(w.url + path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, answer.Status)
	}
	return nil
}

func copyWorkload(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile("testdata/workload.lua")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "workload.lua"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	// Workers run as another user.
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
