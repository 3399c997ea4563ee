package kube

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pauseImage is what each pod needs.
func pauseImage(t *testing.T) Image {
	t.Helper()
	root := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(root, "pause"), "./pause")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build pause: %v: %s", err, out)
	}
	return Image{Ref: "apisixscope.test/pause:1", Root: root, Entrypoint: []string{"/pause"}}
}

func TestKubeCluster(t *testing.T) {
	c, err := Start(t.Context(), Options{Dir: kubeDir(t), Kubebox: os.Getenv("KUBEBOX"), Nodes: 2, Images: []Image{pauseImage(t)}, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Kubectl(t.Context(), "get", "nodes", "-o", "wide")
	t.Log(out)
	if err != nil || strings.Count(out, " Ready ") != 2 {
		t.Errorf("nodes: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func kubeDir(t *testing.T) string {
	if d := os.Getenv("KUBEDIR"); d != "" {
		return d
	}
	return t.TempDir()
}
