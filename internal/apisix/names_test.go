package apisix

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/trace"
)

// shopLists is a configuration, by the path of each kind.
func shopLists() map[string]string {
	return map[string]string{
		"plugins/list": `["real-ip","request-id","key-auth","limit-count","proxy-rewrite","prometheus"]`,
		"routes": `[
			{"id":"17","name":"orders","uris":["/orders/*","/orders","/o/*"],"service_id":"svc","plugin_config_id":"pc","labels":{"app":"shop"},
			 "plugins":{"limit-count":{"count":1},"proxy-rewrite":{"_meta":{"disable":true}},"unlisted":{}}},
			{"id":"18","name":"beta","uri":"/beta","vars":[["http_x_env","==","beta"]]},
			{"id":"19","name":"inner","uri":"/inner","remote_addrs":["10.0.0.0/8"]}]`,
		"services":        `[{"id":"svc","name":"shop","labels":{"team":"a","app":"old"},"plugins":{"key-auth":{},"proxy-rewrite":{}}}]`,
		"plugin_configs":  `[{"id":"pc","plugins":{"request-id":{},"limit-count":{}}}]`,
		"global_rules":    `[{"id":"1","plugins":{"prometheus":{}}}]`,
		"consumers":       `[{"username":"jack","group_id":"gold","plugins":{"key-auth":{"key":"sesame"}}},{"username":"jill","plugins":{}}]`,
		"consumer_groups": `[{"id":"gold","plugins":{"real-ip":{}}}]`,
	}
}

// adminOf serves lists as the Admin API does.
func adminOf(t testing.TB, lists map[string]string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/apisix/admin/")
		w.Header().Set("Server", "APISIX/3.16.0")
		if path == "plugins/list" {
			fmt.Fprint(w, lists[path])
			return
		}
		var values []json.RawMessage
		if err := json.Unmarshal([]byte(lists[path]), &values); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		var list []map[string]any
		for i, v := range values {
			list = append(list, map[string]any{"key": fmt.Sprintf("/apisix/%s/%s", path, idIn(v)), "value": v, "modifiedIndex": i + 1})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"list": list, "total": len(list)})
	}))
	t.Cleanup(s.Close)
	return s
}

func idIn(v json.RawMessage) string {
	var named struct{ ID, Username string }
	_ = json.Unmarshal(v, &named)
	return named.ID + named.Username
}

// naming runs Names against a configuration.
func naming(t testing.TB, o NameOptions, lists map[string]string) *Names {
	t.Helper()
	o.Own = &Own{}
	c, err := New(Options{URL: adminOf(t, lists).URL, Key: rigKey, Dial: o.Own.Watch(nil)})
	if err != nil {
		t.Fatal(err)
	}
	o.Client = c
	n := NewNames(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		c.Close()
	})
	return n
}

// filled fills an exchange again and again until it is as it should be, for the snapshot comes
// when it comes.
func filled(t *testing.T, n *Names, made func() *trace.Exchange, ready func(*trace.Exchange) bool) trace.Names {
	t.Helper()
	for range 500 {
		x := made()
		if n.Fill(x); ready(x) {
			return x.Names
		}
		time.Sleep(10 * time.Millisecond)
	}
	x := made()
	n.Fill(x)
	t.Fatalf("after 5s it has %+v", x.Names)
	return trace.Names{}
}

func exactly(routeID, consumer, path string) func() *trace.Exchange {
	return func() *trace.Exchange {
		return &trace.Exchange{Path: path, Names: trace.Names{From: trace.NamesExact, RouteID: routeID, ServiceID: "svc", Consumer: consumer}}
	}
}

func TestNamesFillWhatWasRead(t *testing.T) {
	n := naming(t, NameOptions{}, shopLists())
	got := filled(t, n, exactly("17", "", "/orders/1"), func(x *trace.Exchange) bool { return x.Names.Plugins != nil })
	want := trace.Names{
		From: trace.NamesExact, RouteID: "17", RouteName: "orders", ServiceID: "svc", ServiceName: "shop", URI: "/orders/*",
		Plugins: []string{"prometheus", "request-id", "key-auth", "limit-count"},
		Labels:  []trace.Label{{Key: "app", Value: "shop"}, {Key: "team", Value: "a"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	jack := filled(t, n, exactly("17", "jack", "/orders"), func(x *trace.Exchange) bool { return len(x.Names.Plugins) == 5 })
	if !slices.Equal(jack.Plugins, []string{"prometheus", "real-ip", "request-id", "key-auth", "limit-count"}) || jack.URI != "/orders" {
		t.Errorf("jack gets %+v", jack)
	}
	x := exactly("", "", "/none")()
	if n.Fill(x); !slices.Equal(x.Names.Plugins, []string{"prometheus"}) {
		t.Errorf("without a route: %+v", x.Names)
	}
	x = exactly("new", "", "/new")()
	if n.Fill(x); x.Names.Plugins != nil || x.Names.From != trace.NamesExact {
		t.Errorf("of a new route: %+v", x.Names)
	}
	x = &trace.Exchange{Names: trace.Names{From: trace.NamesNone}}
	if n.Fill(x); !reflect.DeepEqual(x.Names, trace.Names{From: trace.NamesNone}) {
		t.Errorf("before routing: %+v", x.Names)
	}
	for _, consumer := range []string{"", "jack"} {
		x := exactly("17", consumer, "/orders/1")()
		if allocs := testing.AllocsPerRun(100, func() { n.Fill(x) }); allocs != 0 {
			t.Errorf("consumer %q: Fill allocates %v times", consumer, allocs)
		}
	}
	if raw := fmt.Sprintf("%+v", *n.now.Load()); strings.Contains(raw, "sesame") {
		t.Error("the snapshot holds a secret")
	}
}

// TestNamesSayOnceThatNobodyAnswers, and go on asking.
func TestNamesSayOnceThatNobodyAnswers(t *testing.T) {
	var up atomic.Bool
	var asked, said atomic.Int32
	lists := adminOf(t, shopLists())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if !up.Load() {
			http.Error(w, `{"error_msg":"failed to check token"}`, http.StatusUnauthorized)
			return
		}
		lists.Config.Handler.ServeHTTP(w, r)
	}))
	defer s.Close()
	c, err := New(Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	n := NewNames(NameOptions{Client: c, Every: time.Millisecond, Say: func(err error) {
		if said.Add(1); hint.Of(err) == "" {
			t.Errorf("no remedy for %v", err)
		}
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Run(ctx)
	}()
	for asked.Load() < 3 {
		time.Sleep(time.Millisecond)
	}
	up.Store(true)
	filled(t, n, exactly("17", "", "/orders/1"), func(x *trace.Exchange) bool { return x.Names.Plugins != nil })
	cancel()
	<-done
	if said.Load() != 1 {
		t.Errorf("said %d times", said.Load())
	}
}

func TestNamesKnowOurOwnRequests(t *testing.T) {
	n := naming(t, NameOptions{}, shopLists())
	filled(t, n, exactly("17", "", "/"), func(x *trace.Exchange) bool { return x.Names.Plugins != nil })
	ours := n.o.Own.ends[0]
	mapped := netip.AddrPortFrom(netip.AddrFrom16(ours.Addr().As16()), ours.Port())
	for _, tt := range []struct {
		client netip.AddrPort
		path   string
		own    bool
	}{
		{ours, "/apisix/admin/routes", true},
		{mapped, "/apisix/admin/routes", true},
		{ours, "/orders", false},
		{netip.AddrPortFrom(ours.Addr(), ours.Port()+1), "/apisix/admin/routes", false},
		{netip.AddrPort{}, "/apisix/admin/routes", false},
	} {
		if got := n.Own(&trace.Exchange{Client: tt.client, Path: tt.path}); got != tt.own {
			t.Errorf("%s %s: %v", tt.client, tt.path, got)
		}
	}
}
