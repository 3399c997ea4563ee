package apisix

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

func unread(path string, status int) *trace.Exchange {
	return &trace.Exchange{
		Method: "GET", Host: "shop.example", Path: path, Status: status,
		Client: netip.MustParseAddrPort("10.1.2.3:50000"), Server: netip.MustParseAddrPort("10.0.0.2:9080"),
	}
}

func TestNamesCompute(t *testing.T) {
	reception := &Reception{Ports: []uint16{9080}, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	n := naming(t, NameOptions{Reception: reception}, shopLists())
	got := filled(t, n, func() *trace.Exchange { return unread("/orders/1", 200) }, func(x *trace.Exchange) bool { return x.Names.From != "" })
	if got.From != trace.NamesComputed || got.RouteID != "17" || got.RouteName != "orders" || got.ServiceName != "shop" || len(got.Plugins) != 4 {
		t.Errorf("computed: %+v", got)
	}
	beta := unread("/beta", 200)
	beta.Headers = &trace.Headers{Request: trace.Head{Seen: true, Fields: []trace.Field{{Name: "X-Env", Value: "beta"}}}}
	cut := unread("/orders/1", 200)
	cut.Vague = true
	admin := unread("/orders/1", 200)
	admin.Server = netip.MustParseAddrPort("10.0.0.2:9180")
	proxied := unread("/inner", 200)
	proxied.Client = netip.MustParseAddrPort("127.0.0.1:50000")
	told := unread("/inner", 200)
	told.Client, told.Logged = proxied.Client, &trace.Logged{RemoteAddr: "10.9.9.9"}
	for _, tt := range []struct {
		what string
		x    *trace.Exchange
		from trace.Naming
		id   string
	}{
		{"a header that is known", beta, trace.NamesComputed, "18"},
		{"a header that is not", unread("/beta", 200), "", ""},
		{"a client's address", unread("/inner", 200), trace.NamesComputed, "19"},
		{"a proxy's address", proxied, "", ""},
		{"the client's behind a proxy", told, trace.NamesComputed, "19"},
		{"no route", unread("/none", 404), trace.NamesComputed, ""},
		{"no route, and yet an answer", unread("/none", 200), "", ""},
		{"a path that is cut", cut, "", ""},
		{"another port", admin, "", ""},
		{"an API of APISIX", unread("/apisix/nginx_status", 404), "", ""},
		{"what nginx refuses", unread("/%", 400), "", ""},
	} {
		if n.Fill(tt.x); tt.x.Names.From != tt.from || tt.x.Names.RouteID != tt.id {
			t.Errorf("%s: %+v", tt.what, tt.x.Names)
		}
	}
	n.Fill(unread("/beta", 200))
	want := []string{
		`the route of 2 requests could not be computed: route 18 depends on the header x-env (http_x_env == beta)`,
		`the route of 1 requests could not be computed: route 19 depends on the client's address (10.0.0.0/8)`,
	}
	if notes := n.Notes(); !slices.Equal(notes, want) {
		t.Errorf("notes: %q", notes)
	}
}

// TestNamesComputeForEveryRouter: where the gateway's router is not known, all must agree.
func TestNamesComputeForEveryRouter(t *testing.T) {
	lists := shopLists()
	lists["routes"] = `[{"id":"a","uri":"/*","host":"shop.example"},{"id":"b","uri":"/x"},{"id":"c","uri":"/c","host":"shop.example"}]`
	n := naming(t, NameOptions{}, lists)
	got := filled(t, n, func() *trace.Exchange { return unread("/c", 200) }, func(x *trace.Exchange) bool { return x.Names.From != "" })
	if got.RouteID != "c" {
		t.Errorf("/c: %+v", got)
	}
	x := unread("/x", 200)
	if n.Fill(x); x.Names.From != "" || !strings.Contains(strings.Join(n.Notes(), " "), "which router") {
		t.Errorf("/x: %+v, %q", x.Names, n.Notes())
	}
}

func BenchmarkNamesCompute(b *testing.B) {
	var routes []string
	for i := range 5000 {
		routes = append(routes, fmt.Sprintf(`{"id":"%d","uri":"/*","host":"h%d.example"}`, i, i))
	}
	lists := shopLists()
	lists["routes"] = "[" + strings.Join(append(routes, `{"id":"x","uri":"/orders/*","host":"shop.example"}`), ",") + "]"
	n := naming(b, NameOptions{Router: RouterHostURI}, lists)
	for {
		x := unread("/orders/1", 200)
		if n.Fill(x); x.Names.From != "" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.ReportAllocs()
	for b.Loop() {
		n.Fill(unread("/orders/1", 200))
	}
}
