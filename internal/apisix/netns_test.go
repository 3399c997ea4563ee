package apisix

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/testrig"
)

func TestDialInOurNamespaceIsTheUsualWay(t *testing.T) {
	if dialIn(os.Getpid()) != nil {
		t.Error("our own namespace is entered")
	}
	_, err := dialIn(1<<30)(t.Context(), "tcp", "127.0.0.1:1")
	if err == nil || !strings.Contains(err.Error(), "enter the network namespace of process") {
		t.Errorf("no such process: %v", err)
	}
}

func TestBPFDialInAnotherNamespace(t *testing.T) {
	testrig.NeedBPF(t)
	type inside struct {
		tid int
		l   net.Listener
		err error
	}
	made, end := make(chan inside), make(chan struct{})
	defer close(end)
	onThreadOfItsOwn(func() {
		l, err := listenInside()
		made <- inside{unix.Gettid(), l, err}
		<-end
	})
	in := <-made
	if in.err != nil {
		t.Fatal(in.err)
	}
	defer in.l.Close()
	if _, err := net.Dial("tcp", in.l.Addr().String()); err == nil {
		t.Skip("the same port is open outside, too")
	}
	for range 20 {
		conn, err := dialIn(in.tid)(t.Context(), "tcp", in.l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		// Who else runs meets no thread that stayed inside.
		if _, err := net.Dial("tcp", in.l.Addr().String()); err == nil {
			t.Fatal("a thread stayed in the other namespace")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dialIn(in.tid)(ctx, "tcp", in.l.Addr().String()); err == nil {
		t.Error("a dial outlives its context")
	}
}

// listenInside makes a namespace for this thread, with a loopback device.
func listenInside() (net.Listener, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return nil, err
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return nil, err
	}
	return net.Listen("tcp", "127.0.0.1:0")
}
