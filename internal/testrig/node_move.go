package testrig

import (
	"context"
	"fmt"
	"slices"
)

// MoveNode makes the gateway send what is for node name to addr, say to a server that a
// test plays itself, and returns once only workers that know of it are left. The auth node
// cannot move: its address is in nginx.conf.
func (r *Rig) MoveNode(ctx context.Context, name, addr string) error {
	nodes := r.Nodes()
	if _, ok := nodes[name]; !ok {
		return fmt.Errorf("move node %s: there is none", name)
	}
	nodes[name] = addr
	if err := r.writeLua(nodes); err != nil {
		return fmt.Errorf("move node %s: %w", name, err)
	}
	r.upstreams.nodes = nodes
	if err := r.Reload(ctx); err != nil {
		return fmt.Errorf("move node %s: %w", name, err)
	}
	return r.Settle(ctx)
}

// Settle waits until the workers that an earlier Reload told to finish are gone.
func (r *Rig) Settle(ctx context.Context) error {
	err := poll(ctx, func() (bool, error) {
		all, err := r.children()
		if err != nil {
			return false, err
		}
		now, err := r.Workers()
		return slices.Equal(all, now), err
	})
	if err != nil {
		return fmt.Errorf("wait for old workers of %d to end: %w", r.MasterPID(), err)
	}
	return nil
}
