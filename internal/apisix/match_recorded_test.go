package apisix

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

// resources reads an array of JSON objects, as the Admin API has them in its values.
func resources(t testing.TB, kind Kind, raw []byte) []Resource {
	t.Helper()
	var docs []json.RawMessage
	if err := json.Unmarshal(raw, &docs); err != nil {
		t.Fatal(err)
	}
	var out []Resource
	for _, doc := range docs {
		var id struct{ ID string }
		if err := json.Unmarshal(doc, &id); err != nil {
			t.Fatal(err)
		}
		out = append(out, Resource{Kind: kind, ID: id.ID, Raw: doc})
	}
	return out
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestMatchRecorded asks for the route of requests that a real APISIX 3.16 has answered. Its
// error log (level info, "matched route") and its apisix_http_status by route say which it took.
//
// testdata/match/routes.json has the routes as the Admin API or that log gave them, without
// their plugins; those whose desc is 001-metrics were not recorded, and have the uri and host
// that the metrics tell of them as matched. The gateway ran with its default router.
func TestMatchRecorded(t *testing.T) {
	routes := resources(t, Routes, mustRead(t, "testdata/match/routes.json"))
	services := resources(t, Services, mustRead(t, "testdata/match/services.json"))
	type request struct {
		Name, Want, Method, Host, Path string
		Header                         map[string]string
	}
	for _, kind := range RouterKinds() {
		router, err := NewRouter(kind, routes, services)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(strings.NewReader(string(mustRead(t, "testdata/match/requests.jsonl"))))
		asked := 0
		for lines.Scan() {
			var r request
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			asked++
			header := http.Header{}
			for name, v := range r.Header {
				header.Set(name, v)
			}
			res := router.Match(Request{
				Method: r.Method, Host: r.Host, Path: r.Path, Header: header, Whole: true,
				Client: netip.MustParseAddr("127.0.0.1"),
			})
			switch {
			case r.Host == "ff.deepflow.demo": // a filter_func: it depends
				if got := outcome(&res); got != "filter? 404" || !slices.Contains(res.Maybe[0].Depends, "its filter_func") {
					t.Errorf("%s, %s: got %s, want it to depend on the filter_func", kind, r.Name, got)
				}
			case outcome(&res) != r.Want:
				t.Errorf("%s, %s: %s %s%s: got %s, APISIX took %s", kind, r.Name, r.Method, r.Host, r.Path, outcome(&res), r.Want)
			}
		}
		if asked < 80 {
			t.Errorf("only %d requests were recorded", asked)
		}
	}
}

// outcome writes a result: "a? b=c" is a if what it depends on holds, and otherwise b or c,
// whichever was loaded first.
func outcome(r *Result) string {
	if r.Bad != "" {
		return r.Bad[:3]
	}
	var b strings.Builder
	for _, c := range r.Maybe {
		b.WriteString(c.Route.ID + "? ")
	}
	if r.Route == nil {
		return b.String() + "404"
	}
	b.WriteString(r.Route.Route.ID)
	for _, c := range r.Tied {
		b.WriteString("=" + c.Route.ID)
	}
	return b.String()
}
