package apisix

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// FuzzMatch holds the router to plainMatch, which scans a list and knows no tree, no compiled
// expression and no JSON. Where less is known of the request, the answer must leave room for
// the right one.
func FuzzMatch(f *testing.F) {
	seed := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		data := make([]byte, 100+seed.IntN(900))
		for i := range data {
			data[i] = byte(seed.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &dice{data}
		kind := RouterKinds()[d.roll(3)]
		world := d.world(kind)
		router := world.router(t, kind)
		for range 6 {
			req := d.request(kind)
			best, tied := world.plainMatch(kind, req)
			res := router.Match(req.known())
			want := "404"
			if best != nil {
				want = best.ID
			}
			if got, _, _ := strings.Cut(outcome(&res), "="); got != want || tied != (len(res.Tied) > 0) {
				t.Fatalf("%s: %+v\n%s\ngot %s, want %s (tied: %v)", kind, req, world, outcome(&res), want, tied)
			}
			vague := req.known()
			vague.Whole, vague.Client, vague.Header, vague.Method = false, netip.Addr{}, nil, ""
			res = router.Match(vague)
			possible := append(res.Maybe, res.Tied...)
			if res.Route != nil {
				possible = append(possible, *res.Route)
			}
			is := func(c Candidate) bool { return c.Route.ID == want }
			if !slices.ContainsFunc(possible, is) && (want != "404" || res.Route != nil) {
				t.Fatalf("%s: %+v\n%s\nknowing less it says %s, but it is %s", kind, req, world, outcome(&res), want)
			}
		}
	})
}

// dice draws from the fuzzer's bytes.
type dice struct{ data []byte }

func (d *dice) roll(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	v := int(d.data[0]) % n
	d.data = d.data[1:]
	return v
}

func pick[T any](d *dice, from ...T) T { return from[d.roll(len(from))] }

// world is routes and services as plainMatch reads them.
type world struct {
	Routes   []*plainRoute
	Services map[string][]string
}

type plainRoute struct {
	ID       string   `json:"id"`
	URIs     []string `json:"uris"`
	Hosts    []string `json:"hosts,omitempty"`
	Methods  []string `json:"methods,omitempty"`
	Priority int      `json:"priority,omitempty"`
	Clients  []string `json:"remote_addrs,omitempty"`
	Vars     []any    `json:"vars,omitempty"`
	Status   *int     `json:"status,omitempty"`
	Service  string   `json:"service_id,omitempty"`
}

func (w *world) String() string {
	raw, _ := json.Marshal(w)
	return strings.ReplaceAll(string(raw), `{"id"`, "\n"+`{"id"`)
}

func (w *world) router(t testing.TB, kind RouterKind) *Router {
	var routes, services []Resource
	for _, r := range w.Routes {
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, Resource{ID: r.ID, Raw: raw})
	}
	for id, hosts := range w.Services {
		raw, _ := json.Marshal(map[string]any{"id": id, "hosts": hosts})
		services = append(services, Resource{ID: id, Raw: raw})
	}
	router, err := NewRouter(kind, routes, services)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

var (
	someSegments = []string{"a", "b", "ab", "c-d", ":id"}
	someHosts    = []string{"x.com", "a.x.com", "b.a.x.com", "y.org"}
	someClients  = []string{"10.0.0.1", "10.0.0.200", "127.0.0.1", "fd00::1", "::ffff:10.0.0.1"}
	someNets     = []string{"10.0.0.0/24", "10.0.0.1", "0.0.0.0/0", "fd00::/8", "127.0.0.1/31"}
)

func (d *dice) world(kind RouterKind) *world {
	w := &world{Services: map[string][]string{"s": {d.hostPattern()}, "t": {d.hostPattern(), d.hostPattern()}}}
	for i := range 1 + d.roll(8) {
		r := &plainRoute{ID: string(rune('a' + i)), Priority: pick(d, 0, 0, 0, 1, 5, -1)}
		for range 1 + d.roll(2) {
			r.URIs = append(r.URIs, d.uriPattern(kind))
		}
		for range pick(d, 0, 0, 1, 2) {
			r.Hosts = append(r.Hosts, d.hostPattern())
		}
		r.Methods = pick(d, nil, nil, []string{"GET"}, []string{"PUT", "POST"})
		r.Service = pick(d, "", "", "", "s", "t", "gone")
		if d.roll(6) == 0 {
			r.Clients = []string{pick(d, someNets...), pick(d, someNets...)}
		}
		if d.roll(3) == 0 {
			r.Vars = d.group(0)
		}
		if d.roll(10) == 0 {
			r.Status = new(int)
		}
		w.Routes = append(w.Routes, r)
	}
	return w
}

func (d *dice) uriPattern(kind RouterKind) string {
	uri := ""
	for range 1 + d.roll(3) {
		uri += "/" + pick(d, someSegments...)
	}
	form := d.roll(8)
	if inside := form == 2 || form == 5 && kind != RouterParams; inside && strings.Contains(uri, ":") {
		form = 7 // next to a parameter, an asterisk inside a segment is PCRE's: the table has it
	}
	switch form {
	case 0, 1:
		return uri
	case 2:
		return uri + "*"
	case 3:
		return "*"
	case 4:
		return uri + "/*/" + pick(d, "a", "b", "*rest")
	case 5:
		if kind == RouterParams {
			return uri + "/:name/" + pick(d, "", "a", ":more", "*rest")
		}
		return uri + "*/a" // the rest does not count
	}
	return uri + "/*"
}

func (d *dice) hostPattern() string {
	return pick(d, append([]string{"*.x.com", "*.com", "*", "*x.com", "*.a.x.com"}, someHosts...)...)
}

// plainRequest is a request of which everything is known.
type plainRequest struct {
	Method, Host, Path, Client string
	Args, Headers              map[string]string
}

func (d *dice) request(kind RouterKind) plainRequest {
	r := plainRequest{
		Method: pick(d, "GET", "PUT", "POST", "HEAD"), Host: pick(d, someHosts...), Client: pick(d, someClients...),
		Args: map[string]string{}, Headers: map[string]string{},
	}
	for range d.roll(5) {
		r.Path += "/" + pick(d, someSegments...)
	}
	r.Path += pick(d, "", "", "/")
	if r.Path == "" {
		r.Path = "/"
	}
	for _, name := range []string{"x", "y"} {
		if d.roll(2) == 0 {
			r.Args[name] = pick(d, someTexts...)
		}
	}
	if d.roll(2) == 0 {
		r.Headers["X-Env"] = pick(d, someTexts...)
	}
	if d.roll(3) == 0 {
		r.Headers["Cookie"] = "b=0; c=" + pick(d, someTexts...)
	}
	return r
}

func (r *plainRequest) known() Request {
	q := Request{Method: r.Method, Host: r.Host, Path: r.Path, Header: http.Header{}, Whole: true, Client: netip.MustParseAddr(r.Client)}
	sep := "?"
	for k, v := range r.Args {
		q.Path += sep + k + "=" + v
		sep = "&"
	}
	for k, v := range r.Headers {
		q.Header.Set(k, v)
	}
	return q
}
