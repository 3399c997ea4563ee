package kube

import (
	"os"
	"testing"
)

// start returns a cluster with a shop in it.
func start(t *testing.T) (*Cluster, *Shop) {
	t.Helper()
	dir := os.Getenv("KUBE_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	images, err := Images(dir + "/images")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Start(t.Context(), Options{Dir: dir, Kubebox: os.Getenv("KUBEBOX"), Nodes: 2, Images: images, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := StartShop(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func TestKubeShop(t *testing.T) {
	c, s := start(t)
	if len(s.Gateways) != 3 || len(s.Orders) != 2 || s.Orders[0].Node == s.Orders[1].Node {
		t.Errorf("%+v", s)
	}
	all, err := s.Load(t.Context(), c, 300, 4, "/")
	if err != nil {
		t.Fatal(err)
	}
	from := map[string]int{}
	for _, r := range all {
		if r.Status == 200 {
			from[r.Pod]++
		}
	}
	if from[s.Orders[0].Name]+from[s.Orders[1].Name] != 300 || len(from) != 2 {
		t.Errorf("answers from %v", from)
	}
}
