package testrig

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseAccessLine(t *testing.T) {
	row := strings.Join([]string{"a-1", "1700000000.125", "77", "12", "3", MainHost, `GET /a\x09b HTTP/1.1`, "502", "310", "0.051",
		"10.0.0.1:80, 10.0.0.2:80", "504, 502", "0.000, -", "-, -", "0.050, 0.001"}, "\t")
	want := AccessLine{
		ID: "a-1", Time: time.UnixMilli(1700000000125), Worker: 77, Connection: 12, ConnectionSeq: 3, Host: MainHost,
		Request: `GET /a\x09b HTTP/1.1`, Status: 502, BytesSent: 310, RequestTime: 51 * time.Millisecond,
		Attempts: []AccessAttempt{
			{"10.0.0.1:80", 504, 0, -1, 50 * time.Millisecond},
			{"10.0.0.2:80", 502, -1, -1, time.Millisecond},
		},
	}
	got, err := parseAccessLine(row)
	if err != nil || !got.Time.Equal(want.Time) {
		t.Fatalf("got %+v, %v", got, err)
	}
	got.Time = want.Time
	if !reflect.DeepEqual(got, want) {
		t.Errorf("want %+v\n got %+v", want, got)
	}

	for _, bad := range []string{"", "a\tb", strings.Replace(row, "502\t310", "five\t310", 1), strings.Replace(row, "504, 502", "504", 1)} {
		if _, err := parseAccessLine(bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestParseWrk(t *testing.T) {
	res, err := parseWrk(`  Latency Distribution
     50%    1.20ms
     75%    2.00ms
     99%   12.50ms
  24031 requests in 2.00s, 7.10MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 4
Requests/sec:  12003.44
`)
	want := WrkResult{24031, 12003.44, 1200 * time.Microsecond, 12500 * time.Microsecond, 4, 3}
	if err != nil || res != want {
		t.Errorf("want %+v, got %+v, %v", want, res, err)
	}
	if _, err := parseWrk("unable to connect"); err == nil {
		t.Error("no error without totals")
	}
}

func TestWrk(t *testing.T) {
	rig := StartT(t, Options{Cheap: true})
	res, err := rig.Wrk(t.Context(), Wrk{Duration: time.Second})
	if err != nil || res.Requests < 100 || res.Non2xx != 0 || res.SocketErrors != 0 {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestLoadRate(t *testing.T) {
	rig := StartT(t, Options{Cheap: true})
	res := send(t, Load{Target: rig.Target(), Kinds: []Kind{Keepalive}, Conns: 4, Rate: 100, Duration: time.Second})
	if n := len(res.Sent); n < 80 || n > 102 {
		t.Errorf("want about 100 requests, got %d", n)
	}
}

func TestLoadProcessStops(t *testing.T) {
	rig := StartT(t, Options{Cheap: true})
	p, err := Load{Target: rig.Target(), Kinds: []Kind{Keepalive}, Duration: time.Minute, Rate: 50}.Start()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	res, err := p.Wait(ctx)
	if err != nil || len(res.Sent) == 0 {
		t.Errorf("got %d requests, %v", len(res.Sent), err)
	}
	gone(t, p.PID())
}

func TestReadCommand(t *testing.T) {
	words, err := readCommand(bufio.NewReader(strings.NewReader("*2\r\n$4\r\nINCR\r\n$3\r\na:b\r\n")))
	if err != nil || !reflect.DeepEqual(words, []string{"INCR", "a:b"}) {
		t.Errorf("got %q, %v", words, err)
	}
	for _, bad := range []string{"", "PING\r\n", "*0\r\n", "*-1\r\n", "*1\r\n$99999999\r\n", "*1\r\n$4\r\nPI"} {
		if _, err := readCommand(bufio.NewReader(strings.NewReader(bad))); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

// fakeTB notes what the gates and Golden do to a test.
type fakeTB struct {
	testing.TB
	said string
}

func (f *fakeTB) Helper()                      {}
func (f *fakeTB) Skipf(s string, args ...any)  { f.said = "skip: " + fmt.Sprintf(s, args...) }
func (f *fakeTB) Fatalf(s string, args ...any) { f.said = "fatal: " + fmt.Sprintf(s, args...) }
func (f *fakeTB) Errorf(s string, args ...any) { f.said = "error: " + fmt.Sprintf(s, args...) }

func TestNeed(t *testing.T) {
	for env, want := range map[string]string{"": "skip: no nginx", "1": "fatal: APISIXSCOPE_NEED_BPF=1, but no nginx"} {
		t.Setenv(needEnv, env)
		var f fakeTB
		need(&f, ErrNoNginx)
		if !strings.HasPrefix(f.said, want) {
			t.Errorf("%q: want %q, got %q", env, want, f.said)
		}
	}
}

func TestGolden(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv(goldenEnv, "1")
	Golden(t, "a/b.txt", "one\ntwo\n")
	if text, err := os.ReadFile("testdata/a/b.txt"); err != nil || string(text) != "one\ntwo\n" {
		t.Fatalf("got %q, %v", text, err)
	}
	t.Setenv(goldenEnv, "")
	var f fakeTB
	Golden(&f, "a/b.txt", "one\ntwo\n")
	if f.said != "" {
		t.Errorf("same text: %s", f.said)
	}
	Golden(&f, "a/b.txt", "one\n2\n")
	if !strings.Contains(f.said, "want: two\n got: 2") {
		t.Errorf("other text: %s", f.said)
	}
}
