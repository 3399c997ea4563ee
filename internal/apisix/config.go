package apisix

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// ErrNoAdmin is for a gateway that has no Admin API.
var ErrNoAdmin = errors.New("the gateway has no Admin API")

// Config is what a gateway's conf/config.yaml says about its APIs.
type Config struct {
	File      string // as the gateway sees it
	URL       string // of the Admin API
	NoAdmin   error  // why there is none; nil if there is
	Resources string // the file that has all resources, of a gateway without etcd and Admin API; empty for others
	Key       Key    // of the role admin, or else of another role; empty if none is needed or known
	NoKey     error  // why the key is not known; nil if it is, or if none is there
	Control   string // URL of the Control API; empty where that is off
	Router    string // apisix.router.http, such as radixtree_host_uri; empty for the version's default
	Reception Reception
	Dial      Dial // how to reach both from here; nil for the usual way
	// Assumed are variables that have their defaults here. The gateway may have been started with
	// others: nginx overwrites its environment for all who look.
	Assumed []string

	// ReadResources reads Resources, as JSON; nil where there is no such file.
	ReadResources func() ([]byte, error)
}

// ReadConfig reads what APISIX's configuration says: file, and below it the defaults of 2.x and
// of 3.x up to 3.9, which have them in a file of their own; nil where there is none.
func ReadConfig(name string, file, defaults []byte, environ map[string]string) (*Config, error) {
	s := &settings{environ: environ}
	for _, data := range [][]byte{file, defaults} {
		if err := s.add(data); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	c := &Config{File: name}
	err := c.read(s)
	if err == nil {
		err = s.err
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	c.Assumed = s.assumed
	return c, nil
}

func (c *Config) read(s *settings) error {
	admin, old := []string{"deployment", "admin"}, false
	if !s.has("deployment") && (len(s.layers) > 1 || s.has("apisix", "admin_key") || s.has("apisix", "port_admin")) {
		admin, old = []string{"apisix"}, true
	}
	of := func(names ...string) []string { return append(slices.Clone(admin), names...) }
	c.Control, c.Router, c.Reception = s.control(), s.text("apisix", "router", "http"), s.reception()
	c.Resources = s.resourceFile()
	const elsewhere = "name the Admin API of its control plane with --admin"
	switch role := s.text("deployment", "role"); {
	case role == "data_plane":
		c.NoAdmin = hint.Wrap(fmt.Errorf("%w: its role is data_plane", ErrNoAdmin), elsewhere)
		return nil
	case c.Resources != "": // of 2.x
		c.NoAdmin = hint.Wrap(fmt.Errorf("%w: apisix.config_center is yaml", ErrNoAdmin), elsewhere)
		return nil
	case s.text("apisix", "enable_admin") == "false":
		c.NoAdmin = hint.Wrap(fmt.Errorf("%w: apisix.enable_admin is false", ErrNoAdmin), elsewhere)
		return nil
	}
	scheme, port := "http", "9180"
	if s.text(of("https_admin")...) == "true" {
		scheme = "https"
	}
	if old {
		port = s.firstPort("apisix", "node_listen")
		if p := s.text("apisix", "port_admin"); p != "" {
			port = p
		}
	}
	if p := s.text(of("admin_listen", "port")...); p != "" {
		port = p
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q is no port", port)
	}
	c.URL = scheme + "://" + net.JoinHostPort(reachable(s.text(of("admin_listen", "ip")...)), port)
	if s.text(of("admin_key_required")...) == "false" {
		return nil
	}
	c.Key, c.NoKey = s.key(of("admin_key")...)
	return nil
}

// resourceFile is where a gateway has its resources, if in a file.
func (s *settings) resourceFile() string {
	provider := s.text("apisix", "config_center") // of 2.x
	if s.text("deployment", "role") == "data_plane" {
		provider = s.text("deployment", "role_data_plane", "config_provider")
	}
	switch provider {
	case "yaml":
		return "conf/apisix.yaml"
	case "json":
		return "conf/apisix.json"
	}
	return ""
}

// reachable is where to reach what listens on an address.
func reachable(ip string) string {
	switch ip {
	case "", "0.0.0.0":
		return "127.0.0.1"
	case "::", "[::]":
		return "::1"
	}
	return ip
}

// control is the URL of the Control API: on, on 127.0.0.1:9090, unless told otherwise.
func (s *settings) control() string {
	if s.text("apisix", "enable_control") == "false" {
		return ""
	}
	ip, port := s.text("apisix", "control", "ip"), s.text("apisix", "control", "port")
	if port == "" {
		port = "9090"
	}
	return "http://" + net.JoinHostPort(reachable(ip), port)
}

// key is the key of the role admin, or of another role if that one has none.
func (s *settings) key(path ...string) (found Key, err error) {
	for _, item := range s.items(path...) {
		key, why := s.resolve(at(item, "key"))
		if why != nil {
			err = why
			continue
		}
		if role, _ := s.resolve(at(item, "role")); role == "admin" && key != "" {
			return Key(key), nil
		}
		if found == "" {
			found = Key(key)
		}
	}
	if found != "" {
		err = nil
	}
	return found, err
}

// firstPort is the port of a list of addresses, or of a single one: 9080, [9080], or
// [{port: 9080}].
func (s *settings) firstPort(path ...string) string {
	for _, item := range s.items(path...) {
		for _, v := range []any{item, at(item, "port")} {
			if port, err := s.resolve(v); err == nil && port != "" {
				return port
			}
		}
	}
	if port := s.text(path...); port != "" {
		return port
	}
	return "9080"
}
