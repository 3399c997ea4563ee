package cmd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// oddRig is a rig that soon loses patience with clients, and whose balancer fails for
// two nodes.
func oddRig(t *testing.T) *testrig.Rig {
	t.Helper()
	rig := testrig.StartT(t, testrig.Options{APISIXLog: true})
	path := filepath.Join(rig.Dir(), "nginx.conf")
	conf, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const impatient = "http {\n    client_header_timeout 1s;\n    client_body_timeout 1s;\n    send_timeout 1s;\n"
	listen := "listen " + rig.Addr()
	odd := strings.Replace(string(conf), "http {\n", impatient, 1)
	odd = strings.Replace(odd, listen+";", listen+" sndbuf=8k;", 1) // a response is to wait for its reader
	if err := os.WriteFile(path, []byte(odd), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, node := range []string{"closed", "orders-1"} {
		if err := rig.MoveNode(t.Context(), node, "no-address:80"); err != nil {
			t.Fatal(err)
		}
	}
	return rig
}

// An oddity is what a client does that is not usual.
type oddity struct {
	name   string
	addr   string // empty for the plain port
	send   string
	then   func(*net.TCPConn) // nil reads to the end
	lines  int                // in the log; 0 means 1
	gaveUp string             // as JSON tells; "" for nobody
}

func closes(c *net.TCPConn) { c.Close() }

func resets(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// leaves waits until the gateway is at work.
func leaves(how func(*net.TCPConn)) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		time.Sleep(20 * time.Millisecond)
		how(c)
	}
}

// waits reads nothing until the gateway gives up.
func waits(c *net.TCPConn) { time.Sleep(2500 * time.Millisecond) }

func oddities(rig *testrig.Rig) []oddity {
	get := func(host, path string, lines ...string) string {
		return strings.Join(append([]string{"GET " + path + " HTTP/1.1", "Host: " + host, "Connection: close"}, lines...), "\r\n") + "\r\n\r\n"
	}
	shop := func(lines ...string) string { return get(testrig.MainHost, "/checkout", lines...) }
	upload := func(n int, lines string) string {
		return fmt.Sprintf("POST /upload HTTP/1.1\r\nHost: files.deepflow.demo\r\nContent-Length: %d\r\n%s\r\n", n, lines)
	}
	nowhere := get(testrig.MainHost, "/nowhere") // a 500, as the balancer's, would end the connection
	const faults, retry = "faults.deepflow.demo", "retry.deepflow.demo"
	return []oddity{
		{name: "binary", send: "\x00\x01\x02\xff\xfe\r\n\r\n"},
		{name: "long binary", send: strings.Repeat("\xde\xad\xbe\xef", 400)},
		{name: "quotes", send: "GET /\"a\\b\tc\" HTTP/1.1\r\nHost: x\"y\r\n\r\n"},
		{name: "half a line, closed", send: "GET /check", then: leaves(closes), gaveUp: "client"},
		{name: "half a line, reset", send: "GET /check", then: leaves(resets), gaveUp: "client"},
		{name: "half a line, silent", send: "GET /check", then: waits, gaveUp: "gateway"},
		{name: "half a head, closed", send: "GET /a HTTP/1.1\r\nHost: h\r\n", then: leaves(closes), gaveUp: "client"},
		{name: "half a head, silent", send: "GET /a HTTP/1.1\r\nHost: h\r\n", then: waits, gaveUp: "gateway"},
		{name: "no host", send: "GET /checkout HTTP/1.1\r\n\r\n"},
		{name: "two hosts", send: get("a", "/checkout", "Host: b")},
		{name: "bad length", send: shop("Content-Length: x")},
		{name: "version", send: "GET /checkout HTTP/3.7\r\nHost: h\r\n\r\n"},
		{name: "absolute", send: "GET http://" + testrig.MainHost + "/checkout?x=1 HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n"},
		{name: "HTTP on the TLS port", addr: rig.TLSAddr(), send: shop()},
		{name: "long header", send: shop("X-Long: " + strings.Repeat("b", 9<<10))},
		{name: "HTTP/0.9", send: "GET /checkout\r\n"},
		{name: "HTTP/1.0 without Host", send: "GET /checkout HTTP/1.0\r\n\r\n"},
		{name: "HTTP/1.0 with an empty Host", send: "GET /checkout HTTP/1.0\r\nHost:\r\n\r\n"},
		{name: "empty headers", send: shop("Referer:", "User-Agent: ", "Authorization:")},
		{name: "odd headers", send: shop("Referer: \"\\\x01\xc3\xa9", "User-Agent: a\"b\\c\x7f", "Referer: again")},
		{name: "basic user", send: shop("Authorization: Basic YW5uOnNlc2FtZQ==")},
		{name: "basic user of odd letters", send: shop("Authorization: bAsIc   w6lcIjp4")},
		{name: "basic user and more", send: shop("Authorization: Basic YW5uOnNlc2FtZQ==!")},
		{name: "no basic user", send: shop("Authorization: Basic YW5uOnNl!c2FtZQ==", "User-Agent: x")},
		{name: "bearer", send: shop("Authorization: Bearer YW5uOnNlc2FtZQ==")},
		{name: "pipelined", lines: 3, send: strings.Repeat(strings.ReplaceAll(nowhere, "Connection: close\r\n", ""), 2) + nowhere},
		{name: "left while it waits", send: get(faults, "/timeout"), then: leaves(closes), gaveUp: "client"},
		{name: "reset while it waits", send: get(faults, "/timeout"), then: leaves(resets), gaveUp: "client"},
		{name: "upload, closed", send: upload(1_000_000, "") + "half", then: leaves(closes), gaveUp: "client"},
		{name: "upload, reset", send: upload(1_000_000, "") + "half", then: leaves(resets), gaveUp: "client"},
		{name: "upload, silent", send: upload(1_000_000, "") + "half", then: waits, gaveUp: "gateway"},
		{name: "download, reset", send: upload(4, "") + "body", then: leaves(resets), gaveUp: "client"},
		{name: "download, unread", send: upload(4, "") + "body", then: waits, gaveUp: "gateway"},
		{name: "refused", send: get(faults, "/refused")}, // or unreachable: its socket would tell
		{name: "timeout", send: get(faults, "/timeout"), gaveUp: "gateway"},
		{name: "balancer fails", send: get(faults, "/closed")},
		{name: "balancer fails at the second try", send: get(retry, "/refused")},
	}
}

// do plays one client.
func (o *oddity) do(t *testing.T, rig *testrig.Rig) {
	t.Helper()
	addr := o.addr
	if addr == "" {
		addr = rig.Addr()
	}
	// A client that does not read is to be felt soon.
	small := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}
	conn, err := small.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, o.send); err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
	if o.then != nil {
		o.then(conn.(*net.TCPConn))
		return
	}
	io.Copy(io.Discard, conn) // it may be reset
}

// What odd clients leave in the gateway's log, logs says as well, and who gave up first.
func TestGatewayLogsOfOddClients(t *testing.T) {
	testrig.NeedBPF(t)
	tool := buildTool(t)
	rig := oddRig(t)
	pid := strconv.Itoa(rig.MasterPID())
	ours := start(t, tool, "logs", "--pid", pid, "-d", "0", "-o", "apisix", "--show-secrets", "-v")
	told := start(t, tool, "logs", "--pid", pid, "-d", "0", "-o", "json", "-v")
	ours.says(t, "tracing until Ctrl-C")
	told.says(t, "tracing until Ctrl-C")

	before := 0
	var want []string // who gave up, by line
	logged := func(name string, n int, gaveUp string) {
		t.Helper()
		lines, err := rig.WaitAPISIXLog(t.Context(), before+n)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(lines) != before+n {
			t.Errorf("%s: %d lines, want %d", name, len(lines)-before, n)
		}
		before = len(lines)
		for range n {
			want = append(want, name+": "+gaveUp)
		}
	}
	for _, o := range oddities(rig) {
		o.do(t, rig)
		logged(o.name, max(o.lines, 1), o.gaveUp)
	}
	cancelled(t, rig)
	logged("HTTP/2, cancelled", 1, "client")
	redirected(t, rig)
	logged("redirected", 1, "")

	lines, err := rig.APISIXLog()
	if err != nil {
		t.Fatal(err)
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, " : ") {
		t.Errorf("it went nowhere else: %s", last)
	}
	endsWith(t, ours, lines)
	told.Process.Signal(syscall.SIGINT)
	entries := told.ends(t, 0).traces(t)["log"]
	if len(entries) != len(want) {
		t.Fatalf("%d entries, want %d", len(entries), len(want))
	}
	for i, e := range entries {
		who, _ := e["gave_up"].(string)
		if name, _, _ := strings.Cut(want[i], ": "); name+": "+who != want[i] {
			t.Errorf("%q gave up: want %s: %v", who, want[i], e)
		}
		answered := strings.Contains(fmt.Sprint(e["attempts"]), "upstream_header_time")
		wantAnswer(t, want[i], e["upstream_response"], answered)
	}
}

// wantAnswer wants the head of a node's answer, if there was one: as the node sent it, and
// without what nginx puts there for itself.
func wantAnswer(t *testing.T, name string, head any, answered bool) {
	t.Helper()
	section, _ := head.(map[string]any)
	headers, _ := section["headers"].(map[string]any)
	if answered != (len(headers) > 0) || !answered && head != nil {
		t.Errorf("%s: answered %v, with %v", name, answered, head)
	}
	for name, value := range headers {
		if value == "" {
			t.Errorf("%s: no node sends an empty %s: %v", name, name, headers)
		}
	}
}

// cancelled gives a request over HTTP/2 up.
func cancelled(t *testing.T, rig *testrig.Rig) {
	t.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: &protocols}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+rig.H2CAddr()+"/timeout", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "faults.deepflow.demo"
	if resp, err := client.Do(req); err == nil {
		t.Errorf("it was answered: %d", resp.StatusCode)
		resp.Body.Close()
	}
}

// redirected has a node send the request on to another one.
func redirected(t *testing.T, rig *testrig.Rig) {
	t.Helper()
	route, err := testrig.RouteOf(testrig.Headers)
	if err != nil {
		t.Fatal(err)
	}
	if err := rig.Answer(t.Context(), "odd", []testrig.HeaderField{{Name: "X-Accel-Redirect", Value: "/forward_auth"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := rig.Target().SendRaw(t.Context(), testrig.OverHTTP, testrig.RawRequest{Route: route, ID: "odd"}); err != nil {
		t.Fatal(err)
	}
}

// What is longer than what is read of it is cut, and that is said.
func TestGatewayLogsSayWhatIsCut(t *testing.T) {
	testrig.NeedBPF(t)
	tool := buildTool(t)
	rig := testrig.StartT(t, testrig.Options{APISIXLog: true})
	r := start(t, tool, "logs", "--pid", strconv.Itoa(rig.MasterPID()), "-c", "3", "-o", "apisix", "--show-secrets", "-v")
	r.says(t, "tracing 3 requests")
	long := func(n int) string { return strings.Repeat("a", n) }
	for _, o := range []oddity{
		{name: "long line", send: "GET /" + long(4000) + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"},
		{name: "long user agent", send: "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUser-Agent: " + long(600) + "\r\n\r\n"},
		{name: "just so", send: "GET /" + long(2048-len("GET / HTTP/1.1")) + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUser-Agent: " + long(512) + "\r\n\r\n"},
	} {
		o.do(t, rig)
	}
	lines, err := rig.WaitAPISIXLog(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	r.ends(t, 0)
	if !strings.Contains(r.errs.String(), "note: of 2 requests nginx logs more than is read") {
		t.Errorf("it says: %s", &r.errs)
	}
	got := strings.Split(r.out.String(), "\n")
	if len(got) != 4 || got[2] != lines[2] || !strings.Contains(got[0], long(2000)) || !strings.Contains(got[1], `"`+long(512)+`"`) {
		t.Errorf("got %s, want %s", &r.out, lines)
	}
}
