package bpf_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// TestGatewayBodies counts the bytes of messages of every framing, at both ends of the
// gateway.
func TestGatewayBodies(t *testing.T) {
	rig, node := playNode(t, testrig.Options{Workers: 1})
	long := strings.Repeat("d", 100<<10)
	tests := []struct {
		name, method, request, answer string
		status                        int
		closes                        bool // the node's answer ends with the connection
	}{
		{"plain", "GET", askNode("GET"), plainAnswer, 200, false},
		{"no body", "GET", askNode("GET"), "HTTP/1.1 204 No Content\r\n\r\n", 204, false},
		{"head", "HEAD", askNode("HEAD"), "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 200, false},
		{"not modified", "GET", askNode("GET"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", 304, false},
		{"chunked answer", "GET", askNode("GET"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, false},
		{"answer until close", "GET", askNode("GET"), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", 200, true},
		{"old answer", "GET", askNode("GET"), "HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, true},
		{"body", "POST", askNode("POST", "Content-Length: 5") + "hello", plainAnswer, 200, false},
		{"chunked body", "POST", askNode("POST", "Transfer-Encoding: chunked") + "5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n", plainAnswer, 200, false},
		{"long", "POST", askNode("POST", "Content-Length: "+strconv.Itoa(len(long))) + long,
			"HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(long)) + "\r\n\r\n" + long, 200, false},
		{"error", "GET", askNode("GET"), "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nno\n", 503, false},
	}
	bothWays(t, func(t *testing.T, probes bool) {
		w := watch(t, rig, probes)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				before := logged(t, rig)
				c := dial(t, rig.Addr())
				c.send(tt.request)
				call := node.next()
				call.answer(tt.answer)
				if tt.closes {
					call.Close()
				}
				c.status(tt.method)
				lines, err := rig.WaitAccessLog(t.Context(), before+1)
				if err != nil {
					t.Fatal(err)
				}
				x := w.of(t, c)
				if x.Method != tt.method || x.Status != tt.status || x.Source != trace.FromUpstream || len(x.Attempts) != 1 || len(x.Incomplete) > 0 {
					t.Fatal(describe([]*trace.Exchange{x}))
				}
				if x.Received != c.sent || x.Sent != c.received || x.Sent != lines[before].BytesSent {
					t.Errorf("the client sent %d and got %d bytes (%d logged): traced are %d and %d",
						c.sent, c.received, lines[before].BytesSent, x.Received, x.Sent)
				}
				a := x.Attempts[0]
				if a.Status != tt.status || a.Received != int64(len(tt.answer)) || a.ErrType != "" {
					t.Errorf("the node sent %d bytes: %d are traced, %d (%s)", len(tt.answer), a.Received, a.Status, a.ErrType)
				}
				if a.Sent != call.size {
					t.Errorf("the node got %d bytes: %d are traced", call.size, a.Sent)
				}
			})
		}
		w.endAfter(len(tests))
	})
}

// TestGatewayContinue has a client wait for 100 Continue before it sends its body.
func TestGatewayContinue(t *testing.T) {
	rig, node := playNode(t, testrig.Options{})
	bothWays(t, func(t *testing.T, probes bool) {
		w := watch(t, rig, probes)
		c := dial(t, rig.Addr())
		c.send(askNode("POST", "Content-Length: 5", "Expect: 100-continue"))
		for line := "x"; line != "\r\n"; {
			var err error
			if line, err = c.r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		c.send("hello")
		node.next().answer(plainAnswer)
		c.status("POST")
		// The connection goes on, with a request that is another.
		c.send(askNode("GET"))
		node.next().answer(plainAnswer)
		c.status("GET")
		w.wait(2)
		all := w.end()
		if len(all) != 2 {
			t.Fatalf("want 2 exchanges: %s", describe(all))
		}
		var sent, received int64
		for i, x := range all {
			if x.Method != []string{"POST", "GET"}[i] || x.ConnectionRequest != i+1 || x.Status != 200 || len(x.Attempts) != 1 {
				t.Error(describe(all[i : i+1]))
			}
			sent, received = sent+x.Received, received+x.Sent
		}
		if sent != c.sent || received != c.received {
			t.Errorf("the client sent %d and got %d bytes: traced are %d and %d", c.sent, c.received, sent, received)
		}
	})
}
