package testrig

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// A Recorded is an exchange with a real APISIX, as bytes came.
type Recorded struct {
	Method, URI, Key string // of the request; Key is its X-API-KEY
	Response         []byte // all of it, chunked if it was
}

// LoadRecorded reads exchanges from pairs of files, STEM.req.http and STEM.resp.http, whose
// stems match one of the globs.
func LoadRecorded(t TB, globs ...string) []Recorded {
	t.Helper()
	var all []Recorded
	for _, glob := range globs {
		files, err := filepath.Glob(glob + ".req.http")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no recorded exchange (%v)", glob, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v", err)
			}
			req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			r := Recorded{Method: req.Method, URI: req.RequestURI, Key: req.Header.Get("X-API-KEY")}
			if r.Response, err = os.ReadFile(strings.TrimSuffix(file, "req.http") + "resp.http"); err != nil {
				t.Fatalf("%v", err)
			}
			all = append(all, r)
		}
	}
	return all
}

// Body is the response's body, put together.
func (r *Recorded) Body(t TB) []byte {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(r.Response)), &http.Request{Method: r.Method})
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URI, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URI, err)
	}
	return body
}

// Replay answers requests as they were answered, byte for byte, and then closes the
// connection. A request with a key that no recording has is answered as one with "wrong".
// Where a list was not recorded by pages, it has one page.
func Replay(t TB, all []Recorded) http.HandlerFunc {
	keys := map[string]bool{"": true}
	for _, r := range all {
		keys[r.Key] = true
	}
	return func(w http.ResponseWriter, req *http.Request) {
		key := req.Header.Get("X-API-KEY")
		if !keys[key] {
			key = "wrong"
		}
		unpaged := strings.TrimSuffix(req.RequestURI, "?page=1&page_size=500")
		for _, uri := range []string{req.RequestURI, unpaged} {
			for _, r := range all {
				if r.Method == req.Method && r.URI == uri && r.Key == key {
					SendRaw(w, r.Response)
					return
				}
			}
		}
		t.Errorf("not recorded: %s %s", req.Method, req.RequestURI)
		http.NotFound(w, req)
	}
}

// SendRaw sends a response that is written out, and closes the connection.
func SendRaw(w http.ResponseWriter, response []byte) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err) // only HTTP/1 is served here
	}
	// The client may have what it wants, and be gone.
	_, _ = conn.Write(response)
	_ = conn.Close()
}
