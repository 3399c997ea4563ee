package kube

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed conf
var confFiles embed.FS

// The images of a shop, which StartShop builds.
const (
	pauseRef   = "apisixscope.test/pause:1"
	trafficRef = "apisixscope.test/traffic:1"
	gatewayRef = "apisixscope.test/apisix:1"
)

// A Pod of the shop.
type Pod struct {
	Name, Namespace, Node, Address string
}

// A Shop is a gateway of three replicas, and an upstream of two, over all nodes of a cluster.
type Shop struct {
	Gateways, Orders []Pod
	traffic          string // the program
}

// Images builds in dir the images that a shop is made of.
func Images(dir string) ([]Image, error) {
	var images []Image
	for _, of := range []struct{ ref, program string }{{pauseRef, "pause"}, {trafficRef, "traffic"}} {
		root := filepath.Join(dir, of.program)
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(root, of.program), "./"+of.program)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w: %s", of.program, err, out)
		}
		images = append(images, Image{Ref: of.ref, Root: root, Entrypoint: []string{"/" + of.program}})
	}
	root := filepath.Join(dir, "apisix")
	if err := gatewayRoot(root); err != nil {
		return nil, fmt.Errorf("make the gateway's root directory: %w", err)
	}
	return append(images, Image{
		Ref: gatewayRef, Root: root,
		Entrypoint: []string{"/usr/sbin/nginx", "-p", "/usr/local/apisix", "-c", "/usr/local/apisix/conf/nginx.conf"},
	}), nil
}

// gatewayRoot makes a root directory with this machine's nginx, its Lua module, and what
// they need.
func gatewayRoot(root string) error {
	for _, d := range []string{"tmp", "run", "etc", "root", "var/log/nginx", "var/lib/nginx", "usr/local/apisix/conf", "usr/share/lua", "usr/bin"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
		"etc/group":  "root:x:0:\nnogroup:x:65534:\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, f := range []string{"/usr/sbin/nginx", "/usr/lib/nginx/modules/ndk_http_module.so", "/usr/lib/nginx/modules/ngx_http_lua_module.so"} {
		if err := copyWithLibraries(f, root); err != nil {
			return err
		}
	}
	return os.CopyFS(filepath.Join(root, "usr/share/lua/5.1"), os.DirFS("/usr/share/lua/5.1"))
}

var library = regexp.MustCompile(`/\S+`)

// copyWithLibraries copies a file, and the shared objects that it is linked with.
func copyWithLibraries(file, root string) error {
	// Of one that is not linked with any, ldd fails.
	list, _ := exec.Command("ldd", file).Output()
	for _, f := range append(library.FindAllString(string(list), -1), file) {
		to := filepath.Join(root, f)
		if _, err := os.Stat(to); err == nil {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, b, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// StartShop has the cluster run a shop, and waits until it serves.
func StartShop(ctx context.Context, c *Cluster) (*Shop, error) {
	s := &Shop{traffic: c.path("images/traffic/traffic")}
	var err error
	if s.Orders, err = c.deploy(ctx, "upstream.yaml", "shop", "orders"); err != nil {
		return nil, err
	}
	if err := c.Apply(ctx, "{apiVersion: v1, kind: Namespace, metadata: {name: ingress-apisix}}"); err != nil {
		return nil, err
	}
	files, err := s.config()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "data": files,
		"metadata": map[string]string{"name": "apisix", "namespace": "ingress-apisix"},
	})
	if err != nil {
		return nil, err
	}
	if err := c.Apply(ctx, string(data)); err != nil {
		return nil, err
	}
	s.Gateways, err = c.deploy(ctx, "gateway.yaml", "ingress-apisix", "apisix")
	return s, err
}

// config is the gateway's: it has to know the addresses of the upstream's pods, for there is
// nothing else that would.
func (s *Shop) config() (map[string]string, error) {
	var nodes strings.Builder
	for _, p := range s.Orders {
		fmt.Fprintf(&nodes, "    %q,\n", p.Address)
	}
	files := map[string]string{"nodes.lua": "return {\n" + nodes.String() + "}\n"}
	for _, name := range []string{"nginx.conf", "gateway.lua", "config.yaml"} {
		b, err := fs.ReadFile(confFiles, "conf/"+name)
		if err != nil {
			return nil, err
		}
		files[name] = string(b)
	}
	return files, nil
}

// deploy applies a manifest, waits for its Deployment, and returns its pods.
func (c *Cluster) deploy(ctx context.Context, manifest, namespace, name string) ([]Pod, error) {
	b, err := fs.ReadFile(confFiles, "conf/"+manifest)
	if err != nil {
		return nil, err
	}
	if err := c.Apply(ctx, string(b)); err != nil {
		return nil, err
	}
	if _, err := c.Kubectl(ctx, "-n", namespace, "rollout", "status", "deployment", name, "--timeout=60s"); err != nil {
		return nil, err
	}
	return c.pods(ctx, namespace)
}

// pods returns the pods of a namespace.
func (c *Cluster) pods(ctx context.Context, namespace string) (pods []Pod, err error) {
	out, err := c.Kubectl(ctx, "-n", namespace, "get", "pods", "-o", `jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName} {.status.podIP}{"\n"}{end}`)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 3 {
			pods = append(pods, Pod{Name: f[0], Namespace: namespace, Node: f[1], Address: f[2]})
		}
	}
	return pods, nil
}

// Load sends requests to all gateways in turn, and returns what became of each.
func (s *Shop) Load(ctx context.Context, c *Cluster, n, conns int, path string) ([]Request, error) {
	args := []string{"load", fmt.Sprint(n), fmt.Sprint(conns)}
	for _, p := range s.Gateways {
		args = append(args, "http://"+p.Address+":9080"+path)
	}
	out, err := c.Command(ctx, Admin, s.traffic, args...).Output()
	if err != nil {
		return nil, fmt.Errorf("send requests: %w", err)
	}
	var all []Request
	for line := range strings.Lines(string(out)) {
		var r Request
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// A Request is what became of one that Load sent.
type Request struct {
	ID     string `json:"id"`
	URL    string `json:"url"`
	Status int    `json:"status"`
	Pod    string `json:"pod"` // the upstream's
	Error  string `json:"error"`
}
