package gateway

import (
	"fmt"
	"net/netip"
	"slices"
)

// Listening returns the local addresses at which process pid listens, sorted.
func Listening(pid int) ([]netip.AddrPort, error) {
	inodes, err := socketInodes(pid)
	if err != nil {
		return nil, fmt.Errorf("list listening sockets of %d: %w", pid, err)
	}
	rows, err := readSockets(pid, tcpListen)
	if err != nil {
		return nil, fmt.Errorf("list listening sockets of %d: %w", pid, err)
	}
	var local []netip.AddrPort
	for _, row := range rows {
		if inodes[row.inode] {
			local = append(local, row.local)
		}
	}
	slices.SortFunc(local, netip.AddrPort.Compare)
	return slices.Compact(local), nil
}
