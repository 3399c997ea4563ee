package apisix

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/hint"
)

func TestReadConfig(t *testing.T) {
	c, err := ReadConfig("conf/config.yaml", []byte("apisix: {router: {http: radixtree_uri}}\n"), nil, nil)
	if err != nil || c.Router != "radixtree_uri" {
		t.Errorf("router: %+v, %v", c, err)
	}
	c, err = ReadConfig("conf/config.yaml", []byte("deployment: {admin: {admin_key: [{key: '${{NONE:=usual}}', role: admin}]}}\n"), nil, nil)
	if err != nil || len(c.Assumed) != 1 || c.Assumed[0] != "NONE" {
		t.Errorf("a default: %+v, %v", c, err)
	}
	env := map[string]string{"ADMIN_KEY": "from-env", "PORT": "19180"}
	for _, tt := range []struct {
		what, file, defaults string
		url, key, control    string
	}{
		{"3.x", "deployment:\n  admin:\n    admin_key:\n      - name: viewer\n        key: v\n        role: viewer\n      - {name: admin, key: a, role: admin}\n",
			"", "http://127.0.0.1:9180", "a", "http://127.0.0.1:9090"},
		{"listen", "deployment:\n  admin:\n    admin_listen: {ip: 10.0.0.4, port: 9280}\n    https_admin: true\n    admin_key: [{key: a, role: admin}]\napisix:\n  control: {ip: 0.0.0.0, port: 9092}\n",
			"", "https://10.0.0.4:9280", "a", "http://127.0.0.1:9092"},
		{"all addresses of IPv6", "deployment: {admin: {admin_listen: {ip: '::', port: 9180}}}\n", "", "http://[::1]:9180", "", "http://127.0.0.1:9090"},
		{"variables", "deployment:\n  admin:\n    admin_listen: {port: '${{PORT}}'}\n    admin_key: [{key: '${{ ADMIN_KEY }}', role: admin}]\n",
			"", "http://127.0.0.1:19180", "from-env", "http://127.0.0.1:9090"},
		{"a variable with a default", "deployment: {admin: {admin_key: [{key: '${{NONE:=usual}}', role: admin}]}}\n", "", "http://127.0.0.1:9180", "usual", "http://127.0.0.1:9090"},
		{"a set variable with a default", "deployment: {admin: {admin_key: [{key: '${{ADMIN_KEY:=usual}}', role: admin}]}}\n", "", "http://127.0.0.1:9180", "from-env", "http://127.0.0.1:9090"},
		{"a number", "deployment: {admin: {admin_key: [{key: 123456, role: admin}]}}\n", "", "http://127.0.0.1:9180", "123456", "http://127.0.0.1:9090"},
		{"viewer alone", "deployment: {admin: {admin_key: [{key: v, role: viewer}]}}\n", "", "http://127.0.0.1:9180", "v", "http://127.0.0.1:9090"},
		{"no key needed", "deployment: {admin: {admin_key_required: false, admin_key: [{key: v, role: admin}]}}\n", "", "http://127.0.0.1:9180", "", "http://127.0.0.1:9090"},
		{"empty", "", "", "http://127.0.0.1:9180", "", "http://127.0.0.1:9090"},
		{"no control", "apisix: {enable_control: false}\n", "", "http://127.0.0.1:9180", "", ""},
		{"2.x", "apisix:\n  admin_key:\n    - {name: admin, key: old, role: admin}\n", "", "http://127.0.0.1:9080", "old", "http://127.0.0.1:9090"},
		{"2.x, another port", "apisix: {node_listen: 8080, port_admin: 9181, admin_key: [{key: old, role: admin}]}\n", "", "http://127.0.0.1:9181", "old", "http://127.0.0.1:9090"},
		{"2.x, ports", "apisix: {node_listen: [{port: 8081}, 8082], admin_key: [{key: old, role: admin}]}\n", "", "http://127.0.0.1:8081", "old", "http://127.0.0.1:9090"},
		{"2.x, defaults", "etcd: {host: [a]}\n", "apisix: {node_listen: [9085], admin_key: [{key: default, role: admin}]}\n", "http://127.0.0.1:9085", "default", "http://127.0.0.1:9090"},
		{"3.0, defaults", "apisix: {ssl: {}}\n", "deployment: {admin: {admin_key: [{key: default, role: admin}], admin_listen: {port: 9180}}}\n", "http://127.0.0.1:9180", "default", "http://127.0.0.1:9090"},
	} {
		var defaults []byte
		if tt.defaults != "" {
			defaults = []byte(tt.defaults)
		}
		c, err := ReadConfig("conf/config.yaml", []byte(tt.file), defaults, env)
		if err != nil || c.NoKey != nil {
			t.Errorf("%s: %v, %+v", tt.what, err, c)
			continue
		}
		if c.URL != tt.url || string(c.Key) != tt.key || c.Control != tt.control {
			t.Errorf("%s: %s, key %s, control %s; want %s, %s, %s", tt.what, c.URL, string(c.Key), c.Control, tt.url, tt.key, tt.control)
		}
	}
}

func TestConfigThatCannotBeUsed(t *testing.T) {
	for _, tt := range []struct{ what, file, want, hint string }{
		{"not YAML", "deployment:\n  admin:\n   - sesame: [\n", "not YAML in line", ""},
		{"not a mapping", "- sesame\n", "not YAML", ""},
		{"port", "deployment: {admin: {admin_listen: {port: many}}}\n", `"many" is no port`, ""},
		{"variable", "deployment: {admin: {admin_listen: {port: '${{PORT}}'}}}\n", "it takes a value from ${{PORT}}", "APISIX_ADMIN_KEY"},
	} {
		_, err := ReadConfig("conf/config.yaml", []byte(tt.file), nil, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint.Of(err), tt.hint) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v (hint %q)", tt.what, err, hint.Of(err))
		}
	}
	for file, want := range map[string]string{
		"deployment: {role: data_plane}\n": "the gateway has no Admin API: its role is data_plane",
		"apisix: {enable_admin: false}\n":  "the gateway has no Admin API: apisix.enable_admin is false",
	} {
		c, err := ReadConfig("conf/config.yaml", []byte(file), nil, nil)
		if err != nil || !errors.Is(c.NoAdmin, ErrNoAdmin) || c.NoAdmin.Error() != want || !strings.Contains(hint.Of(c.NoAdmin), "--admin") || c.Control == "" {
			t.Errorf("%s: %+v, %v", file, c, err)
		}
	}
	c, err := ReadConfig("conf/config.yaml", []byte("deployment: {admin: {admin_key: [{key: '${{NONE}}', role: admin}]}}\n"), nil, nil)
	if err != nil || c.NoKey == nil || !strings.Contains(c.NoKey.Error(), "${{NONE}}") {
		t.Errorf("a key that cannot be known: %v, %+v", err, c)
	}
}

// process makes a directory that looks like /proc/PID of a gateway.
func process(t *testing.T, environ string, files map[string]string) string {
	t.Helper()
	proc := t.TempDir()
	write := func(name, data string) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(proc+"/environ", environ)
	for name, data := range files {
		write(proc+"/root"+name, data)
	}
	return proc
}

func TestFindConfig(t *testing.T) {
	const yaml = "deployment: {admin: {admin_key: [{key: '%s', role: admin}]}}\n"
	file := func(key string) string { return fmt.Sprintf(yaml, key) }
	const title = "nginx: master process /usr/local/openresty/bin/openresty -p /opt/apisix -g daemon off;"
	for _, tt := range []struct {
		what, title string
		environ     string
		files       map[string]string
		file, key   string
	}{
		{"prefix", title, "", map[string]string{"/opt/apisix/conf/config.yaml": file("a"), "/usr/local/apisix/conf/config.yaml": file("b")}, "/opt/apisix/conf/config.yaml", "a"},
		{"usual", title, "", map[string]string{"/usr/local/apisix/conf/config.yaml": file("b")}, "/usr/local/apisix/conf/config.yaml", "b"},
		{"no title", "", "X=1\x00KEY=c=d\x00", map[string]string{"/usr/local/apisix/conf/config.yaml": file("${{KEY}}")}, "/usr/local/apisix/conf/config.yaml", "c=d"},
		{"another file", title, "", map[string]string{"/opt/apisix/conf/.customized_config_path": "/etc/my.yaml\n", "/etc/my.yaml": file("e")}, "/etc/my.yaml", "e"},
		{"defaults", title, "", map[string]string{"/opt/apisix/conf/config.yaml": "{}", "/opt/apisix/conf/config-default.yaml": file("f")}, "/opt/apisix/conf/config.yaml", "f"},
	} {
		c, err := findConfig(process(t, tt.environ, tt.files), tt.title)
		if err != nil || c.File != tt.file || string(c.Key) != tt.key {
			t.Errorf("%s: %+v, %v", tt.what, c, err)
		}
	}
	_, err := findConfig(process(t, "", map[string]string{"/x": ""}), title)
	if err == nil || !strings.Contains(err.Error(), "not at /opt/apisix/conf/config.yaml, /conf/config.yaml, /usr/local/apisix/conf/config.yaml") {
		t.Errorf("none: %v", err)
	}
	if _, err := findConfig("/nonexistent", ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no process: %v", err)
	}
}

func TestLinksStayInTheGatewaysRoot(t *testing.T) {
	proc := process(t, "", map[string]string{"/opt/real.yaml": "deployment: {admin: {admin_key: [{key: inside, role: admin}]}}\n"})
	conf := proc + "/root/usr/local/apisix/conf"
	if err := os.MkdirAll(conf, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/opt/real.yaml", conf+"/config.yaml"); err != nil {
		t.Fatal(err)
	}
	if c, err := findConfig(proc, ""); err != nil || string(c.Key) != "inside" {
		t.Errorf("%+v, %v", c, err)
	}
	os.Remove(conf + "/config.yaml")
	if err := os.Symlink("../../../../../../../../etc/passwd", conf+"/config.yaml"); err != nil {
		t.Fatal(err)
	}
	if c, err := findConfig(proc, ""); err == nil {
		t.Errorf("a link out of the root was followed: %+v", c)
	}
}
