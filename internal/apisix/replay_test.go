package apisix

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// rigKey is the key in the recorded exchanges.
const rigKey = "edd1c9f034335f136f87ad84b625c8f1"

// serve starts a server, and makes a client of it with a short deadline.
func serve(t *testing.T, key Key, h http.HandlerFunc) (*Client, *httptest.Server) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(Options{URL: s.URL, Key: key, KeyFrom: "the test", Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, s
}

// replay makes a client of an Admin API that answers as the recorded one did.
func replay(t *testing.T, key Key, globs ...string) *Client {
	t.Helper()
	for i := range globs {
		globs[i] = "testdata/" + globs[i]
	}
	c, _ := serve(t, key, testrig.Replay(t, testrig.LoadRecorded(t, globs...)))
	return c
}

// answering makes a client of an Admin API that answers everything with the same.
func answering(t *testing.T, status int, contentType, body string) *Client {
	t.Helper()
	c, _ := serve(t, rigKey, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // the client may have read enough
	})
	return c
}
