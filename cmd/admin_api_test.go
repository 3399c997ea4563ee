package cmd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// api is an Admin API with its etcd, as the recorded ones behave: it keeps resources, each
// with the revisions of etcd.
type api struct {
	t       *testing.T
	addr    string
	stop    func()
	old     atomic.Bool  // as APISIX 2.x
	changes atomic.Int32 // that it was asked to make

	mu       sync.Mutex
	revision int
	kept     map[string]*entry
	before   func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	after    func(r *http.Request)                             // comes before the answer of a change
}

type entry struct {
	value             map[string]any
	created, modified int
}

// A route whose other plugin has a secret.
const (
	planted   = "planted-client-secret"
	routeJSON = `{"uri":"/shop/*","name":"shop","priority":1.50,"labels":{"b":"2","a":"1"},"methods":[],"upstream":{"nodes":{"10.0.0.4:80":1}},
		"plugins":{"openid-connect":{"client_id":"shop","client_secret":"` + planted + `","scopes":["a","b"]},"prometheus":{}}}`
)

// newAPI starts an Admin API with the route 1, and a route without plugins, bare.
func newAPI(t *testing.T) *api {
	a := &api{t: t, kept: map[string]*entry{}, addr: "127.0.0.1:0", revision: 50}
	a.set("routes/1", routeJSON)
	a.set("routes/bare", `{"uri":"/bare","upstream_id":"shop"}`)
	a.start()
	t.Cleanup(func() { a.stop() })
	return a
}

// start listens, at the port of the time before if there was one.
func (a *api) start() {
	a.t.Helper()
	var l net.Listener
	var err error
	for range 100 {
		if l, err = net.Listen("tcp", a.addr); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	a.addr = l.Addr().String()
	s := &http.Server{Handler: a}
	go s.Serve(l)
	a.stop = func() { s.Close() }
}

// set is somebody else's change.
func (a *api) set(path, value string) {
	a.t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(value), &v); err != nil {
		a.t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.put(path, v)
}

func (a *api) put(path string, v map[string]any) (made bool) {
	a.revision++
	e := a.kept[path]
	if e == nil {
		e = &entry{created: a.revision}
		a.kept[path] = e
		made = true
		v["create_time"] = 1795344238.0
	} else {
		v["create_time"] = e.value["create_time"]
	}
	v["update_time"] = 1795344238.0 + float64(a.revision)
	v["id"] = path[strings.LastIndex(path, "/")+1:]
	e.value, e.modified = v, a.revision
	return made
}

// value is what a resource is, but for the time of its last change.
func (a *api) value(path string) map[string]any {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept[path] == nil {
		return nil
	}
	v := maps.Clone(a.kept[path].value)
	delete(v, "update_time")
	return v
}

func (a *api) plugins(path string) map[string]any {
	p, _ := a.value(path)["plugins"].(map[string]any)
	return p
}

// was wants the resource to be as it was.
func (a *api) was(t *testing.T, path string, want map[string]any) {
	t.Helper()
	if got := a.value(path); !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %v, and was %v", path, got, want)
	}
}

// on sets what comes before an answer, and what comes after a change.
func (a *api) on(before func(http.ResponseWriter, *http.Request) bool, after func(*http.Request)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.before, a.after = before, after
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	before, after := a.before, a.after
	a.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if !a.old.Load() {
		w.Header().Set("X-API-VERSION", "v3")
	}
	if r.Header.Get("X-API-KEY") != sesame {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error_msg":"failed to check token","description":"wrong apikey"}`)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/apisix/admin/")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	status, answer := a.answer(r.Method, path, body)
	if r.Method == http.MethodPut && after != nil {
		after(r)
	}
	w.WriteHeader(status)
	fmt.Fprintln(w, answer)
}

func (a *api) answer(method, path string, body []byte) (int, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch e := a.kept[path]; {
	case strings.HasPrefix(path, "plugins/"):
		return http.StatusOK, `{"type":"object","properties":{"count":{"type":"integer"}}}`
	case method == http.MethodGet && e == nil:
		return http.StatusNotFound, `{"message":"Key not found"}`
	case method == http.MethodGet:
		return http.StatusOK, a.envelope(path, e.value, fmt.Sprintf(`,"createdIndex":%d,"modifiedIndex":%d`, e.created, e.modified))
	case method != http.MethodPut:
		return http.StatusMethodNotAllowed, `{"error_msg":"not supported"}`
	}
	a.changes.Add(1)
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		return http.StatusBadRequest, `{"error_msg":"invalid request body"}`
	}
	for _, name := range []string{"create_time", "update_time"} {
		if v[name] != nil {
			return http.StatusBadRequest, `{"error_msg":"the property is forbidden:  ` + name + `"}`
		}
	}
	plugins, _ := v["plugins"].(map[string]any)
	if conf, ok := plugins["limit-count"].(map[string]any); ok {
		if token, ok := conf["token"].(string); ok {
			said, _ := json.Marshal(fmt.Sprintf("property \"token\" validation failed: failed to match pattern with %q", token))
			return http.StatusBadRequest, fmt.Sprintf(`{"error_msg":%s}`, said)
		}
		if conf["count"] == nil {
			return http.StatusBadRequest, `{"error_msg":"failed to check the configuration of plugin limit-count err: property \"count\" is required"}`
		}
		if a.old.Load() && conf["policy"] == nil {
			conf["policy"] = "local" // 2.x keeps what the schema sets
		}
	}
	status := http.StatusOK
	if a.put(path, v) {
		status = http.StatusCreated
	}
	echo := maps.Clone(v)
	if plugins != nil { // as it is in etcd
		kept := maps.Clone(plugins)
		kept["openid-connect"] = "encrypted"
		echo["plugins"] = kept
	}
	return status, a.envelope(path, echo, "")
}

func (a *api) envelope(path string, value map[string]any, indexes string) string {
	data, err := json.Marshal(value)
	if err != nil {
		a.t.Error(err)
	}
	item := fmt.Sprintf(`{"value":%s,"key":"/apisix/%s"%s}`, data, path, indexes)
	if a.old.Load() {
		return `{"action":"get","count":1,"node":` + item + `}`
	}
	return item
}

// names are those of a map, in order.
func names(m map[string]any) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ",")
}
