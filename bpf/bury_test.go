package bpf

import (
	"net"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/apisixscope/apisixscope/internal/gateway"
	"github.com/apisixscope/apisixscope/internal/testrig"
	"github.com/apisixscope/apisixscope/trace"
)

// TestCloseOfTheDead: the socket itself tells whose it was, also of a process that an
// upstream's has forked.
func TestCloseOfTheDead(t *testing.T) {
	s := testSource(Options{})
	s.upstreams.names.Store(uint32(70), "orders")
	s.upstreams.inherits(71, 70)
	for pid, want := range map[uint32]string{70: "orders", 71: "orders", 72: ""} {
		c := s.closeOf(&traceSocketState{Conn: traceConn{Pid: pid, Side: uint8(trace.SideAccepted)}, ConnectError: 111})
		if c.Gateway || c.Process != want || c.PID != int(pid) || c.ConnectErrno != 111 {
			t.Errorf("of process %d: %+v", pid, c)
		}
	}
	if c := s.closeOf(&traceSocketState{Conn: traceConn{Worker: 1}}); !c.Gateway {
		t.Errorf("of a worker: %+v", c)
	}
	s.upstreams.forget(71)
	if name := s.upstreams.name(71, 0); name != "" {
		t.Errorf("of a process that is gone the name %s is kept", name)
	}
}

// TestGatewayBuryForgets kills a worker that has a client, of which no map keeps anything.
func TestGatewayBuryForgets(t *testing.T) {
	testrig.NeedBPF(t)
	rig := testrig.StartT(t, testrig.Options{Workers: 1})
	target, err := gateway.Find(t.Context(), gateway.Query{PID: rig.MasterPID()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{Target: target})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client, err := net.Dial("tcp", rig.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Write([]byte("GET / HTTP/1.1\r\nHost: half\r\n")); err != nil {
		t.Fatal(err)
	}
	closed := false
	dead := 0
	for over := false; !over; {
		e, err := s.Next(t.Context())
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Kind == trace.KindMessage && dead == 0:
			if len(ofProcess(t, s.objects.BySock, target.Workers()[0])) == 0 {
				t.Error("the client's socket is not known")
			}
			if dead, err = rig.KillWorker(); err != nil {
				t.Fatal(err)
			}
		case e.Kind == trace.KindClose:
			closed = closed || e.Close.PID == dead
		case e.Kind == trace.KindProcess:
			over = e.Process.Exited && e.Process.PID == dead
		}
	}
	if !closed {
		t.Error("no close was told")
	}
	if left := ofProcess(t, s.objects.BySock, dead); len(left) > 0 {
		t.Errorf("sockets of the dead process are kept: %x", left)
	}
}

// ofProcess returns the keys of sockets of a process that are values of m.
func ofProcess(t *testing.T, m *ebpf.Map, pid int) (keys []uint64) {
	t.Helper()
	var sock, key uint64
	all := m.Iterate()
	for all.Next(&sock, &key) {
		if int(key>>32) == pid {
			keys = append(keys, key)
		}
	}
	if err := all.Err(); err != nil {
		t.Fatal(err)
	}
	return keys
}
