package apisix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestListsThatWereRecorded(t *testing.T) {
	c := replay(t, rigKey, "admin/00*", "admin/01*", "admin/116*")
	for _, tt := range []struct {
		kind Kind
		ids  string
	}{
		{Services, "2 shop-svc"},
		{Upstreams, "2 dead dns grpc raw shop sick slow"},
		{Consumers, "jack jill"},
		{ConsumerGroups, "gold"},
		{SSLs, "demo"},
		{GlobalRules, "1"},
		{PluginConfigs, "1"},
		{PluginMetadata, "http-logger opentelemetry"},
		{Protos, "1"},
		{Secrets, "vault/1"},
		{StreamRoutes, "1"},
	} {
		list, err := c.List(t.Context(), tt.kind)
		if err != nil {
			t.Errorf("%s: %v", tt.kind, err)
			continue
		}
		if got := ids(list); got != tt.ids {
			t.Errorf("%s: ids %s, want %s", tt.kind, got, tt.ids)
		}
		for _, r := range list {
			if r.Kind != tt.kind || r.ModifiedIndex == 0 || r.CreatedIndex == 0 || !json.Valid(r.Raw) || !strings.HasSuffix(r.Key, "/"+r.ID) {
				t.Errorf("%s %s: %+v", tt.kind, r.ID, r)
			}
		}
	}
	plugins, err := c.List(t.Context(), Plugins)
	if err != nil || len(plugins) != 63 || plugins[0].ID != "real-ip" || plugins[0].Name() != "real-ip" {
		t.Errorf("plugins: %d of them, %v", len(plugins), err)
	}
}

func ids(list []Resource) string {
	var all []string
	for _, r := range list {
		all = append(all, r.ID)
	}
	return strings.Join(all, " ")
}

func TestSingleResourcesThatWereRecorded(t *testing.T) {
	c := replay(t, rigKey, "admin/013*", "admin/015*", "admin/022*", "admin/025*", "admin/028*", "admin/069*", "admin/119*")
	for _, tt := range []struct {
		kind Kind
		id   string
		name string
	}{
		{Routes, "deepflow-apisix-demo", "deepflow-apisix-demo"},
		{Upstreams, "shop", "shop-backends"},
		{SSLs, "demo", ""},
		{PluginMetadata, "opentelemetry", ""},
		{Secrets, "vault/1", ""},
		{Plugins, "limit-count", ""},
	} {
		r, err := c.Get(t.Context(), tt.kind, tt.id)
		if err != nil || r.ID != tt.id || r.Name() != tt.name {
			t.Errorf("%s %s: got %q, name %q, %v", tt.kind, tt.id, r.ID, r.Name(), err)
		}
	}
	if _, err := c.Get(t.Context(), Routes, "has space"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an id with a blank: %v", err)
	}
	for _, id := range []string{"", "..", "a/../b", "/a", "a/"} {
		if _, err := c.Get(t.Context(), Routes, id); err == nil || !strings.Contains(err.Error(), "not an id") {
			t.Errorf("id %q: %v", id, err)
		}
	}
}

func TestEmptyListsBothWays(t *testing.T) {
	c := replay(t, rigKey, "admin-empty/001*", "admin-empty/002*")
	if list, err := c.List(t.Context(), Routes); err != nil || len(list) != 0 {
		t.Errorf("recorded: %v, %v", list, err)
	}
	for _, body := range []string{
		`{"list":[],"total":0}`, `{"list":{},"total":0}`,
		`{"action":"get","count":0,"node":{"dir":true,"key":"/apisix/routes","nodes":{}}}`,
		`{"action":"get","count":0,"node":{"dir":true,"key":"/apisix/routes","nodes":[]}}`,
		`{"count":1,"node":{"dir":true,"key":"/apisix/routes"}}`,
	} {
		if list, err := answering(t, 200, "application/json", body).List(t.Context(), Routes); err != nil || len(list) != 0 {
			t.Errorf("%s: %v, %v", body, list, err)
		}
	}
	// 2.x gives what etcd says of a directory that was never made.
	if list, err := answering(t, 404, "application/json", `{"message":"Key not found"}`).List(t.Context(), Routes); err != nil || len(list) != 0 {
		t.Errorf("Key not found: %v, %v", list, err)
	}
}

// recordedRoutes are routes of real answers, in their envelope.
func recordedRoutes(t *testing.T) []json.RawMessage {
	var all []json.RawMessage
	for _, r := range testrig.LoadRecorded(t, "testdata/admin/031*", "testdata/admin/039*") {
		var page struct{ List []json.RawMessage }
		if err := json.Unmarshal(r.Body(t), &page); err != nil {
			t.Fatal(err)
		}
		all = append(all, page.List...)
	}
	return all
}

// paged serves a list as APISIX 3.x does, where a page past the end is an object.
func paged(t *testing.T, list func() []json.RawMessage) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		all := list()
		page, _ := strconv.Atoi(r.FormValue("page"))
		size, _ := strconv.Atoi(r.FormValue("page_size"))
		part, _ := json.Marshal(all[min((page-1)*size, len(all)):min(page*size, len(all))])
		if string(part) == "[]" {
			part = []byte("{}")
		}
		fmt.Fprintf(w, `{"list":%s,"total":%d}`, part, len(all))
	}
}

func TestPagesAreFollowed(t *testing.T) {
	all := recordedRoutes(t)
	asked := 0
	c, _ := serve(t, rigKey, paged(t, func() []json.RawMessage { asked++; return all }))
	c.pageSize = 20
	list, err := c.List(t.Context(), Routes)
	if err != nil || len(list) != len(all) || asked != 3 {
		t.Errorf("%d of %d routes in %d calls, %v", len(list), len(all), asked, err)
	}
}

func TestListThatChangesBetweenPages(t *testing.T) {
	all := recordedRoutes(t)
	asked := 0
	c, _ := serve(t, rigKey, paged(t, func() []json.RawMessage {
		if asked++; asked == 2 {
			all = all[1:] // the first route is deleted: the next page begins one too late
		}
		return all
	}))
	c.pageSize = 20
	list, err := c.List(t.Context(), Routes)
	if err != nil || len(list) != len(all) {
		t.Errorf("%d of %d routes, %v", len(list), len(all), err)
	}
	c, _ = serve(t, rigKey, paged(t, func() []json.RawMessage { all = all[1:]; return all }))
	c.pageSize = 10
	if _, err := c.List(t.Context(), Routes); err == nil || !strings.Contains(err.Error(), "it changed while its pages were read") {
		t.Errorf("a list that changes without end: %v", err)
	}
}

func TestOldEnvelope(t *testing.T) {
	c, _ := serve(t, rigKey, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/apisix/admin/routes": // all on one page, ids as numbers
			fmt.Fprint(w, `{"action":"get","count":2,"node":{"dir":true,"key":"/apisix/routes","nodes":[
				{"key":"/apisix/routes/1","createdIndex":10,"modifiedIndex":12,"value":{"id":1,"uri":"/a","name":"a"}},
				{"key":"/apisix/routes/00000000000000000015","createdIndex":11,"modifiedIndex":11,"value":{"id":"00000000000000000015","uri":"/b"}}]}}`)
		case "/apisix/admin/routes/1":
			fmt.Fprint(w, `{"count":1,"action":"get","node":{"key":"/apisix/routes/1","value":{"id":1,"uri":"/a"},"createdIndex":10,"modifiedIndex":12}}`)
		case "/apisix/admin/ssl/3":
			fmt.Fprint(w, `{"action":"get","node":{"key":"/apisix/ssl/3","value":{"sni":"a.example"}}}`)
		case "/apisix/admin/proto/9":
			w.WriteHeader(404)
			fmt.Fprint(w, `{"message":"Key not found"}`)
		default:
			http.Error(w, "<html>404 Not Found</html>", 404)
		}
	})
	list, err := c.List(t.Context(), Routes)
	if err != nil || ids(list) != "1 00000000000000000015" || list[0].ModifiedIndex != 12 || list[0].Name() != "a" {
		t.Errorf("list: %v, %v", list, err)
	}
	if r, err := c.Get(t.Context(), Routes, "1"); err != nil || r.ID != "1" || r.CreatedIndex != 10 {
		t.Errorf("one: %v, %v", r, err)
	}
	if r, err := c.Get(t.Context(), SSLs, "3"); err != nil || r.ID != "3" {
		t.Errorf("ssl: %v, %v", r, err)
	}
	if _, err := c.Get(t.Context(), Protos, "9"); !errors.Is(err, ErrNotFound) {
		t.Errorf("proto: %v", err)
	}
	if _, err := c.List(t.Context(), Services); !errors.Is(err, ErrNotAdmin) {
		t.Errorf("services: %v", err)
	}
}

func TestListEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, _ := serve(t, rigKey, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := c.List(ctx, Routes); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
