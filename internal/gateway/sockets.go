package gateway

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// States of TCP sockets in /proc/net/tcp: include/net/tcp_states.h of Linux.
const (
	tcpEstablished = "01"
	tcpListen      = "0A"
)

// A socketRow is one line of /proc/net/tcp or tcp6. IPv4-mapped addresses are
// unmapped.
type socketRow struct {
	local, remote netip.AddrPort
	inode         uint64 // of the socket, as /proc/PID/fd shows it
}

// Established returns the remote addresses of the TCP connections that process pid
// has opened and that are established, sorted, each once: for a worker, its upstreams, idle
// keepalive connections included. Connections that were accepted, which share their
// local port with a listening socket of the process, are left out.
func Established(pid int) ([]netip.AddrPort, error) {
	inodes, err := socketInodes(pid)
	if err != nil {
		return nil, fmt.Errorf("list connections of %d: %w", pid, err)
	}
	listening, err := readSockets(pid, tcpListen)
	if err != nil {
		return nil, fmt.Errorf("list connections of %d: %w", pid, err)
	}
	ports := map[uint16]bool{}
	for _, row := range listening {
		if inodes[row.inode] {
			ports[row.local.Port()] = true
		}
	}
	rows, err := readSockets(pid, tcpEstablished)
	if err != nil {
		return nil, fmt.Errorf("list connections of %d: %w", pid, err)
	}
	var remotes []netip.AddrPort
	for _, row := range rows {
		if inodes[row.inode] && !ports[row.local.Port()] {
			remotes = append(remotes, row.remote)
		}
	}
	slices.SortFunc(remotes, netip.AddrPort.Compare)
	return slices.Compact(remotes), nil
}

// socketInodes returns the inodes of the sockets that pid holds open.
func socketInodes(pid int) (map[uint64]bool, error) {
	dir, err := os.Open(procPath(pid, "fd"))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	inodes := map[uint64]bool{}
	for _, name := range names {
		link, err := os.Readlink(dir.Name() + "/" + name)
		if err != nil {
			continue // closed meanwhile
		}
		number, ok := strings.CutPrefix(link, "socket:[")
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64); err == nil {
			inodes[n] = true
		}
	}
	return inodes, nil
}

// readSockets returns the TCP sockets in the given state of pid's network namespace.
func readSockets(pid int, state string) ([]socketRow, error) {
	var all []socketRow
	for _, name := range []string{"tcp", "tcp6"} {
		file, err := os.Open(procPath(pid, "net", name))
		if errors.Is(err, fs.ErrNotExist) && name == "tcp6" {
			continue // IPv6 is off
		}
		if err != nil {
			return nil, err
		}
		rows, err := parseSockets(file, state)
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file.Name(), err)
		}
		all = append(all, rows...)
	}
	return all, nil
}

// parseSockets reads /proc/net/tcp or tcp6. The kernel lists listening sockets first
// (tcp_seq_start in net/ipv4/tcp_ipv4.c), so when they are asked for it stops at the first
// other one: a busy host has many thousands of those.
func parseSockets(r io.Reader, state string) ([]socketRow, error) {
	const (
		local = 1 + iota
		remote
		status
		inode = 9
	)
	var rows []socketRow
	lines := bufio.NewScanner(r)
	lines.Scan() // the heading
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) <= inode {
			return nil, fmt.Errorf("parse %q: too few fields", lines.Text())
		}
		if f[status] != state {
			if state == tcpListen {
				break
			}
			continue
		}
		var row socketRow
		var err error
		if row.local, err = parseHexAddr(f[local]); err != nil {
			return nil, err
		}
		if row.remote, err = parseHexAddr(f[remote]); err != nil {
			return nil, err
		}
		if row.inode, err = strconv.ParseUint(f[inode], 10, 64); err != nil {
			return nil, fmt.Errorf("parse inode: %w", err)
		}
		rows = append(rows, row)
	}
	return rows, lines.Err()
}

// parseHexAddr reads "0100007F:1F90": words of 32 bits in network order, each printed as a
// number of the host, which is little-endian where we run; then the port.
func parseHexAddr(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("parse address %q: %w", s, err)
	}
	for i := 0; i+4 <= len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.LittleEndian.Uint32(raw[i:]))
	}
	addr, ok := netip.AddrFromSlice(raw)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("parse address %q: %d bytes", s, len(raw))
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("parse port of %q: %w", s, err)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}
