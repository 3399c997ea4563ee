package apisix

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func hostileRouter(t *testing.T, kind RouterKind, docs ...string) *Router {
	t.Helper()
	var routes []Resource
	for i, doc := range docs {
		routes = append(routes, Resource{ID: fmt.Sprint(i), Raw: []byte(doc)})
	}
	r, err := NewRouter(kind, routes, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMatchRefusesWhatIsNoJSON(t *testing.T) {
	for doc, want := range map[string]string{
		``:            "read route 7: it is no valid JSON",
		`{`:           "no valid JSON",
		`{"uri":"/a"`: "no valid JSON",
		`[]`:          "it is an array, not an object",
		`"/a"`:        "it is a string",
		`{"vars":` + strings.Repeat("[", 2_000_000) + strings.Repeat("]", 2_000_000) + `}`: "nested deeper than 1000 levels",
		strings.Repeat("[", 5_000_000): "nested deeper",
	} {
		_, err := NewRouter(RouterURI, []Resource{{ID: "7", Raw: []byte(doc)}}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %q", doc, err, want)
		}
	}
	if _, err := NewRouter(RouterURI, nil, []Resource{{ID: "s", Raw: []byte(`{`)}}); err == nil || !strings.Contains(err.Error(), "read service s") {
		t.Errorf("a broken service: %v", err)
	}
	if _, err := NewRouter("radixtree", nil, nil); err == nil {
		t.Error("a router that does not exist is taken")
	}
}

func TestMatchOfTheWrongTypes(t *testing.T) {
	for doc, want := range map[string]string{
		`{}`:                                           "404",
		`{"uri":null}`:                                 "404",
		`{"uri":7}`:                                    "404",
		`{"uris":[{}]}`:                                "404",
		`{"uris":[]}`:                                  "404",
		`{"uri":"/a","priority":"x"}`:                  "0",
		`{"uri":"/a","hosts":7}`:                       "0",
		`{"uri":"/a","methods":{"a":1}}`:               "404",
		`{"uri":"/a","remote_addr":7}`:                 "404",
		`{"uri":"/a","remote_addr":"::1/x"}`:           "404",
		`{"uri":"/a","vars":7}`:                        "404",
		`{"uri":"/a","vars":[[]]}`:                     "404",
		`{"uri":"/a","vars":[[7,"==",7]]}`:             "0? 404",
		`{"uri":"/a","vars":[[{},"==",7]]}`:            "404",
		`{"uri":"/a","vars":[["a",{},7]]}`:             "404",
		`{"uri":"/a","vars":[["arg_x","~~",null]]}`:    "404",
		`{"uri":"/a","vars":[["uri","~~",7]]}`:         "0? 404",
		`{"uri":"/a","vars":[["arg_x","~~"]]}`:         "404",
		`{"uri":"/a","vars":[["arg_x","ipmatch",[]]]}`: "404",
		`{"uri":"/a","vars":["AND",["a","b"],"OR"]}`:   "404",
		`{"uri":"/a","vars":[["arg_x","in",{"a":1}]]}`: "404",
	} {
		res := hostileRouter(t, RouterURI, doc).Match(Request{Method: "GET", Host: "h", Path: "/a"})
		if got := outcome(&res); got != want {
			t.Errorf("%s: got %q, want %q", doc, got, want)
		}
	}
}

// TestMatchIsQuick gives it what may take long, and gives it much more time than it needs, for the machine may be busy.
func TestMatchIsQuick(t *testing.T) {
	nested := func(depth int) string {
		return `{"uri":"/a","vars":` + strings.Repeat(`["AND",["arg_x","==","1"],`, depth) + `["arg_y","==","2"]` + strings.Repeat("]", depth) + `}`
	}
	list := strings.TrimSuffix(strings.Repeat(`"text",`, 100_000), ",")
	leaves := strings.TrimSuffix(strings.Repeat(`["http_x","==","2"],`, 50_000), ",")
	uris := strings.Builder{}
	for i := range 20_000 {
		fmt.Fprintf(&uris, `"/a/%d/*/x","/a*",`, i)
	}
	for name, c := range map[string]struct {
		doc, path, want string
	}{
		"deep vars":       {nested(90), "/a?x=1&y=2", "0"},
		"deeper vars":     {nested(900), "/a?x=1&y=2", "0? 404"},
		"deeper and no":   {nested(900), "/a?y=2", "404"},
		"a long list":     {`{"uri":"/a","vars":[["arg_x","in",[` + list + `]]]}`, "/a?x=1", "404"},
		"many leaves":     {`{"uri":"/a","vars":[` + leaves + `]}`, "/a", "0? 404"},
		"many uris":       {`{"uris":[` + uris.String() + `"/a"]}`, "/a", "0"},
		"exponential":     {`{"uri":"/a","vars":[["arg_x","~~","^(a+)+$"]]}`, "/a?x=" + strings.Repeat("a", 100_000) + "b", "404"},
		"a huge program":  {`{"uri":"/a","vars":[["arg_x","~~","` + strings.Repeat(`(a{30}){30}`, 180) + `"]]}`, "/a?x=a", "0? 404"},
		"a long pattern":  {`{"uri":"/a","vars":[["arg_x","~~","` + strings.Repeat("a", 100_000) + `"]]}`, "/a?x=a", "0? 404"},
		"a bad pattern":   {`{"uri":"/a","vars":[["arg_x","~~","(((("]]}`, "/a?x=a", "0? 404"},
		"refers back":     {`{"uri":"/a","vars":[["arg_x","~~","(a)\\1"]]}`, "/a?x=aa", "0? 404"},
		"an odd uri":      {`{"uri":"/a/(/*"}`, "/a/(/b", "0? 404"},
		"a long path":     {`{"uri":"/a/*/b/*/c"}`, "/a" + strings.Repeat("/b", 100_000), "404"},
		"many asterisks":  {`{"uri":"` + strings.Repeat("/*", 100) + `/z"}`, "/" + strings.Repeat("a/", 2_000), "404"},
		"many parameters": {`{"uri":"/a","vars":[["arg_x","==","1"]]}`, "/a?" + strings.Repeat("y=1&", 100_000), "404"},
	} {
		began := time.Now()
		router := hostileRouter(t, RouterHostURI, c.doc)
		res := router.Match(Request{Method: "GET", Host: "h", Path: c.path})
		if got := outcome(&res); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
	}
	many := make([]string, 5_000)
	for i := range many {
		many[i] = fmt.Sprintf(`{"uri":"/*","hosts":["h%d.x.com","*.x.com"],"vars":[["arg_x","==","%d"]]}`, i, i)
	}
	router := hostileRouter(t, RouterHostURI, many...)
	began := time.Now()
	res := router.Match(Request{Method: "GET", Host: "h4999.x.com", Path: "/a?x=4999"})
	if got := outcome(&res); got != "4999" || len(res.Misses) != maxMisses || res.More != 4_999-maxMisses {
		t.Errorf("of 5000 routes: %s, %d misses and %d more", got, len(res.Misses), res.More)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("5000 routes took %v", took)
	}
}

// TestMatchShowsNoSecrets plants one in what routes ask for and in what requests have.
func TestMatchShowsNoSecrets(t *testing.T) {
	const secret = "s3cr3t"
	for _, vars := range []string{
		`[["http_x_api_key","==","s3cr3t"]]`, `[["http_apikey","in",["s3cr3t","b"]]]`, `[["arg_token","~~","(?!s3cr3t)"]]`,
		`["!OR",["http_authorization","==","Bearer s3cr3t"],["http_authorization","has","s3cr3t"],["uri","==","/a"]]`,
		`[["args","==","token=s3cr3t&b=1"]]`, `[["args","~~","&token=s3cr3t"]]`, `[["http_other","==","Bearer s3cr3t"]]`,
	} {
		router := hostileRouter(t, RouterURI, `{"uri":"/a","vars":`+vars+`}`)
		header := http.Header{"X-Api-Key": {secret + "x"}, "Apikey": {secret}, "Authorization": {"Basic " + secret}}
		for _, r := range []Request{
			{Path: "/a?token=" + secret + "2", Header: header, Whole: true}, {Path: "/a"}, {Path: "/a?x&token=" + secret, Header: header},
		} {
			res := router.Match(r)
			if said := whyNot(&res, "0"); strings.Contains(said, secret) {
				t.Errorf("%s: %s", vars, said)
			}
		}
	}
}

// FuzzMatchHostile reads what is no route, and asks for it.
func FuzzMatchHostile(f *testing.F) {
	for _, c := range matchCases() {
		for _, doc := range c.routes {
			f.Add(doc, "h.com", "/a/b?x=1")
		}
	}
	f.Add(`{"uri":"/:a/*b","vars":[["uri","~~","\\v"]]}`, "[::1]:x", "/%41/..%2f?%zz=1#")
	f.Fuzz(func(t *testing.T, doc, host, path string) {
		for _, kind := range RouterKinds() {
			router, err := NewRouter(kind, []Resource{{ID: "r", Raw: []byte(doc)}}, []Resource{{ID: "s", Raw: []byte(`{"hosts":["h.com"]}`)}})
			if err != nil {
				return
			}
			res := router.Match(Request{Method: "GET", Host: host, Path: path})
			if got := outcome(&res); got == "" {
				t.Error("there is no result")
			}
		}
	})
}
