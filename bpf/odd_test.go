package bpf_test

import (
	"strings"
	"testing"

	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// clientHello is the beginning of a TLS handshake, as far as a server must read it.
const clientHello = "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + "0123456789abcdef0123456789abcdef" +
	"\x00\x00\x04\x13\x01\x13\x02\x01\x00"

// TestGatewayMalformed sends what is no request. nginx answers 400 to all of it, before
// Lua sees anything.
func TestGatewayMalformed(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	tests := []struct {
		name, addr, raw string
		status          int
	}{
		{"binary", rig.Addr(), "\x00\x01\x02\xff\xfe\r\n\r\n", 400},
		{"long binary", rig.Addr(), strings.Repeat("\xde\xad\xbe\xef", 1000), 400},
		{"TLS on the plain port", rig.Addr(), clientHello, 400},
		{"HTTP on the TLS port", rig.TLSAddr(), get(), 400},
		{"no host", rig.Addr(), "GET /checkout HTTP/1.1\r\n\r\n", 400},
		{"two hosts", rig.Addr(), get("Host: other"), 400},
		{"bad length", rig.Addr(), get("Content-Length: x"), 400},
		{"version", rig.Addr(), "GET /checkout HTTP/3.7\r\nHost: h\r\n\r\n", 505},
		{"escape code", rig.Addr(), "GET /\x1b[31m HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"long line", rig.Addr(), head("GET", testrig.MainHost, "/"+strings.Repeat("a", 9<<10)), 414},
		{"long header", rig.Addr(), get("X-Long: " + strings.Repeat("b", 9<<10)), 400},
	}
	bothWays(t, func(t *testing.T, probes bool) {
		w := watch(t, rig, probes)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				before := logged(t, rig)
				c := dial(t, tt.addr)
				c.send(tt.raw)
				got, _ := c.r.ReadString('\n') // or it was closed at once
				c.Close()                      // nginx would linger
				lines, err := rig.WaitAccessLog(t.Context(), before+1)
				if err != nil {
					t.Fatal(err)
				}
				if status := lines[before].Status; status != tt.status {
					t.Errorf("want %d logged, got %d", tt.status, status)
				}
				x := w.of(t, c)
				if x.Status != tt.status || x.Source != trace.FromNginx || x.Reason == "" || len(x.Attempts) != 0 {
					t.Errorf("want %d by nginx, the client got %.30q: %s", tt.status, got, describe([]*trace.Exchange{x}))
				}
			})
		}
		w.endAfter(len(tests))
	})
}

// TestGatewayOtherPort speaks HTTP/1.1 to the HTTP/2 port. nginx closes the connection
// and logs nothing.
func TestGatewayOtherPort(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	bothWays(t, func(t *testing.T, probes bool) {
		w := watch(t, rig, probes)
		c := dial(t, rig.H2CAddr())
		c.send(get())
		c.rest()
		ask(t, rig, 1)
		w.wait(1)
		for _, x := range w.end() {
			if int(x.Client.Port()) != c.port() {
				continue
			}
			if x.Status != 0 || x.Source != trace.FromNginx || x.ErrType == "" || len(x.Attempts) > 0 {
				t.Error(describe([]*trace.Exchange{x}))
			}
		}
	})
}

// TestGatewayOld sends requests of old protocol versions, which Lua answers.
func TestGatewayOld(t *testing.T) {
	rig := testrig.StartT(t, testrig.Options{})
	for _, tt := range []struct{ name, raw, protocol string }{
		{"HTTP/1.0 without Host", "GET /checkout HTTP/1.0\r\n\r\n", "1.0"},
		{"HTTP/0.9", "GET /checkout\r\n", "0.9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, probes bool) {
				w := watch(t, rig, probes)
				before := logged(t, rig)
				c := dial(t, rig.Addr())
				c.send(tt.raw)
				c.rest()
				lines, err := rig.WaitAccessLog(t.Context(), before+1)
				if err != nil {
					t.Fatal(err)
				}
				x := w.only()
				if x.Host != "" || x.Path != "/checkout" && (probes || len(x.Incomplete) == 0) {
					t.Error(describe([]*trace.Exchange{x}))
				}
				if probes && (x.Method != "GET" || x.Protocol != tt.protocol || x.Status != lines[before].Status || x.Source != trace.FromAPISIX) {
					t.Errorf("want HTTP/%s, %d: %s", tt.protocol, lines[before].Status, describe([]*trace.Exchange{x}))
				}
			})
		})
	}
}

// TestGatewayLargeHead sends a head that is larger than what is captured of a message.
func TestGatewayLargeHead(t *testing.T) {
	rig, node := playNode(t, testrig.Options{})
	bothWays(t, func(t *testing.T, probes bool) {
		w := watch(t, rig, probes)
		c := dial(t, rig.Addr())
		var lines []string
		for range 4 {
			lines = append(lines, "X-Long: "+strings.Repeat("c", 700))
		}
		c.send(askNode("GET", lines...))
		call := node.next()
		call.answer(plainAnswer)
		c.status("GET")
		x := w.only()
		if x.Path != "/error" || x.Host != "faults.deepflow.demo" || x.Status != 200 || x.Received != c.sent || x.Sent != c.received || len(x.Attempts) != 1 {
			t.Fatal(describe([]*trace.Exchange{x}))
		}
		if a := x.Attempts[0]; a.Sent != call.size || a.Status != 200 {
			t.Errorf("the node got %d bytes, %d are traced: %s", call.size, a.Sent, describe([]*trace.Exchange{x}))
		}
	})
}
