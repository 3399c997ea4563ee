package apisix

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// holdToMatch fails where decide is sure of something else than Match. It returns whether
// Match is sure and decide is not, as it may be where two routes are alike and one depends.
func holdToMatch(t *testing.T, what string, r *Router, req Request) (shy bool) {
	t.Helper()
	res := r.Match(req)
	found, _, sure := r.decide(newQuestion(&req))
	want := ""
	if res.Route != nil {
		want = res.Route.Route.ID
	}
	decided := len(res.Maybe) == 0 && len(res.Tied) == 0
	if sure && !decided {
		t.Fatalf("%s: %+v: sure is %v, but Match says %s", what, req, sure, outcome(&res))
	}
	got := ""
	if found != nil {
		got = found.rule.route.ID
	}
	if sure && got != want {
		t.Fatalf("%s: %+v: decides for %q, and Match for %s", what, req, got, outcome(&res))
	}
	return decided && !sure
}

func TestDecideIsMatch(t *testing.T) {
	for _, c := range matchCases() {
		router := c.router(t)
		for _, a := range c.asks {
			holdToMatch(t, c.rule, router, a.request())
		}
	}
	shy := 0
	seed := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		data := make([]byte, 100+seed.IntN(900))
		for i := range data {
			data[i] = byte(seed.Uint32())
		}
		d := &dice{data}
		kind := RouterKinds()[d.roll(3)]
		world := d.world(kind)
		router := world.router(t, kind)
		for range 6 {
			drawn := d.request(kind)
			req := drawn.known()
			if holdToMatch(t, string(kind), router, req) {
				shy++
			}
			req.Whole, req.Client, req.Header, req.Method = false, netip.Addr{}, nil, ""
			holdToMatch(t, string(kind), router, req)
		}
	}
	if shy > 0 {
		t.Errorf("of 12000 requests of which all is known, %d are not decided", shy)
	}
}
