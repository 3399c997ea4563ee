package testrig

import (
	"bytes"
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed conf/*.tmpl
var confFiles embed.FS

// A config fills conf/*.tmpl.
type config struct {
	Dir, User, Modules string
	Workers            int
	HTTP, TLS, H2C     string // the gateway's addresses
	Cheap, BufferLog   bool
	APISIXLog          bool
	Orders             []string // addresses of the orders nodes
	Auth               string   // address of the auth node
}

func newConfig(o Options, dir string, nodes map[string]string) (config, error) {
	c := config{
		Dir: dir, Modules: modulesDir, Workers: o.Workers, Cheap: o.Cheap, BufferLog: o.BufferLog, APISIXLog: o.APISIXLog,
		Orders: []string{nodes["orders-1"], nodes["orders-2"], nodes["orders-3"]}, Auth: nodes["auth"],
	}
	if os.Getuid() == 0 {
		c.User = "nobody nogroup" // as APISIX's workers run
	}
	addrs, err := freeAddrs(o.ListenAddr, 3)
	if err != nil {
		return c, err
	}
	c.HTTP, c.TLS, c.H2C = addrs[0], addrs[1], addrs[2]
	return c, nil
}

// freeAddrs returns n different addresses that were free a moment ago. nginx has to
// bind them itself, so another process may be faster: startGateway tries again.
func freeAddrs(host string, n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, fmt.Errorf("find free port on %s: %w", host, err)
		}
		// Held until all are found: the kernel may hand out a free port again.
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// write renders nginx.conf and its certificate into the rig's directory.
func (c config) write() error {
	t, err := template.ParseFS(confFiles, "conf/*.tmpl")
	if err != nil {
		return fmt.Errorf("read nginx.conf template: %w", err)
	}
	var conf bytes.Buffer
	if err := t.ExecuteTemplate(&conf, "nginx.conf.tmpl", c); err != nil {
		return fmt.Errorf("render nginx.conf: %w", err)
	}
	cert, key, err := selfSigned()
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"nginx.conf": conf.Bytes(), "cert.pem": cert, "key.pem": key} {
		if err := os.WriteFile(filepath.Join(c.Dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
