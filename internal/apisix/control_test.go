package apisix

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

func control(t *testing.T, h http.HandlerFunc) *Control {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := NewControl(Options{URL: s.URL, Key: rigKey, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestControlThatWasRecorded(t *testing.T) {
	c := control(t, testrig.Replay(t, testrig.LoadRecorded(t, "testdata/control/006*", "testdata/control/008*", "testdata/control/014*", "testdata/control/023*")))
	services, err := c.List(t.Context(), Services)
	if err != nil || ids(services) != "2 shop-svc" || services[0].ModifiedIndex != 271 || services[1].Name() != "shop-service" {
		t.Errorf("services: %v, %v", services, err)
	}
	if upstreams, err := c.List(t.Context(), Upstreams); err != nil || len(upstreams) != 8 {
		t.Errorf("upstreams: %d, %v", len(upstreams), err)
	}
	info, err := c.ServerInfo(t.Context())
	if want := (ServerInfo{"10a8bc53-5f20-4454-b26f-c9a965bb5902", "3.16.0", "vm", "3.4.0", 1795344194}); err != nil || info != want {
		t.Errorf("server info: %+v, %v", info, err)
	}
	health, err := c.Health(t.Context())
	want := []Checker{
		{Upstreams, "2", "http", []NodeHealth{{Host: "127.0.0.1", IP: "127.0.0.1", Port: 18091, Status: "healthy"}, {Host: "127.0.0.1", IP: "127.0.0.1", Port: 18090, Status: "healthy"}}},
		{Upstreams, "sick", "tcp", []NodeHealth{{Host: "127.0.0.1", IP: "127.0.0.1", Port: 1, Status: "unhealthy", TCPFailures: 2}, {Host: "127.0.0.1", IP: "127.0.0.1", Port: 18090, Status: "healthy"}}},
	}
	if err != nil || !reflect.DeepEqual(health, want) {
		t.Errorf("health: %+v, %v", health, err)
	}
	before := control(t, testrig.Replay(t, testrig.LoadRecorded(t, "testdata/control/002*")))
	if health, err := before.Health(t.Context()); err != nil || len(health) != 2 || health[1].ID != "sick" || len(health[1].Nodes) != 0 {
		t.Errorf("health before a request: %+v, %v", health, err)
	}
}

func TestOldHealth(t *testing.T) {
	c := control(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"src_type":"routes","src_id":"7","name":"upstream#/apisix/routes/7",
			"nodes":[{"host":"10.0.0.1","port":80},{"host":"10.0.0.2","port":80}],"healthy_nodes":[{"host":"10.0.0.2","port":80}]}]`)
	})
	health, err := c.Health(t.Context())
	if err != nil || len(health) != 1 || health[0].Kind != Routes || health[0].ID != "7" ||
		health[0].Nodes[0].Status != "unhealthy" || health[0].Nodes[1].Status != "healthy" {
		t.Errorf("%+v, %v", health, err)
	}
}

func TestControlErrors(t *testing.T) {
	var keys []string
	missing := testrig.LoadRecorded(t, "testdata/control/010*")[0]
	c := control(t, func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("X-API-KEY"))
		testrig.SendRaw(w, missing.Response)
	})
	_, err := c.List(t.Context(), Routes)
	if !errors.Is(err, ErrNotAdmin) || !strings.Contains(hint.Of(err), "Control API") {
		t.Errorf("HTML: %v (hint %q)", err, hint.Of(err))
	}
	if _, err := c.ServerInfo(t.Context()); !errors.Is(err, ErrNotFound) || !strings.Contains(hint.Of(err), "server-info") {
		t.Errorf("server info: %v (hint %q)", err, hint.Of(err))
	}
	if strings.Join(keys, "") != "" {
		t.Errorf("the key went to the Control API")
	}
	bad := control(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"error":1}`) })
	if _, err := bad.Health(t.Context()); !errors.Is(err, ErrNotAdmin) {
		t.Errorf("an object: %v", err)
	}
}
