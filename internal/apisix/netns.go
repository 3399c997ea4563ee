package apisix

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/apisixscope/apisixscope/internal/hint"
)

// Dial connects to an address, as net.Dialer does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// dialIn returns a function that connects from the network namespace of a process: a gateway
// in a container has a 127.0.0.1 of its own. Addresses must be numeric. It is nil, the usual
// way, where the namespace is ours.
func dialIn(pid int) Dial {
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", pid))
	ours, errOurs := os.Stat("/proc/thread-self/ns/net")
	if err == nil && errOurs == nil && os.SameFile(theirs, ours) {
		return nil
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		type result struct {
			conn net.Conn
			err  error
		}
		done := make(chan result, 1)
		onThreadOfItsOwn(func() {
			if err := enter(pid); err != nil {
				done <- result{err: err}
				return
			}
			// Without a fallback, the socket is made by this goroutine.
			conn, err := (&net.Dialer{FallbackDelay: -1}).DialContext(ctx, network, address)
			done <- result{conn, err}
		})
		r := <-done
		return r.conn, r.err
	}
}

// onThreadOfItsOwn starts f on a thread that ends with f: no other goroutine gets to run in a
// namespace that f enters. The first thread never ends, and its namespace is what others take
// for ours, so it does not run f.
func onThreadOfItsOwn(f func()) {
	go func() {
		runtime.LockOSThread() // never unlocked, which is what ends the thread
		if unix.Gettid() != os.Getpid() {
			f()
			return
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // another one: the first is held
			f()
		}()
		<-done
		runtime.UnlockOSThread()
	}()
}

func enter(pid int) error {
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err == nil {
		defer ns.Close()
		err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		err = hint.Wrap(err, "run as root, or name an address of the Admin API with --admin")
	}
	return fmt.Errorf("enter the network namespace of process %d: %w", pid, err)
}
