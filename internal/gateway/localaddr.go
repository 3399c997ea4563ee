package gateway

import (
	"bufio"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"strings"
)

// localAddrs returns the addresses that belong to the network namespace of pid.
// What cannot be read is left out.
func localAddrs(pid int) map[netip.Addr]bool {
	addrs := map[netip.Addr]bool{}
	read := func(name string, parse func(io.Reader, map[netip.Addr]bool)) {
		file, err := os.Open(procPath(pid, "net", name))
		if err != nil {
			return
		}
		defer file.Close()
		parse(file, addrs)
	}
	read("fib_trie", parseFibTrie)
	read("if_inet6", parseIfInet6)
	return addrs
}

// parseFibTrie adds the IPv4 addresses of /proc/net/fib_trie: an address on a line of its
// own, followed by its routes, of which "/32 host LOCAL" makes it ours
// (fib_trie_seq_show in net/ipv4/fib_trie.c).
//
//	|-- 10.0.0.2
//	   /32 host LOCAL
func parseFibTrie(r io.Reader, addrs map[netip.Addr]bool) {
	var last string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if addr, ok := strings.CutPrefix(line, "|-- "); ok {
			last = addr
		} else if line == "/32 host LOCAL" {
			if addr, err := netip.ParseAddr(last); err == nil {
				addrs[addr] = true
			}
		}
	}
}

// parseIfInet6 adds the IPv6 addresses of /proc/net/if_inet6, each line of which begins
// with one in 32 hex digits. Link-local addresses mean nothing without their
// interface and are left out.
func parseIfInet6(r io.Reader, addrs map[netip.Addr]bool) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		digits, _, _ := strings.Cut(lines.Text(), " ")
		raw, err := hex.DecodeString(digits)
		if err != nil {
			continue
		}
		if addr, ok := netip.AddrFromSlice(raw); ok && !addr.IsLinkLocalUnicast() {
			addrs[addr] = true
		}
	}
}
