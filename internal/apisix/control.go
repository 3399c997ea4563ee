package apisix

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/hint"
)

const notControl = "is this the Control API? it listens on 127.0.0.1:9090 by default"

// Control asks a gateway's Control API, which has no key: what one worker of it holds.
type Control struct{ c *Client }

// NewControl returns a client of the Control API; nothing is sent yet. A key is not used.
func NewControl(o Options) (*Control, error) {
	o.Key, o.KeyFrom = "", ""
	c, err := newClient(o, "")
	if err != nil {
		return nil, err
	}
	c.notAPI, c.listens = notControl, "apisix.control"
	return &Control{c}, nil
}

// Close lets go of idle connections.
func (c *Control) Close() { c.c.Close() }

// URL is the address that is asked.
func (c *Control) URL() string { return c.c.URL() }

// List returns what the worker holds of routes, services or upstreams. Values have members of
// APISIX's own, and defaults filled in.
func (c *Control) List(ctx context.Context, kind Kind) ([]Resource, error) {
	what := "list the gateway's " + string(kind)
	body, err := c.get(ctx, what, "v1", kind.path())
	if err != nil {
		return nil, err
	}
	if string(bytes.TrimSpace(body)) == "{}" { // an empty array of Lua
		return nil, nil
	}
	list, _, err := parseList(kind, body)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("%s at %s: %w", what, c.c.base, err), notControl)
	}
	return list, nil
}

// ServerInfo is what the plugin server-info tells; ErrNotFound where it is not on.
type ServerInfo struct {
	ID, Version, Hostname, EtcdVersion string
	BootTime                           int64 // seconds since 1970
}

// ServerInfo asks for the gateway's identity.
func (c *Control) ServerInfo(ctx context.Context) (ServerInfo, error) {
	a, err := c.c.call(ctx, "get server info", http.MethodGet, []string{"v1", "server_info"}, nil)
	if err != nil {
		return ServerInfo{}, err
	}
	if a.status == http.StatusNotFound {
		return ServerInfo{}, hint.Wrap(fmt.Errorf("get server info at %s: %w", c.c.base, ErrNotFound), "the plugin server-info is not on")
	}
	body, err := c.c.check("get server info", a)
	doc := gjson.ParseBytes(body)
	return ServerInfo{
		ID: doc.Get("id").String(), Version: doc.Get("version").String(), Hostname: doc.Get("hostname").String(),
		EtcdVersion: doc.Get("etcd_version").String(), BootTime: doc.Get("boot_time").Int(),
	}, err
}

func (c *Control) get(ctx context.Context, what string, segments ...string) ([]byte, error) {
	return c.c.get(ctx, what, segments, nil)
}

// A Checker is the health checker of one resource's upstream, as one worker has it.
type Checker struct {
	Kind  Kind   // of the resource that has the upstream: upstreams, services or routes
	ID    string // its id
	Type  string // "http", "https" or "tcp"; empty from APISIX 2.x
	Nodes []NodeHealth
}

// NodeHealth is what a checker thinks of one node.
type NodeHealth struct {
	Host, IP string
	Port     int
	Status   string // "healthy", "unhealthy", "mostly_healthy" or "mostly_unhealthy"
	// What was counted since the status changed; all 0 from APISIX 2.x.
	Successes, HTTPFailures, TCPFailures, Timeouts int
}

// Health returns the checkers of the gateway. One without nodes has not run yet: it does once
// a request needed its upstream.
func (c *Control) Health(ctx context.Context) ([]Checker, error) {
	const what = "read health checks"
	body, err := c.get(ctx, what, "v1", "healthcheck")
	if err != nil {
		return nil, err
	}
	doc := gjson.ParseBytes(body)
	if !doc.IsArray() && (!doc.IsObject() || len(doc.Map()) > 0) {
		return nil, hint.Wrap(fmt.Errorf("%s at %s: %w: the answer is no list", what, c.c.base, ErrNotAdmin), notControl)
	}
	var all []Checker
	doc.ForEach(func(_, v gjson.Result) bool {
		all = append(all, checkerOf(v))
		return true
	})
	return all, nil
}

// checkerOf reads one checker. In 2.x it is {src_type, src_id, nodes, healthy_nodes}, and what
// is in both lists is healthy.
func checkerOf(v gjson.Result) Checker {
	k := Checker{Kind: Kind(v.Get("src_type").String()), ID: v.Get("src_id").String(), Type: v.Get("type").String()}
	if key := v.Get("name").String(); k.Kind == "" {
		for _, kind := range []Kind{Upstreams, Services, Routes, StreamRoutes} {
			if id := idOf(kind, key); id != "" {
				k.Kind, k.ID = kind, id
			}
		}
	}
	healthy := map[string]bool{}
	v.Get("healthy_nodes").ForEach(func(_, n gjson.Result) bool {
		healthy[nodeName(n)] = true
		return true
	})
	v.Get("nodes").ForEach(func(_, n gjson.Result) bool {
		h := NodeHealth{
			Host: n.Get("hostname").String(), IP: n.Get("ip").String(), Port: int(n.Get("port").Int()), Status: n.Get("status").String(),
			Successes: int(n.Get("counter.success").Int()), HTTPFailures: int(n.Get("counter.http_failure").Int()),
			TCPFailures: int(n.Get("counter.tcp_failure").Int()), Timeouts: int(n.Get("counter.timeout_failure").Int()),
		}
		if h.Host == "" {
			h.Host = n.Get("host").String()
		}
		if h.Status == "" {
			h.Status = "unhealthy"
			if healthy[nodeName(n)] {
				h.Status = "healthy"
			}
		}
		k.Nodes = append(k.Nodes, h)
		return true
	})
	return k
}

func nodeName(n gjson.Result) string {
	return strings.Join([]string{n.Get("host").String(), n.Get("ip").String(), n.Get("port").Raw}, "|")
}
