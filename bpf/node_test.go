package bpf_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

// A node is an upstream that the test plays itself, word for word.
type node struct {
	t     *testing.T
	addr  string
	calls chan *call
}

// A call is a request that has come to a node, which stays silent until it is answered.
type call struct {
	net.Conn
	t    *testing.T
	size int64 // bytes of the request
	over chan struct{}
}

// playNode starts a rig of which the node behind askNode's requests is the test itself.
func playNode(t *testing.T, o testrig.Options) (*testrig.Rig, *node) {
	t.Helper()
	rig := testrig.StartT(t, o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, addr: l.Addr().String(), calls: make(chan *call)}
	t.Cleanup(func() { l.Close() })
	go n.serve(l)
	if err := rig.MoveNode(t.Context(), "error", n.addr); err != nil {
		t.Fatal(err)
	}
	return rig, n
}

// askNode is a request that the gateway passes on to the test's own node.
func askNode(method string, lines ...string) string {
	return head(method, "faults.deepflow.demo", "/error", lines...)
}

func (n *node) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		n.t.Cleanup(func() { c.Close() })
		go n.converse(c)
	}
}

// converse takes the requests of one connection, one after the other.
func (n *node) converse(c net.Conn) {
	var came int64
	r := bufio.NewReader(readFunc(func(b []byte) (int, error) {
		n, err := c.Read(b)
		came += int64(n)
		return n, err
	}))
	for {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		one := &call{Conn: c, t: n.t, size: came, over: make(chan struct{})}
		came = 0 // nginx sends no request before it has the answer to this one
		n.calls <- one
		<-one.over
	}
}

// next waits for a request.
func (n *node) next() *call {
	n.t.Helper()
	select {
	case c := <-n.calls:
		return c
	case <-time.After(patience):
		n.t.Fatal("no request has come to the node")
		return nil
	}
}

// answer writes raw as the response.
func (c *call) answer(raw string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, raw); err != nil {
		c.t.Fatalf("answer: %v", err)
	}
	close(c.over)
}

// plainAnswer is a response with a length.
const plainAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
