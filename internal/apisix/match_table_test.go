package apisix

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// matchCase is one rule, and requests that show it. Routes are JSON, without their id, which is
// a, b, c, … in order; services likewise are s, t, ….
type matchCase struct {
	rule     string // what APISIX does, and the file and function that do it
	kind     RouterKind
	routes   []string
	services []string
	asks     []ask
}

// ask is "METHOD host/path", headers, and what comes of it as outcome writes it.
type ask struct {
	req    string
	want   string
	header []string // "K: V"; with "whole" among them, they are all
	client string
	why    string // "b: a part of what is said of the near miss b"
}

func (c *matchCase) router(t testing.TB) *Router {
	t.Helper()
	named := func(kind Kind, docs []string, first byte) []Resource {
		var out []Resource
		for i, doc := range docs {
			id := string(rune(int(first) + i))
			out = append(out, Resource{Kind: kind, ID: id, Raw: []byte(doc)})
		}
		return out
	}
	r, err := NewRouter(c.kind, named(Routes, c.routes, 'a'), named(Services, c.services, 's'))
	if err != nil {
		t.Fatalf("%s: %v", c.rule, err)
	}
	return r
}

func (a *ask) request() Request {
	method, rest, _ := strings.Cut(a.req, " ")
	host, path, _ := strings.Cut(rest, "/")
	r := Request{Method: method, Host: host, Path: "/" + path, Header: http.Header{}}
	if method == "?" {
		r.Method = ""
	}
	for _, h := range a.header {
		if name, v, found := strings.Cut(h, ": "); found {
			r.Header[name] = append(r.Header[name], v)
		} else if h == "whole" {
			r.Whole = true
		} else {
			r.Header[strings.TrimSuffix(h, ":")] = nil
		}
	}
	if a.client != "" {
		r.Client = netip.MustParseAddr(a.client)
	}
	return r
}

func TestMatchTable(t *testing.T) {
	cases := matchCases()
	asks := 0
	for _, c := range cases {
		router := c.router(t)
		for _, a := range c.asks {
			asks++
			res := router.Match(a.request())
			if got := outcome(&res); got != a.want {
				t.Errorf("%s\n\t%s %v: got %q, want %q", c.rule, a.req, a.header, got, a.want)
			}
			if id, part, found := strings.Cut(a.why, ": "); found && !strings.Contains(whyNot(&res, id), part) {
				t.Errorf("%s\n\t%s %v: of %s it says %q, want %q", c.rule, a.req, a.header, id, whyNot(&res, id), part)
			}
		}
	}
	if len(cases) < 60 {
		t.Errorf("only %d rules are tested", len(cases))
	}
	t.Logf("%d rules, %d requests", len(cases), asks)
}

// whyNot is what the result says of a route that may not be it.
func whyNot(r *Result, id string) string {
	var all []string
	for _, c := range r.Maybe {
		if c.Route.ID == id {
			all = append(all, c.Depends...)
		}
	}
	for _, m := range r.Misses {
		if m.Route.ID == id {
			all = append(all, m.Why...)
		}
	}
	return strings.Join(all, "; ")
}
