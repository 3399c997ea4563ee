package testrig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Options say how a rig is built. The zero value is a rig that works.
type Options struct {
	Workers    int    // nginx workers; 0 means 2
	Dir        string // where the rig makes its own directory; "" means os.TempDir
	Binary     string // nginx with Debian's dynamic modules; "" means find it
	ListenAddr string // the gateway's IP address; "" means 127.0.0.1
	Cheap      bool   // a bare keepalive route without Lua, and BufferLog; see Kinds
	BufferLog  bool   // buffer the access log for up to a second, as APISIX does
	APISIXLog  bool   // write a second access log, in APISIX's format; not with Cheap
	ContextLog bool   // write down each request's ngx.ctx.api_ctx; not with Cheap
	Record     bool   // the upstreams keep Records
	NetNS      bool   // the upstreams run in a network namespace of their own; needs root
}

// ErrNoNginx says that this host has no nginx that the rig can run.
var ErrNoNginx = errors.New("no nginx with the Lua module")

func (o Options) withDefaults() (Options, error) {
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.Workers < 0 {
		return o, fmt.Errorf("start rig: workers must be positive: got %d", o.Workers)
	}
	if o.ListenAddr == "" {
		o.ListenAddr = "127.0.0.1"
	}
	o.BufferLog = o.BufferLog || o.Cheap
	if o.Cheap && (o.APISIXLog || o.ContextLog) {
		return o, errors.New("start rig: a cheap one has no Lua, so neither APISIX's log nor a context")
	}
	if o.NetNS && os.Getuid() != 0 {
		return o, errors.New("start rig: a network namespace needs root")
	}

	var err error
	if o.Binary == "" {
		o.Binary, err = findNginx()
	}
	return o, err
}

// modulesDir is where Debian keeps nginx's dynamic modules.
const modulesDir = "/usr/lib/nginx/modules"

// findNginx returns Debian's nginx if it and the modules of the rig are there.
func findNginx() (string, error) {
	const binary = "/usr/sbin/nginx"
	for _, need := range []string{
		binary,
		filepath.Join(modulesDir, "ndk_http_module.so"),
		filepath.Join(modulesDir, "ngx_http_lua_module.so"),
	} {
		if _, err := os.Stat(need); err != nil {
			return "", fmt.Errorf("%w: %w (on Debian: apt install nginx-light libnginx-mod-http-lua)", ErrNoNginx, err)
		}
	}
	return binary, nil
}
