package cmd_test

import (
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

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// A gateway's own configuration, and its APIs as the configuration says, behind a loopback of
// its own: the ports are of its network namespace alone.
const (
	sesame     = "sesame-open-1234"
	configYAML = `apisix: {control: {port: 9090}}
deployment: {admin: {admin_listen: {ip: 0.0.0.0, port: 9180}, admin_key: [{name: admin, key: ` + sesame + `, role: admin}]}}
`
	nginxConf = `daemon off;
pid nginx.pid;
error_log error.log;
events {}
http {
	access_log off;
	default_type application/json;
	server {
		listen 127.0.0.1:9180;
		if ($http_x_api_key != ` + sesame + `) { return 401 '{"error_msg":"failed to check token","description":"wrong apikey"}'; }
		return 200 '{"list":[{"key":"/apisix/routes/1","value":{"id":1,"uri":"/a","plugins":{"key-auth":{"key":"jack-key"}}}}],"total":1}';
	}
	server {
		listen 127.0.0.1:9090;
		return 200 '[{"type":"http","nodes":[{"status":"healthy","ip":"10.0.0.1","port":80}],"name":"/apisix/upstreams/1"}]';
	}
}
`
)

func TestGatewayAdminFindsAddressAndKey(t *testing.T) {
	testrig.NeedBPF(t)
	testrig.NeedNginx(t)
	home := t.TempDir()
	for name, data := range map[string]string{"nginx.conf": nginxConf, "conf/config.yaml": configYAML} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(home, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	nginx := exec.Command("sh", "-c", `ip link set lo up && PATH=$PATH:/usr/sbin exec nginx -p "$0" -c nginx.conf`, home)
	nginx.Dir = home
	nginx.Stderr = os.Stderr
	nginx.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	if err := nginx.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nginx.Process.Signal(syscall.SIGTERM)
		nginx.Wait()
	})
	for range 500 { // until its workers are there
		if children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", nginx.Process.Pid)); len(children) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	tool, pid := buildTool(t), strconv.Itoa(nginx.Process.Pid)
	for _, tt := range []struct {
		args, env string
		code      int
		out, errs string
	}{
		{"get routes -o name", "", 0, "1\n", ""},
		{"get routes -o json -v", "", 0, `{"key-auth":{"key":"***"}}`, filepath.Join(home, "conf/config.yaml")},
		{"health", "", 0, "upstreams/1 http  10.0.0.1:80 healthy", ""},
		{"get routes", "another", 1, "", "401 unauthorized: failed to check token: wrong apikey\nhint: the key is from APISIX_ADMIN_KEY: "},
	} {
		r := command(t, tool, append([]string{"admin", "--pid", pid}, strings.Fields(tt.args)...)...)
		r.Env = append(os.Environ(), "APISIX_ADMIN_KEY="+tt.env)
		if err := r.Start(); err != nil {
			t.Fatal(err)
		}
		r.ends(t, tt.code)
		if !strings.Contains(r.out.String(), tt.out) || !strings.Contains(r.errs.String(), tt.errs) {
			t.Errorf("%s: %s%s", tt.args, &r.out, &r.errs)
		}
		if strings.Contains(r.out.String()+r.errs.String(), sesame) {
			t.Errorf("%s: the key is shown", tt.args)
		}
	}
}

// While it waits for an answer, others can see its command line.
func TestGatewayAdminKeyIsInNoCommandLine(t *testing.T) {
	testrig.NeedBPF(t)
	l, err := net.Listen("tcp", "127.0.0.1:0") // it never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(sesame), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, buildTool(t), "admin", "get", "routes", "--admin", l.Addr().String(), "--admin-key-file", key, "--admin-timeout", "1s")
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", r.Process.Pid))
	if err != nil || len(line) == 0 || strings.Contains(string(line), sesame) {
		t.Errorf("%q, %v", line, err)
	}
	r.ends(t, 1)
	if want := "it took the request and gave no answer within 1s"; !strings.Contains(r.errs.String(), want) || strings.Contains(r.errs.String(), sesame) {
		t.Errorf("got %s", &r.errs)
	}
}
