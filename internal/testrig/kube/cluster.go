package kube

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed conf/kubelet.yaml
var kubeletConfig []byte

//go:embed conf/containerd.toml
var containerdConfig []byte

// Options say what a cluster is made of.
type Options struct {
	Dir     string // for its files, which are left when it ends
	Kubebox string // path of the program of kubebox/
	Nodes   int    // 0 is one
	Images  []Image
	Users   map[string][]string // the groups of users that are not Admin
	Log     io.Writer           // what the start says of itself
}

// A Cluster is a running Kubernetes.
type Cluster struct {
	dir     string
	kubebox string
	log     io.Writer
	nodes   []*node
	began   time.Time
	server  *part // kube-apiserver
}

// Start returns a cluster whose nodes are ready. The caller closes it.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	sweepCgroups()
	c := &Cluster{dir: o.Dir, kubebox: o.Kubebox, log: o.Log, began: time.Now()}
	if err := c.start(ctx, o); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, o Options) error {
	for _, d := range []string{"config", "certs", "logs", "images"} {
		if err := os.MkdirAll(c.path(d), 0o700); err != nil {
			return err
		}
	}
	for i := range max(o.Nodes, 1) {
		n, err := startNode(i+1, c.log)
		if err != nil {
			return err
		}
		c.nodes = append(c.nodes, n)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"network", c.link},
		{"credentials", func() error { return c.writeCredentials(o.Users) }},
		{"control plane", c.startServers},
		{"images", func() error { return c.load(ctx, o.Images) }},
		{"kube-apiserver ready", func() error { return c.await(ctx, "get", "--raw", "/readyz") }},
		{"kubelets", c.startKubelets},
		{"nodes ready", func() error {
			return c.await(ctx, append([]string{"wait", "node", "--for=condition=Ready", "--timeout=1s"}, c.Nodes()...)...)
		}},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("start Kubernetes: %s: %w", step.name, err)
		}
		fmt.Fprintf(c.log, "%5.1f s  %s\n", time.Since(c.began).Seconds(), step.name)
	}
	return nil
}

// link makes a bridge on the first node, ties the others to it, and makes routes to the pods.
func (c *Cluster) link() error {
	first := c.nodes[0]
	for _, n := range c.nodes {
		steps := [][]string{{"ip", "link", "add", "node0", "type", "bridge"}}
		if n != first {
			steps = [][]string{{"true"}}
			port := fmt.Sprintf("port%d", n.number)
			if _, err := first.run("ip", "link", "add", port, "type", "veth", "peer", "name", "node0", "netns", fmt.Sprint(n.holder.Process.Pid)); err != nil {
				return err
			}
			if _, err := first.run("ip", "link", "set", port, "master", "node0", "up"); err != nil {
				return err
			}
		}
		steps = append(steps, []string{"ip", "addr", "add", n.address() + "/24", "dev", "node0"}, []string{"ip", "link", "set", "node0", "up"})
		for _, other := range c.nodes {
			if other != n {
				steps = append(steps, []string{"ip", "route", "add", other.pods(), "via", other.address()})
			}
		}
		for _, s := range steps {
			if _, err := n.run(s...); err != nil {
				return err
			}
		}
	}
	return nil
}

// pods is the network of the node's pods.
func (n *node) pods() string { return fmt.Sprintf("10.99.%d.0/24", 10+n.number) }

// startServers starts etcd and the control plane on the first node, and containerd on each.
func (c *Cluster) startServers() error {
	first, at := c.nodes[0], c.nodes[0].address()
	if _, err := first.start(c.path("logs"), "etcd", "etcd", "--name=test", "--data-dir=/var/lib/etcd/test",
		"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
		"--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
		"--initial-cluster=test=http://127.0.0.1:2380"); err != nil {
		return err
	}
	if err := os.WriteFile(c.path("containerd.toml"), containerdConfig, 0o600); err != nil {
		return err
	}
	for _, n := range c.nodes {
		file := c.path(n.name + ".conflist")
		if err := os.WriteFile(file, fmt.Appendf(nil, podNetwork, n.pods()), 0o600); err != nil {
			return err
		}
		if _, err := n.run("cp", file, "/run/cni/10-test.conflist"); err != nil {
			return err
		}
		if _, err := n.start(c.path("logs"), "containerd", "containerd", "-c", c.path("containerd.toml")); err != nil {
			return err
		}
	}
	var err error
	c.server, err = first.start(c.path("logs"), "kube-apiserver", c.kubebox, "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=0.0.0.0", "--advertise-address="+at, "--secure-port=6443", "--cert-dir="+c.path("certs"),
		"--service-cluster-ip-range=10.99.2.0/24", "--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+c.path("certs/accounts.key"), "--service-account-signing-key-file="+c.path("certs/accounts.key"),
		"--token-auth-file="+c.path("tokens.csv"), "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true", "--kubelet-preferred-address-types=InternalIP", "--endpoint-reconciler-type=none", "--profiling=false")
	return err
}

const podNetwork = `{"cniVersion": "0.4.0", "name": "pods", "plugins": [{
  "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]}
}]}
`

func (c *Cluster) startKubelets() error {
	first := c.nodes[0]
	if err := os.WriteFile(c.path("kubelet.yaml"), kubeletConfig, 0o600); err != nil {
		return err
	}
	if _, err := first.start(c.path("logs"), "kube-controller-manager", c.kubebox, "kube-controller-manager", "--kubeconfig="+c.Config(Admin),
		"--leader-elect=false", "--cert-dir="+c.path("certs"), "--service-account-private-key-file="+c.path("certs/accounts.key"),
		"--root-ca-file="+c.path("certs/apiserver.crt"), "--node-monitor-grace-period=8s"); err != nil {
		return err
	}
	if _, err := first.start(c.path("logs"), "kube-scheduler", c.kubebox, "kube-scheduler", "--kubeconfig="+c.Config(Admin), "--leader-elect=false"); err != nil {
		return err
	}
	for _, n := range c.nodes {
		if _, err := n.start(c.path("logs"), "kubelet", c.kubebox, "kubelet", "--config="+c.path("kubelet.yaml"), "--kubeconfig="+c.Config(n.name),
			"--hostname-override="+n.name, "--node-ip="+n.address(), "--cert-dir=/run/kubelet-certs"); err != nil {
			return err
		}
	}
	return c.await(context.Background(), "get", "nodes")
}

// load imports the images into the nodes.
func (c *Cluster) load(ctx context.Context, images []Image) error {
	for _, n := range c.nodes {
		if err := until(ctx, func() error { _, err := n.run("ctr", "-n", "k8s.io", "version"); return err }); err != nil {
			return err
		}
	}
	for i, image := range images {
		file := c.path("images", fmt.Sprintf("%d.tar", i))
		if err := image.write(file); err != nil {
			return err
		}
		for _, n := range c.nodes {
			if _, err := n.run("ctr", "-n", "k8s.io", "images", "import", file); err != nil {
				return err
			}
		}
	}
	return nil
}

// Nodes returns the names of the nodes.
func (c *Cluster) Nodes() (names []string) {
	for _, n := range c.nodes {
		names = append(names, n.name)
	}
	return names
}

// Command returns a command that runs in the cluster's network as a user. kubectl is the
// cluster's own.
func (c *Cluster) Command(ctx context.Context, user, name string, args ...string) *exec.Cmd {
	words := append([]string{"-t", fmt.Sprint(c.nodes[0].holder.Process.Pid), "-n", name}, args...)
	cmd := exec.CommandContext(ctx, "nsenter", words...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Config(user), "PATH="+filepath.Dir(c.kubebox)+":"+os.Getenv("PATH"))
	return cmd
}

// Kubectl runs kubectl as Admin and returns what it printed.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	return c.kubectl(ctx, "", args...)
}

// Apply gives the cluster what a manifest says.
func (c *Cluster) Apply(ctx context.Context, manifest string) error {
	_, err := c.kubectl(ctx, manifest, "apply", "-f", "-")
	return err
}

func (c *Cluster) kubectl(ctx context.Context, input string, args ...string) (string, error) {
	cmd := c.Command(ctx, Admin, c.kubebox, append([]string{"kubectl"}, args...)...)
	var errs strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return string(out), err
}

// Freeze stops the API server for as long as it takes.
func (c *Cluster) Freeze(d time.Duration) error {
	if err := c.server.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	time.Sleep(d)
	return c.server.cmd.Process.Signal(syscall.SIGCONT)
}

// await asks kubectl until it has the answer.
func (c *Cluster) await(ctx context.Context, args ...string) error {
	return until(ctx, func() error {
		_, err := c.Kubectl(ctx, args...)
		for _, n := range c.nodes {
			for _, p := range n.parts {
				if err != nil && p.ended() {
					return fmt.Errorf("%w: %s: see %s/%s.%s.log", errEnded, p.name, c.path("logs"), n.name, p.name)
				}
			}
		}
		return err
	})
}

var errEnded = errors.New("a part of Kubernetes has ended")

// until tries for two minutes, or until there is no sense in it.
func until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		err := try()
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Close ends all that the cluster runs.
func (c *Cluster) Close() error {
	var failed error
	for _, n := range c.nodes {
		failed = errors.Join(failed, n.stop())
	}
	return failed
}
