package apisix

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestDefaultRouter(t *testing.T) {
	for version, want := range map[string]RouterKind{
		"2.15.0": RouterURI, "3.2.2": RouterURI, "3.3.0": RouterHostURI, "3.16.0": RouterHostURI, "4.0": RouterHostURI, "3.10.0-dev": RouterHostURI,
	} {
		if kind, ok := DefaultRouter(version); kind != want || !ok {
			t.Errorf("%s: %s, %v, want %s", version, kind, ok, want)
		}
	}
	for _, version := range []string{"", "three", "3", "3.x"} {
		if kind, ok := DefaultRouter(version); kind != RouterHostURI || ok {
			t.Errorf("%q: %s, %v, want a guess", version, kind, ok)
		}
	}
}

func TestVersion(t *testing.T) {
	for header, want := range map[string]string{"APISIX/3.16.0": "3.16.0", "APISIX": "", "": ""} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Server", header)
		}))
		c, err := New(Options{URL: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Version(context.Background()); got != want || err != nil {
			t.Errorf("%q: %q, %v", header, got, err)
		}
		c.Close()
		s.Close()
		if _, err := c.Version(context.Background()); err == nil {
			t.Error("nobody listens, and there is a version")
		}
	}
}
