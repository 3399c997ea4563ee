package bpf_test

import (
	"fmt"
	"testing"

	"github.com/apisixscope/apisixscope/bpf"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

// TestGatewayOnly has the kernel side choose by what APISIX calls a request, and count what
// it removes.
func TestGatewayOnly(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	for _, tt := range []struct {
		only  bpf.Only
		match func(n testrig.Names) bool
		flag  string
	}{
		{bpf.Only{Routes: []string{"checkout", "20"}}, func(n testrig.Names) bool { return n.RouteName == "checkout" || n.RouteID == "20" }, "--route"},
		{bpf.Only{Services: []string{"media"}}, func(n testrig.Names) bool { return n.ServiceID == "media" }, "--service"},
		{bpf.Only{Services: []string{"media-store"}}, func(n testrig.Names) bool { return n.ServiceName == "media-store" }, "--service"},
		{bpf.Only{Consumers: []string{"mobile-app"}}, func(n testrig.Names) bool { return n.Consumer == "mobile-app" }, "--consumer"},
		{bpf.Only{Routes: []string{"check", "checkouts", "2"}}, func(n testrig.Names) bool { return n.RouteID == "2" }, "--route"},
		{bpf.Only{Routes: []string{"4711"}}, func(n testrig.Names) bool { return n.RouteID == "4711" }, "--route"}, // a number in Lua
	} {
		t.Run(fmt.Sprint(tt.only), func(t *testing.T) {
			w := open(t, bpf.Options{
				Target: find(t, rig), Probes: true, NoSockets: true, Only: tt.only, Headers: []string{"X-Rig-Id"},
			})
			result, err := testrig.Load{Target: rig.Target(), Kinds: namedKinds(), Conns: 2, Requests: 2 * len(namedKinds())}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want, most := map[string]bool{}, 0
			for _, s := range result.Sent {
				route, err := testrig.RouteOf(s.Kind)
				if err != nil {
					t.Fatal(err)
				}
				// Of several paths any was asked for: those with one are enough.
				if len(route.Paths) == 1 {
					want[s.ID] = tt.match(route.Names(route.Paths[0]))
				}
				if want[s.ID] {
					most++
				}
			}
			w.wait(most)
			seen := map[string]bool{}
			for _, x := range w.end() {
				seen[x.HeaderValues[0]] = true
			}
			for id, wanted := range want {
				// What is no string in Lua is left to user space.
				if wanted && !seen[id] || !wanted && seen[id] && tt.only.Routes == nil {
					t.Errorf("%s: wanted %t, seen %t", id, wanted, seen[id])
				}
			}
			if removed := w.sum.Removed[tt.flag]; removed == 0 || w.sum.Seen != removed+uint64(len(seen)) || w.sum.Seen != uint64(len(result.Sent)) {
				t.Errorf("%d of %d seen, %d removed, %d shown", w.sum.Seen, len(result.Sent), removed, len(seen))
			}
		})
	}
}
