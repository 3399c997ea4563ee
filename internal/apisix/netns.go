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

// DialIn returns a function that connects from the network namespace of a process: a gateway
// in a container has a 127.0.0.1 of its own. Addresses must be numeric. It is nil, the usual
// way, where the namespace is ours.
func DialIn(pid int) func(ctx context.Context, network, address string) (net.Conn, error) {
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", pid))
	ours, errOurs := os.Stat("/proc/self/ns/net")
	if err == nil && errOurs == nil && os.SameFile(theirs, ours) {
		return nil
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		type result struct {
			conn net.Conn
			err  error
		}
		done := make(chan result, 1)
		go func() {
			// The thread is never unlocked, so it ends with this goroutine, and with it the
			// namespace: no other goroutine gets to run in there.
			runtime.LockOSThread()
			if err := enter(pid); err != nil {
				done <- result{err: err}
				return
			}
			// Without a fallback, the socket is made by this goroutine.
			conn, err := (&net.Dialer{FallbackDelay: -1}).DialContext(ctx, network, address)
			done <- result{conn, err}
		}()
		r := <-done
		return r.conn, r.err
	}
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
