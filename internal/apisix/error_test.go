package apisix

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/hint"
	"github.com/apisixscope/apisixscope/internal/testrig"
)

// told is an error as main shows it, with the addresses that change taken out.
func told(err error, address string) string {
	var b strings.Builder
	hint.Print(&b, "apisixscope", err)
	return strings.ReplaceAll(b.String(), address, "ADDRESS")
}

func TestErrorsThatWereRecordedGolden(t *testing.T) {
	var b strings.Builder
	show := func(what string, c *Client, do func(*Client) error) {
		err := do(c)
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		fmt.Fprintf(&b, "# %s\n%s\n", what, told(err, c.base.Host))
	}
	list := func(k Kind) func(*Client) error {
		return func(c *Client) error { _, err := c.List(t.Context(), k); return err }
	}
	get := func(k Kind, id string) func(*Client) error {
		return func(c *Client) error { _, err := c.Get(t.Context(), k, id); return err }
	}
	show("no key", replay(t, "", "admin/058*"), list(Routes))
	show("wrong key", replay(t, "another", "admin/057*", "admin/064*"), list(Routes))
	show("missing object", replay(t, rigKey, "admin/064*"), get(Routes, "nosuch"))
	show("unsupported resource", replay(t, rigKey, "admin/065*"), list("nosuch"))
	show("missing plugin", replay(t, rigKey, "admin/122*"), get(Plugins, "nosuch"))
	show("stream is off", replay(t, rigKey, "admin-empty/012*"), list(StreamRoutes))
	for _, r := range testrig.LoadRecorded(t, "testdata/admin/034*", "testdata/admin-empty/017*", "testdata/admin-empty/018*") {
		c, _ := serve(t, rigKey, func(w http.ResponseWriter, _ *http.Request) { testrig.SendRaw(w, r.Response) })
		show("the answer to "+r.URI, c, list(Routes))
	}
	testrig.Golden(t, "recorded-errors.txt", b.String())
}

func TestErrorsOfOtherServersGolden(t *testing.T) {
	const html = "<html>\n<head><title>403 Forbidden</title></head>\n<body></body></html>"
	var b strings.Builder
	for _, tt := range []struct {
		what   string
		status int
		body   string
	}{
		{"allow_admin", 403, html},
		{"etcd is down", 503, `{"error_msg":"has no healthy etcd endpoint available"}`},
		{"2.x without a description", 401, `{"error_msg":"failed to check token"}`},
		{"HTML", 200, html},
		{"HTML of a 404", 404, html},
		{"invalid JSON", 200, `{"list":[{"value":`},
		{"text", 200, "hello"},
		{"nothing", 200, ""},
		{"another API's object", 200, `{"status":"ok"}`},
		{"another API's number", 200, `7`},
		{"a list of numbers", 200, `{"list":[1,2],"total":2}`},
		{"a list that is a word", 200, `{"list":"many","total":2}`},
		{"a value that is a word", 200, `{"list":[{"key":"/apisix/routes/1","value":"x"}],"total":1}`},
		{"no id", 200, `{"list":[{"value":{}}],"total":1}`},
		{"a total without the list", 200, `{"list":[],"total":5}`},
		{"the key, and escape codes", 400, `{"error_msg":"bad header X-API-KEY: ` + rigKey + ` \u001b[31m"}`},
		{"a long text", 500, strings.Repeat("long ", 10000)},
		{"a redirect", 302, ""},
		{"nested too deep", 200, strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20)},
	} {
		c := answering(t, tt.status, "application/json", tt.body)
		_, err := c.List(t.Context(), Routes)
		fmt.Fprintf(&b, "# %s\n%s\n", tt.what, told(err, c.base.Host))
	}
	if strings.Contains(b.String(), rigKey) {
		t.Error("the key is in an error")
	}
	testrig.Golden(t, "other-errors.txt", b.String())
}

// broken serves connections with nothing but f.
func broken(t *testing.T, f func(net.Conn)) *Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f(conn)
		}
	}()
	c, err := New(Options{URL: l.Addr().String(), Key: rigKey, Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func request(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) } // all of it comes at once

func TestServersThatFail(t *testing.T) {
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	hold := func(conn net.Conn) { <-stop; conn.Close() }
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
	for _, tt := range []struct {
		what  string
		serve func(net.Conn)
		want  string
	}{
		{"hangs", func(c net.Conn) { request(c); hold(c) }, "it took the request and gave no answer within 300ms"},
		{"hangs in the head", func(c net.Conn) { request(c); fmt.Fprint(c, "HTTP/1.1 200 OK\r\nCont"); hold(c) }, "its answer did not end within 300ms, after 0 bytes"},
		{"hangs in the body", func(c net.Conn) { request(c); fmt.Fprint(c, head+`{"list"`); hold(c) }, "its answer did not end within 300ms, after 7 bytes"},
		{"slow", func(c net.Conn) {
			request(c)
			for _, b := range []byte(head + strings.Repeat(" ", 100)) {
				if _, err := c.Write([]byte{b}); err != nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			c.Close()
		}, "its answer did not end within 300ms"},
		{"resets", func(c net.Conn) { request(c); c.(*net.TCPConn).SetLinger(0); c.Close() }, "it closed the connection before the answer's end: connection reset by peer"},
		{"closes", func(c net.Conn) { request(c); c.Close() }, "it closed the connection before the answer's end: EOF"},
		{"closes in the body", func(c net.Conn) { request(c); fmt.Fprint(c, head+`{"list"`); c.Close() }, "it closed the connection before the answer's end: unexpected EOF"},
		{"is no HTTP", func(c net.Conn) { request(c); fmt.Fprint(c, "SSH-2.0-OpenSSH\r\n"); c.Close() }, "malformed HTTP"},
		{"sends a head without an end", func(c net.Conn) {
			request(c)
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\n")
			for {
				if _, err := c.Write(bytes.Repeat([]byte("X-A: b\r\n"), 512)); err != nil {
					return
				}
			}
		}, "exceeded"},
	} {
		c := broken(t, tt.serve)
		began := time.Now()
		_, err := c.List(t.Context(), Routes)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "list routes at http://127.0.0.1:") {
			t.Errorf("%s: %v", tt.what, err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: it took %s", tt.what, took)
		}
		if strings.Contains(told(err, ""), rigKey) {
			t.Errorf("%s: the key is in the error", tt.what)
		}
	}
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c, err := New(Options{URL: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.List(t.Context(), Routes)
	if want := "list routes at http://" + l.Addr().String() + "/apisix/admin: connection refused"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if !strings.Contains(hint.Of(err), "deployment.admin.admin_listen") {
		t.Errorf("hint %q", hint.Of(err))
	}
}

func TestLongAnswers(t *testing.T) {
	big := `{"list":[{"key":"/apisix/routes/1","value":{"id":"1","desc":"` + strings.Repeat("x", 10<<20) + `"}}],"total":1}`
	list, err := answering(t, 200, "application/json", big).List(t.Context(), Routes)
	if err != nil || len(list) != 1 {
		t.Errorf("10 MiB that are a list: %d, %v", len(list), err)
	}
	_, err = answering(t, 200, "text/html", "<html>"+strings.Repeat("x", 10<<20)).List(t.Context(), Routes)
	if err == nil || !strings.Contains(err.Error(), "it sent HTML instead of JSON") || len(err.Error()) > 200 {
		t.Errorf("10 MiB of HTML: %v", err)
	}
	sent := 0
	c, _ := serve(t, rigKey, func(w http.ResponseWriter, _ *http.Request) {
		for line := bytes.Repeat([]byte(" "), 1<<16); ; sent += len(line) {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
	c.limit = 1 << 20
	if _, err := c.List(t.Context(), Routes); err == nil || !strings.Contains(err.Error(), "the answer is longer than 1.0MiB") {
		t.Errorf("an answer without an end: %v", err)
	}
}

func TestKeyGoesNowhereElse(t *testing.T) {
	var got []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("X-API-KEY"))
	}))
	defer other.Close()
	c, _ := serve(t, rigKey, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	_, err := c.List(t.Context(), Routes)
	if err == nil || !strings.Contains(err.Error(), "it leads elsewhere") || len(got) > 0 {
		t.Errorf("a redirect: %v; the other server got %q", err, got)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %q", Key(rigKey), Options{Key: rigKey}, Options{Key: rigKey}, Key(rigKey), Key(rigKey))
	if strings.Contains(shown, rigKey) {
		t.Errorf("printed: %s", shown)
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:9180":                     "http://127.0.0.1:9180/apisix/admin",
		"http://a.example":                   "http://a.example/apisix/admin",
		"https://a.example:9180/":            "https://a.example:9180/apisix/admin",
		"http://[::1]:9180/gw/apisix/admin/": "http://[::1]:9180/gw/apisix/admin",
		"":                                   "",
		"http://":                            "",
		"http://:9180":                       "",
		"ftp://a":                            "",
		"http://user:sesame@a":               "",
		"http://a/?api_key=sesame":           "",
		"http://a/#sesame":                   "",
		"http://sesame:\x01@a":               "",
		"http://a b sesame":                  "",
	} {
		c, err := New(Options{URL: in})
		switch {
		case want == "":
			if err == nil || !hint.IsMisuse(err) || strings.Contains(err.Error(), "sesame") {
				t.Errorf("%q: %v", in, err)
			}
		case err != nil || c.URL() != want:
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}
