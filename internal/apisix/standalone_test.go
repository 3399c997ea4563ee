package apisix

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// standaloneDoc is what apisix/admin/standalone.lua answers.
const standaloneDoc = `{"routes":[{"id":"1","uri":"/a","name":"a"},{"id":2,"uri":"/b","modifiedIndex":9}],"routes_conf_version":7,
	"consumers":[{"username":"jack"},{"id":"jack/credentials/c1","plugins":{"key-auth":{"key":"sesame"}}}],"consumers_conf_version":3,
	"plugin_metadata":[{"id":"http-logger"}],"services_conf_version":0}`

// standalone makes a client of a gateway whose Admin API is of the standalone kind.
func standalone(t *testing.T, doc, missing string) (*Client, *atomic.Int32) {
	t.Helper()
	asked := &atomic.Int32{}
	c, _ := serve(t, rigKey, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/apisix/admin/configs" || doc == "" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, missing)
			return
		}
		asked.Add(1)
		w.Header().Set("X-Digest", "d")
		fmt.Fprint(w, doc)
	})
	return c, asked
}

func TestStandaloneAPI(t *testing.T) {
	c, asked := standalone(t, standaloneDoc, "<html>404</html>")
	routes, err := c.List(t.Context(), Routes)
	if err != nil || len(routes) != 2 || routes[0].ID != "1" || routes[0].ModifiedIndex != 7 || routes[1].ID != "2" || routes[1].ModifiedIndex != 9 || routes[0].Name() != "a" {
		t.Errorf("routes: %+v, %v", routes, err)
	}
	for kind, want := range map[Kind]int{Services: 0, GlobalRules: 0, Consumers: 1, PluginMetadata: 1} {
		if list, err := c.List(t.Context(), kind); err != nil || len(list) != want {
			t.Errorf("%s: %+v, %v", kind, list, err)
		}
	}
	if _, err := c.List(t.Context(), Plugins); !errors.Is(err, ErrNotFound) {
		t.Errorf("plugins: %v", err)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	fresh, _ := standalone(t, standaloneDoc, `{"error_msg":"not found"}`)
	if r, err := fresh.Get(t.Context(), Routes, "2"); err != nil || r.Value("uri").String() != "/b" {
		t.Errorf("one route: %+v, %v", r, err)
	}
	if _, err := fresh.Get(t.Context(), Routes, "3"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no route: %v", err)
	}
	list, err := fresh.Credentials(t.Context(), "jack")
	if err != nil || len(list) != 1 || list[0].ID != "c1" {
		t.Errorf("credentials: %+v, %v", list, err)
	}
	if r, err := fresh.Get(t.Context(), Credentials, "jack/c1"); err != nil || r.ID != "c1" {
		t.Errorf("one credential: %+v, %v", r, err)
	}
}

// TestNotStandalone: where there is no such document either, the first error tells.
func TestNotStandalone(t *testing.T) {
	c, _ := standalone(t, "", `{"error_msg":"not found"}`)
	if _, err := c.List(t.Context(), Routes); err == nil || !strings.Contains(err.Error(), "list routes at") || !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	c, _ = standalone(t, `{"hello":"world"}`, `{"error_msg":"not found"}`)
	if _, err := c.Get(t.Context(), Routes, "1"); err == nil || !strings.Contains(err.Error(), "get route 1 at") {
		t.Errorf("another API: %v", err)
	}
}

func TestCredentials(t *testing.T) {
	c := replay(t, rigKey, "admin/019*", "admin/020*")
	list, err := c.Credentials(t.Context(), "jill")
	if err != nil || len(list) != 1 || list[0].ID != "c1" || list[0].ModifiedIndex != 276 || strings.Contains(string(list[0].JSON(false)), "jill-key") {
		t.Errorf("%+v, %v", list, err)
	}
	if r, err := c.Get(t.Context(), Credentials, "jill/c1"); err != nil || r.ID != "c1" || r.Value("desc").String() != "first" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, id := range []string{"", "..", "a//b"} {
		if _, err := c.Credentials(t.Context(), id); !hint.IsMisuse(err) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestStandaloneFile(t *testing.T) {
	const dataPlane = "deployment: {role: data_plane, role_data_plane: {config_provider: yaml}}\n"
	const routes = "routes:\n  - {id: 1, uri: /a, upstream: {type: roundrobin, nodes: {'127.0.0.1:80': 1}}, vars: [{1: a}]}\n"
	find := func(config, name, resources string) *Config {
		t.Helper()
		c, err := findConfig(process(t, "", map[string]string{"/usr/local/apisix/conf/config.yaml": config, name: resources}), "")
		if err != nil || c.ReadResources == nil {
			t.Fatalf("%s: %+v, %v", config, c, err)
		}
		return c
	}
	const file = "/usr/local/apisix/conf/apisix.yaml"
	for _, config := range []string{dataPlane, "apisix: {config_center: yaml, enable_admin: false}\n"} {
		c := find(config, file, routes+"#END\n")
		client := NewFile(c.Resources, c.ReadResources)
		list, err := client.List(t.Context(), Routes)
		if err != nil || len(list) != 1 || list[0].ID != "1" || list[0].ModifiedIndex < 1<<30 || list[0].Value(`vars.0.1`).String() != "a" {
			t.Errorf("%s: %+v, %v", config, list, err)
		}
		if v, err := client.Version(t.Context()); v != "" || err != nil {
			t.Errorf("version %q, %v", v, err)
		}
	}
	c := find("deployment: {role: data_plane, role_data_plane: {config_provider: json}}\n", "/usr/local/apisix/conf/apisix.json", `{"routes":[{"id":"1","uri":"/a"}]}`)
	if list, err := NewFile(c.Resources, c.ReadResources).List(t.Context(), Routes); err != nil || len(list) != 1 {
		t.Errorf("JSON: %+v, %v", list, err)
	}
	for data, want := range map[string]string{
		routes:             "read " + file + " of the gateway: it does not end with #END",
		"- sesame [\n#END": "not YAML",
		"":                 "it does not end with #END",
	} {
		c := find(dataPlane, file, data)
		_, err := NewFile(c.Resources, c.ReadResources).List(t.Context(), Routes)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %v", data, err)
		}
	}
	gone := find(dataPlane, "/x", "")
	if _, err := NewFile(gone.Resources, gone.ReadResources).List(t.Context(), Routes); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
}

// TestNamesOfAStandaloneGateway: without the list of plugins, they are in alphabetical order.
func TestNamesOfAStandaloneGateway(t *testing.T) {
	c := NewFile("/conf/apisix.yaml", func() ([]byte, error) {
		return []byte(`{"routes":[{"id":"1","uri":"/a","plugins":{"b":{},"a":{}}}]}`), nil
	})
	n := NewNames(NameOptions{Client: c})
	s, err := n.takeSnapshot(t.Context(), wanted{consumers: true, routers: true})
	if err != nil || len(s.routers) == 0 || !reflect.DeepEqual(s.routes["1"].plugins, []string{"a", "b"}) {
		t.Errorf("%+v, %v", s, err)
	}
}
