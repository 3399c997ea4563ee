package gateway

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
)

// A ListenerIndex knows who listened where on this host when it was made, in every
// network namespace. It is safe for concurrent use.
type ListenerIndex struct {
	spaces map[uint64]*netSpace
}

// A netSpace is one network namespace.
type netSpace struct {
	id        uint64 // inode of the namespace
	pids      []int  // its processes
	listeners []socketRow
	addrs     map[netip.Addr]bool // its own addresses

	once   sync.Once
	owners map[uint64][]int // inode of a listening socket to the processes that hold it
}

// Listeners reads the listening TCP sockets of every network namespace that a process of
// this host lives in. Namespaces that cannot be read are left out. The processes behind
// the sockets are looked for on the first question about a namespace.
func Listeners(ctx context.Context) (*ListenerIndex, error) {
	pids, err := listPIDs()
	if err != nil {
		return nil, fmt.Errorf("list listeners: %w", err)
	}
	ix := &ListenerIndex{spaces: map[uint64]*netSpace{}}
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("list listeners: %w", err)
		}
		id := namespace(pid, "net")
		if id == 0 {
			continue
		}
		space := ix.spaces[id]
		if space == nil {
			space = &netSpace{id: id}
			ix.spaces[id] = space
		}
		space.pids = append(space.pids, pid)
	}
	for id, space := range ix.spaces {
		if !space.read() {
			delete(ix.spaces, id)
		}
	}
	return ix, nil
}

// read goes through the first process that still lives.
func (s *netSpace) read() bool {
	for _, pid := range s.pids {
		rows, err := readSockets(pid, tcpListen)
		if err != nil || namespace(pid, "net") != s.id {
			continue
		}
		s.listeners, s.addrs = rows, localAddrs(pid)
		return true
	}
	return false
}

// Processes returns the processes that listen at addr, as seen from the network
// namespace fromNetNS, by PID: a pre-forking server has many. There are none when nobody
// here listens there, or when the address leads to more than one namespace.
func (ix *ListenerIndex) Processes(fromNetNS uint64, addr netip.AddrPort) []int {
	pids, _ := ix.find(fromNetNS, addr)
	return pids
}

// find looks in the namespace that addr leads to: a loopback address to fromNetNS itself,
// another to fromNetNS if that owns it, else to the only one that owns it and listens.
func (ix *ListenerIndex) find(fromNetNS uint64, addr netip.AddrPort) ([]int, uint64) {
	addr = netip.AddrPortFrom(addr.Addr().Unmap().WithZone(""), addr.Port())
	here := ix.spaces[fromNetNS]
	if addr.Addr().IsLoopback() || here != nil && here.addrs[addr.Addr()] {
		if here == nil {
			return nil, 0
		}
		return here.processes(addr), here.id
	}
	var pids []int
	var netns uint64
	for _, space := range ix.spaces {
		if !space.addrs[addr.Addr()] {
			continue
		}
		found := space.processes(addr)
		if len(found) == 0 {
			continue
		}
		if pids != nil {
			return nil, 0 // bridges of two hosts inside this one may use the same addresses
		}
		pids, netns = found, space.id
	}
	return pids, netns
}

// processes returns who listens at addr in s, by PID: at that very address, else at
// the wildcard of its family, else at the wildcard of IPv6, which takes IPv4 too.
func (s *netSpace) processes(addr netip.AddrPort) []int {
	own := netip.IPv4Unspecified()
	if addr.Addr().Is6() {
		own = netip.IPv6Unspecified()
	}
	for _, at := range []netip.Addr{addr.Addr(), own, netip.IPv6Unspecified()} {
		pids := map[int]bool{}
		for _, row := range s.listeners {
			if row.local == netip.AddrPortFrom(at, addr.Port()) {
				for _, pid := range s.holders(row.inode) {
					pids[pid] = true
				}
			}
		}
		if len(pids) > 0 {
			return slices.SortedFunc(maps.Keys(pids), cmp.Compare[int])
		}
	}
	return nil
}

// holders returns the processes that hold a listening socket. The first call reads
// the descriptors of every process of the namespace.
func (s *netSpace) holders(inode uint64) []int {
	s.once.Do(func() {
		s.owners = map[uint64][]int{}
		listening := map[uint64]bool{}
		for _, row := range s.listeners {
			listening[row.inode] = true
		}
		for _, pid := range s.pids {
			inodes, err := socketInodes(pid)
			if err != nil {
				continue // gone, or not ours to read
			}
			for inode := range inodes {
				if listening[inode] {
					s.owners[inode] = append(s.owners[inode], pid)
				}
			}
		}
	})
	return s.owners[inode]
}
