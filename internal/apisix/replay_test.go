package apisix

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const rigKey = "edd1c9f034335f136f87ad84b625c8f1"

// exchange is one that was recorded with a real APISIX 3.16.
type exchange struct {
	method, uri, key string
	raw              []byte // the whole response, chunked as it came
}

func (x *exchange) load(t testing.TB, stem string) {
	t.Helper()
	raw, err := os.ReadFile(stem + ".req.http")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatalf("%s: %v", stem, err)
	}
	x.method, x.uri, x.key = req.Method, req.RequestURI, req.Header.Get("X-API-KEY")
	if x.raw, err = os.ReadFile(stem + ".resp.http"); err != nil {
		t.Fatal(err)
	}
}

// recorded returns the exchanges whose file names match the globs below testdata.
func recorded(t testing.TB, globs ...string) []exchange {
	t.Helper()
	var all []exchange
	for _, glob := range globs {
		stems, err := filepath.Glob("testdata/" + glob + ".req.http")
		if err != nil || len(stems) == 0 {
			t.Fatalf("%s: no recorded exchange (%v)", glob, err)
		}
		for _, stem := range stems {
			var x exchange
			x.load(t, strings.TrimSuffix(stem, ".req.http"))
			all = append(all, x)
		}
	}
	return all
}

// replay serves exchanges to a client: by method, path, query and key, the paging of List
// left out of account, for real answers of a few objects are the same with it.
func replay(t *testing.T, all []exchange) *Client {
	t.Helper()
	c, _ := serve(t, rigKey, func(w http.ResponseWriter, r *http.Request) {
		uri := strings.TrimSuffix(r.RequestURI, "?page=1&page_size=500")
		for _, x := range all {
			if x.method == r.Method && x.uri == uri && x.key == r.Header.Get("X-API-KEY") {
				writeRaw(t, w, x.raw)
				return
			}
		}
		t.Errorf("not recorded: %s %s", r.Method, r.RequestURI)
		http.NotFound(w, r)
	})
	return c
}

// writeRaw sends a recorded response byte for byte, and closes the connection.
func writeRaw(t testing.TB, w http.ResponseWriter, raw []byte) {
	conn, buf, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	// The client may have gone, as it does once it has what it wants.
	_, _ = io.Copy(buf, bytes.NewReader(raw))
	_ = buf.Flush()
}

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
