package gateway

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func index(t testing.TB) *ListenerIndex {
	t.Helper()
	ix, err := Listeners(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// process returns the first of the processes that listen at addr, and their namespace.
func (ix *ListenerIndex) process(from uint64, addr netip.AddrPort) (pid int, netns uint64, ok bool) {
	pids, netns := ix.find(from, addr)
	if len(pids) == 0 {
		return 0, 0, false
	}
	return pids[0], netns, true
}

func listen(t *testing.T, network, address string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { l.Close() })
	return netip.MustParseAddrPort(l.Addr().String())
}

func at(addr string, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(addr), port)
}

func TestListenersHere(t *testing.T) {
	need(t)
	here := namespace(os.Getpid(), "net")
	exact := listen(t, "tcp4", "127.0.0.1:0").Port()
	wild := listen(t, "tcp4", "0.0.0.0:0").Port()
	dual := listen(t, "tcp", "[::]:0").Port()
	ix := index(t)
	tests := []struct {
		addr netip.AddrPort
		from uint64
		ok   bool
	}{
		{at("127.0.0.1", exact), here, true},
		{at("127.0.0.2", exact), here, false},
		{at("127.0.0.2", wild), here, true},
		{at("127.0.0.1", dual), here, true},
		{at("::1", dual), here, true},
		{at("::1", wild), here, false},
		{at("::ffff:127.0.0.1", wild), here, true},
		{at("127.0.0.1", exact), here + 1, false}, // loopback of another namespace
		{at("192.0.2.1", wild), here, false},      // nobody's address
		{at("127.0.0.1", 1), here, false},
	}
	for _, tt := range tests {
		pid, netns, ok := ix.process(tt.from, tt.addr)
		if ok != tt.ok || ok && (pid != os.Getpid() || netns != here) {
			t.Errorf("%v from %d: got %d in %d, %v", tt.addr, tt.from, pid, netns, ok)
		}
	}
}

func TestListenersOfPreforkServer(t *testing.T) {
	n := &nginx{main: "worker_processes 3;"}
	pid := n.start(t)
	target := settled(t, pid, 3)
	want := slices.Sorted(slices.Values(append(target.Workers(), pid)))
	if got := index(t).Processes(target.NetNS, at("127.0.0.1", uint16(n.port))); !slices.Equal(got, want) {
		t.Errorf("got %v: want %v", got, want)
	}
}

// TestListenersPreferExact has another process at the wildcard of a port that we hold
// at one address.
func TestListenersPreferExact(t *testing.T) {
	const here = 1
	ix := &ListenerIndex{spaces: map[uint64]*netSpace{here: {
		id: here,
		listeners: []socketRow{
			{local: at("0.0.0.0", 80), inode: 1},
			{local: at("127.0.0.1", 80), inode: 2},
			{local: at("::", 80), inode: 3},
		},
	}}}
	space := ix.spaces[here]
	space.once.Do(func() { space.owners = map[uint64][]int{1: {10}, 2: {20, 21}, 3: {30}} })
	for addr, want := range map[string][]int{"127.0.0.1": {20, 21}, "127.0.0.9": {10}, "::1": {30}} {
		if got := ix.Processes(here, at(addr, 80)); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", addr, got, want)
		}
	}
}

func TestListenersInOtherNamespace(t *testing.T) {
	need(t, "ip", "nginx")
	name := fmt.Sprintf("gwtest%d", os.Getpid())
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	ip("netns", "add", name)
	defer ip("netns", "del", name)
	near, far := fmt.Sprintf("gwa%d", os.Getpid()), fmt.Sprintf("gwb%d", os.Getpid())
	ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
	ip("addr", "add", "198.18.77.1/24", "dev", near)
	ip("link", "set", near, "up")
	ip("-n", name, "addr", "add", "198.18.77.2/24", "dev", far)
	ip("-n", name, "link", "set", far, "up")
	ip("-n", name, "link", "set", "lo", "up")

	server := exec.Command("ip", "netns", "exec", name, os.Args[0], "-test.run=^TestListenHelper$")
	server.Env = append(os.Environ(), "GATEWAY_TEST_LISTEN=0.0.0.0:8088")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	there := at("198.18.77.2", 8088)
	var conn net.Conn
	eventually(t, "the server in the namespace", func() bool {
		var err error
		conn, err = net.DialTimeout("tcp", there.String(), time.Second)
		return err == nil
	})
	defer conn.Close()

	here, other := namespace(os.Getpid(), "net"), namespace(server.Process.Pid, "net")
	ix := index(t)
	pid, netns, ok := ix.process(here, there)
	if !ok || pid != server.Process.Pid || netns != other || netns == here {
		t.Errorf("got %d in %d, %v: want %d in %d", pid, netns, ok, server.Process.Pid, other)
	}
	if pid, _, ok := ix.process(here, at("127.0.0.1", 8088)); ok && pid == server.Process.Pid {
		t.Error("loopback led to another namespace")
	}
	if pid, _, ok := ix.process(other, at("127.0.0.1", 8088)); !ok || pid != server.Process.Pid {
		t.Errorf("loopback inside: got %d, %v", pid, ok)
	}
	remotes, err := Established(os.Getpid())
	if err != nil || !slices.Contains(remotes, there) {
		t.Errorf("established: %v, %v", remotes, err)
	}
	remotes, err = Established(server.Process.Pid)
	if err != nil || len(remotes) != 0 {
		t.Errorf("the server opened no connection: %v, %v", remotes, err)
	}
}

// TestListenHelper is the server of the test above.
func TestListenHelper(t *testing.T) {
	address := os.Getenv("GATEWAY_TEST_LISTEN")
	if address == "" {
		t.Skip("run by another test")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
	}
}

func BenchmarkList(b *testing.B) {
	(&nginx{}).start(b)
	for b.Loop() {
		if _, err := List(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListeners(b *testing.B) {
	n := &nginx{}
	pid := n.start(b)
	here := namespace(pid, "net")
	for b.Loop() {
		if _, _, ok := index(b).process(here, at("127.0.0.1", uint16(n.port))); !ok {
			b.Fatal("not found")
		}
	}
}
