package apisix

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	usualEvery = 10 * time.Second
	// idleShare is how many times as long as a snapshot took the next one waits at least. The
	// Admin API may run in the workers that are watched: it is not to be kept busy.
	idleShare = 20
)

// Run takes a snapshot, and another one from time to time, until ctx is done.
func (n *Names) Run(ctx context.Context) {
	failed := false
	for {
		began := time.Now()
		s, err := n.takeSnapshot(ctx, wanted{consumers: n.wantsConsumers.Load(), routers: n.wantsRouters.Load()})
		took := time.Since(began)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failed && n.o.Say != nil:
			n.o.Say(err)
		case err == nil:
			n.now.Store(s)
			n.o.Log.Debug("read the configuration", "routes", len(s.routes), "took", took)
		}
		failed = err != nil
		pause := max(n.o.Every, idleShare*took)
		kick := n.kick
		if failed {
			kick = nil // wanting more does not mend it
		}
		select {
		case <-ctx.Done():
			return
		case <-kick:
		case <-time.After(pause):
		}
	}
}

// Own knows a client's own ends of its connections, for its requests to be told apart from
// others. It is safe for concurrent use; nil knows none.
type Own struct {
	mu   sync.RWMutex
	ends [16]netip.AddrPort // the last ones: a client keeps few connections open
	next int
}

// Watch returns dial, or the usual way where that is nil, that remembers its connections.
func (o *Own) Watch(dial Dial) Dial {
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if end, ok := conn.LocalAddr().(*net.TCPAddr); ok {
			o.add(end.AddrPort())
		}
		return conn, nil
	}
}

func (o *Own) add(end netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ends[o.next%len(o.ends)] = plainAddr(end)
	o.next++
}

func (o *Own) has(end netip.AddrPort) bool {
	if o == nil || !end.IsValid() {
		return false
	}
	end = plainAddr(end)
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, e := range o.ends {
		if e == end {
			return true
		}
	}
	return false
}

// plainAddr is an address in its shortest form.
func plainAddr(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
