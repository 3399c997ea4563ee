package cmd_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/apisix"
	"github.com/apisixscope/apisixscope/internal/gateway"
)

// TestAdminOfAFile: a gateway without an Admin API is told by its file, and by its Control API.
func TestAdminOfAFile(t *testing.T) {
	a := controlled(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/routes" {
			fmt.Fprint(w, `[{"key":"/routes/1","value":{"id":"1"},"modifiedIndex":6}]`)
			return
		}
		fmt.Fprint(w, `[]`)
	})
	c, err := a.Config(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.NoAdmin, c.Resources = apisix.ErrNoAdmin, "/usr/local/apisix/conf/apisix.yaml"
	c.ReadResources = func() ([]byte, error) {
		return []byte(`{"routes":[{"id":"1","name":"shop","uri":"/cart/*"}],"consumers":[{"username":"jack"},{"id":"jack/credentials/c1","plugins":{"key-auth":{"key":"sesame"}}}],"_conf_version":7}`), nil
	}
	a.Config = func(*gateway.Target) (*apisix.Config, error) { return c, nil }
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"get routes", 0, "1  shop on     -    /cart/* -       -        -\n"},
		{"get consumers -o name", 0, "jack\n"},
		{"get credentials jack", 0, "c1 key-auth -\n"},
		{"get credentials jack/c1 -o json", 0, `"key-auth":{"key":"***"}`},
		{"get credentials jill", 0, "there are no credentials"},
		{"get credentials", 2, "say whose credentials"},
		{"get credentials jack/c2", 1, "get credential jack/c2 at file:///usr/local/apisix/conf/apisix.yaml: not found"},
		{"get plugins", 1, "only the gateway's conf/config.yaml tells which are on"},
		{"match --host a --path /cart/7 -o json", 0, `"route":{"id":"1"`},
		{"drift --wait 1ms", 1, "routes/1 shop outdated     7       6"},
	} {
		code := a.run(append([]string{"admin"}, strings.Fields(tt.args)...)...)
		if said := a.out.String() + a.errs.String(); code != tt.code || !strings.Contains(said, tt.want) {
			t.Errorf("%s: %d, %s", tt.args, code, said)
		}
	}
}
