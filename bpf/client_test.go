package bpf_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// A client sends exactly the bytes that a test wants.
type client struct {
	*net.TCPConn
	t        *testing.T
	r        *bufio.Reader
	sent     int64
	received int64
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	tcp := &client{TCPConn: c.(*net.TCPConn), t: t}
	tcp.r = bufio.NewReader(tcp.counted())
	return tcp
}

// counted reads from the connection and counts.
func (c *client) counted() io.Reader {
	return readFunc(func(b []byte) (int, error) {
		n, err := c.TCPConn.Read(b)
		c.received += int64(n)
		return n, err
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }

func (c *client) port() int { return c.LocalAddr().(*net.TCPAddr).Port }

// send writes raw in one call.
func (c *client) send(raw string) {
	c.t.Helper()
	n, err := io.WriteString(c.TCPConn, raw)
	c.sent += int64(n)
	if err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// status reads a whole response to a request with the given method.
func (c *client) status(method string) int {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("read response: %v", err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		c.t.Fatalf("read body: %v", err)
	}
	return resp.StatusCode
}

// rest reads until the gateway closes, or resets, the connection.
func (c *client) rest() string {
	c.t.Helper()
	b, err := io.ReadAll(c.r)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Fatalf("read to the end: %v", err)
	}
	return string(b)
}

// reset throws the connection away, so that the gateway gets a RST.
func (c *client) reset() {
	c.SetLinger(0)
	c.Close()
}

// head writes a request head without a body for host and path, with further lines.
func head(method, host, path string, lines ...string) string {
	all := append([]string{method + " " + path + " HTTP/1.1", "Host: " + host}, lines...)
	return strings.Join(all, "\r\n") + "\r\n\r\n"
}

// get is a GET of the rig's plain route.
func get(lines ...string) string { return head("GET", testrig.MainHost, "/checkout", lines...) }
