package logs_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/logs"
	"github.com/apisixscope/apisixscope/trace"
)

// secretive is a request with a secret wherever one can be.
func secretive() *trace.Exchange {
	head := func(names ...string) trace.Head {
		h := trace.Head{Seen: true}
		for _, name := range names {
			h.Fields = append(h.Fields, trace.Field{Name: name, Value: "hunter2"})
		}
		return h
	}
	return &trace.Exchange{
		Method: "GET", Path: "/https://u:hunter2@h/", Query: "page=2&api_key=hunter2", HeaderValues: []string{"hunter2"},
		Logged: &trace.Logged{
			Line: "GET /https://u:hunter2@h/?page=2&api_key=hunter2 HTTP/1.1", Referer: "https://shop.example/?token=hunter2",
			UpstreamURI: "/a?api_key=hunter2", UserAgent: "curl",
		},
		Headers: &trace.Headers{
			Request: head("Authorization"), UpstreamRequest: head("X-Api-Key"), UpstreamResponse: head("Set-Cookie"), Response: head("Set-Cookie"),
		},
		Asked:    []byte("GET /?key=hunter2 HTTP/1.1\r\nAuthorization: Basic hunter2\r\nContent-Length: 5\r\n\r\nhello"),
		Answered: []byte("HTTP/1.1 200 OK\r\nSet-Cookie:hunter2\r\nContent-Length: 2\r\n\r\nok"),
	}
}

func TestConceal(t *testing.T) {
	x := secretive()
	before := x.Clone()
	logged, field := *x.Logged, x.Headers.Request.Fields[0]
	logs.Conceal(x)
	if all := allText(reflect.ValueOf(x)); strings.Contains(all, "hunter2") || !strings.Contains(all, logs.Hidden) {
		t.Errorf("%s", all)
	}
	if !reflect.DeepEqual(*before.Logged, logged) || before.Headers.Request.Fields[0] != field {
		t.Error("what others may look at has changed")
	}
	for _, body := range []int{0, 100} {
		v := &logs.View{Headers: logs.Selection{All: true}, Body: body}
		var was, is logs.Entry
		was.Fill(before, v)
		is.Fill(x, v)
		if was.Fields != is.Fields || !reflect.DeepEqual(was.RequestBody, is.RequestBody) || !reflect.DeepEqual(was.ResponseBody, is.ResponseBody) {
			t.Errorf("shown before\n%+v, after\n%+v", was, is)
		}
	}
	again := x.Clone()
	logs.Conceal(again)
	if !reflect.DeepEqual(x, again) {
		t.Errorf("once: %+v, twice: %+v", x, again)
	}
}

func TestConcealLeavesNothingThatIsUnknown(t *testing.T) {
	for _, message := range []string{"", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nhunter2", "*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n\r\n", "GET / HTTP/1.1\r\nAuthorization: hunter2\r\n"} {
		x := &trace.Exchange{Asked: []byte(message)}
		if logs.Conceal(x); x.Asked != nil {
			t.Errorf("%q became %q", message, x.Asked)
		}
	}
}

// allText is every text that can be reached from v.
func allText(v reflect.Value) string {
	var b bytes.Buffer
	switch v.Kind() {
	case reflect.String:
		b.WriteString(v.String() + "\n")
	case reflect.Pointer:
		if !v.IsNil() {
			b.WriteString(allText(v.Elem()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			b.WriteString(allText(v.Field(i)))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b.Write(append(v.Bytes(), '\n'))
			break
		}
		for i := range v.Len() {
			b.WriteString(allText(v.Index(i)))
		}
	}
	return b.String()
}

// FuzzHidingTwice proves that what is hidden stays as it is.
func FuzzHidingTwice(f *testing.F) {
	for _, s := range []string{"key=a&key=b", "https://u:p@h:p@/?token=x#key=y", "a?b=c://d:e@f", "://:@://:@", "key==", "a=b;key=***"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if once := logs.HideURL(s); logs.HideURL(once) != once {
			t.Errorf("%q: %q, then %q", s, once, logs.HideURL(once))
		}
		if once := logs.HideQuery(s); logs.HideQuery(once) != once {
			t.Errorf("%q: %q, then %q", s, once, logs.HideQuery(once))
		}
	})
}
