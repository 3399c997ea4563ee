package logs_test

import (
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

func TestHideURL(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"/a/b":                           "/a/b",
		"/a?x=1&y=2":                     "/a?x=1&y=2",
		"/a?apikey=s":                    "/a?apikey=***",
		"/a?APIKEY=s&x=1":                "/a?APIKEY=***&x=1",
		"/a?x=1&api_key=s":               "/a?x=1&api_key=***",
		"/a?api%5Fkey=s;jwt=s":           "/a?api%5Fkey=***;jwt=***",
		"/a?token=s&access_token=s":      "/a?token=***&access_token=***",
		"/a?key=s&monkey=s":              "/a?key=***&monkey=s",
		"/a?apikey=&token":               "/a?apikey=&token",
		"/a?q=?token=s":                  "/a?q=?token=***",
		"/cb#access_token=s&x=1":         "/cb#access_token=***&x=1",
		"/a?client_secret=s=s&password=": "/a?client_secret=***&password=",
		"https://u:p@h/a?x=1":            "https://u:***@h/a?x=1",
		"https://u:p@s@h:80/?jwt=s":      "https://u:***@h:80/?jwt=***",
		"https://u@h/ http://u:p@h":      "https://u@h/ http://u:***@h",
		"GET /a?token=s HTTP/1.1":        "GET /a?token=*** HTTP/1.1",
		"/a?x=http://u:p@h/":             "/a?x=http://u:***@h/",
	} {
		if got := logs.HideURL(in); got != want {
			t.Errorf("HideURL(%q) = %q, want %q", in, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { logs.HideURL("/orders/17?page=2&sort=name") }); n != 0 {
		t.Errorf("HideURL allocates %v times where there is no secret", n)
	}
}

func TestSecretHeaders(t *testing.T) {
	v := &logs.View{}
	for name, hidden := range map[string]bool{
		"Authorization": true, "proxy-authorization": true, "Cookie": true, "SET-COOKIE": true, "X-API-KEY": true, "apikey": true,
		"x-access-token": true, "Client-Secret": true, "my-key": true, "X_API_KEY": true, "token": true, "jwt": true,
		"X-HMAC-SIGNATURE": true, "Host": false, "Accept": false, "Keyboard": false, "Token-Type": false, "TE": false, "": false,
	} {
		f := &trace.Field{Name: name, Value: "Bearer a-value"}
		if got := v.Value(f); (got == logs.Hidden) != hidden {
			t.Errorf("%s: shown as %q", name, got)
		}
		if got := (&logs.View{Secrets: true}).Value(f); got != f.Value {
			t.Errorf("%s with --show-secrets: %q", name, got)
		}
	}
	for value, want := range map[string]string{
		"https://h/cb?token=s&x=1": "https://h/cb?token=***&x=1", "apikey=s&x=1": "apikey=***&x=1", "max-age=0, private": "max-age=0, private",
	} {
		if got := v.Value(&trace.Field{Name: "X-Other", Value: value}); got != want {
			t.Errorf("%q is shown as %q, want %q", value, got, want)
		}
	}
}

func FuzzHideURL(f *testing.F) {
	for _, s := range []string{"/a?apikey=s&x=1", "https://u:p@h/?jwt=s#token=s", "://:@?=;&", "%=%&key=="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := logs.HideURL(s)
		if again := logs.HideURL(once); again != once {
			t.Errorf("%q becomes %q, and then %q", s, once, again)
		}
		if got := logs.HideURL("/p?" + "apikey=SESAME&" + s); strings.Contains(got, "SESAME") && !strings.Contains(s, "SESAME") {
			t.Errorf("%q: the secret is in %q", s, got)
		}
	})
}
