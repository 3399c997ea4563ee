package check

import (
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/trace"
)

func readPlan(t testing.TB, file string) *Plan {
	t.Helper()
	p, err := Read("f.yaml", []byte(file), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func identity(n int) (id trace.TraceID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)+1)
	return id
}

// states returns what a report says, as "asked: state".
func states(r *Report) string {
	var b strings.Builder
	for _, one := range r.Results {
		b.WriteString(one.Asked + ": " + string(one.State) + "\n")
	}
	return b.String()
}

// TestCollectorOrder lets the gateway's side come before the client's and after it, and takes
// nothing from what the client gave up.
func TestCollectorOrder(t *testing.T) {
	c := NewCollector(readPlan(t, `
requests: [{name: a, url: "http://a/", repeat: 3, expect: {route: r, holds: [requests == 2, client_errors == 0]}}]
`))
	for i := range 3 {
		c.Sending(0, identity(i))
	}
	show := func(i, status int) {
		x := &trace.Exchange{TraceID: identity(i), Status: status, Names: trace.Names{From: trace.NamesExact, RouteName: "r"}}
		if err := c.Show(x); err != nil {
			t.Fatal(err)
		}
		x.Names.RouteName, x.Status = "reused", 0 // a source may write the next one there
	}
	show(0, 200)
	c.Sent(identity(0), &Answer{Status: 200})
	c.Sent(identity(1), &Answer{Status: 200})
	c.Done()
	select {
	case <-c.AllSeen():
		t.Error("all is seen although two are not")
	default:
	}
	show(1, 200)
	show(2, 499)
	c.Sent(identity(2), &Answer{Void: true})
	<-c.AllSeen()
	c.Done() // twice does no harm
	got := c.Judge(End{Cut: "interrupted"})
	want := `is answered: held
is seen in the gateway, once each: held
route r: held
requests == 2: not_judged
client_errors == 0: not_judged
`
	if states(got) != want || got.Results[3].Measured != "2" || got.Results[4].Measured != "0" {
		t.Errorf("%s\n%+v", states(got), got.Results)
	}
}

// TestCollectorBound sends as many as a file can ask for, with answers that are large.
func TestCollectorBound(t *testing.T) {
	c := NewCollector(readPlan(t, `
requests:
  - {name: a, url: "http://a/", repeat: 100000, concurrency: 256, expect: {status: 200, json: {a: b}, route: r, holds: [p99 < 1s, requests == 100000, errors == 0]}}
`))
	body := `{"a":"b","more":"` + strings.Repeat("x", 1<<10) + `"}`
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range maxRepeat {
		id := identity(i)
		c.Sending(0, id)
		c.Show(&trace.Exchange{TraceID: id, Status: 200, Duration: time.Millisecond, Path: strings.Repeat("p", 1<<10), Names: trace.Names{RouteName: "r"}})
		c.Sent(id, &Answer{Status: 200, Body: []byte(body), Took: time.Millisecond})
	}
	c.Done()
	<-c.AllSeen()
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d requests keep %.1f MiB", maxRepeat, float64(kept)/(1<<20))
	if kept > 32<<20 {
		t.Errorf("%d MiB are kept", kept>>20)
	}
	if r := c.Judge(End{}); r.Count(Held) != len(r.Results) || len(r.Results) != 8 {
		t.Errorf("%+v", r.Results)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"requests: [{url: http://a/, expect: {status: [2xx, 404], holds: 'p99 < 5ms', json: {a: /b/}}}]", "observe: [{holds: errors < 1%, host: a}]",
		"a: &a [*a]", "requests: &a [*a]", "for: 10s\n---\n", "{<<: {}}", "requests: [{url: 'http://${A}/', headers: {a: $${A}}}]", "? [a]\n: b", "\x00", "- !!binary eA==",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		const secret = "sesame-open"
		p, err := Read("f.yaml", []byte(file), func(string) (string, bool) { return secret, true })
		if err != nil {
			if strings.Contains(err.Error(), secret) && !strings.Contains(file, secret[:4]) {
				t.Errorf("an error tells a secret: %v", err)
			}
			return
		}
		if len(p.Requests)+len(p.Observe) == 0 {
			t.Error("a plan of nothing is taken")
		}
		c := NewCollector(p)
		c.Done()
		for _, end := range []End{{}, {Blind: "b"}, {Cut: "c"}} {
			r := c.Judge(end)
			for _, format := range Formats() {
				var b strings.Builder
				if err := Write(&b, format, r); err != nil || strings.Contains(b.String(), secret) && !strings.Contains(file, secret[:4]) {
					t.Errorf("%s: %v\n%s", format, err, &b)
				}
			}
		}
	})
}
