package testrig

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"syscall"
)

// The upstreams' namespace has no name: it lives as long as its process, and
// takes both ends of the veth pair with it. A rig that dies leaves nothing.

// isolate starts a child in a network namespace of its own.
func isolate(attr *syscall.SysProcAttr) { attr.Cloneflags |= syscall.CLONE_NEWNET }

// peerDevice is the veth device inside the namespace.
const peerDevice = "eth0"

// linkNetwork joins pid's namespace to ours and returns our device and the
// address, as a prefix, that the process is to take with joinNetwork.
func linkNetwork(pid int) (device, peer string, err error) {
	ours, theirs, err := freeSubnet(pid)
	if err != nil {
		return "", "", err
	}
	device = fmt.Sprintf("rig%d", pid)
	if err := ip("link", "add", device, "type", "veth", "peer", "name", peerDevice, "netns", fmt.Sprint(pid)); err != nil {
		return "", "", err
	}
	err = errors.Join(ip("addr", "add", ours, "dev", device), ip("link", "set", device, "up"))
	return device, theirs, err
}

// joinNetwork takes addr inside the namespace and returns its IP.
func joinNetwork(addr string) (string, error) {
	prefix, err := netip.ParsePrefix(addr)
	if err != nil {
		return "", err
	}
	err = errors.Join(
		ip("link", "set", "lo", "up"),
		ip("addr", "add", addr, "dev", peerDevice),
		ip("link", "set", peerDevice, "up"),
	)
	return prefix.Addr().String(), err
}

// unlinkNetwork removes the pair now: the kernel would do it a moment after
// the process has ended.
func unlinkNetwork(device string) {
	// It may be gone already, and then there is nothing to say.
	_ = ip("link", "del", device)
}

// freeSubnet finds a /30 of 10.213.0.0/16 that no device of this host has.
// The search begins at a place of its own for each pid, so that rigs that
// start together do not meet.
func freeSubnet(pid int) (ours, theirs string, err error) {
	taken, err := net.InterfaceAddrs()
	if err != nil {
		return "", "", fmt.Errorf("list addresses: %w", err)
	}
	const subnets = 1 << 14
	for i := range subnets {
		n := (pid + i) % subnets * 4
		base := fmt.Sprintf("10.213.%d.", n>>8)
		ours = fmt.Sprintf("%s%d/30", base, n&0xff+1)
		theirs = fmt.Sprintf("%s%d/30", base, n&0xff+2)
		if !contains(taken, ours) {
			return ours, theirs, nil
		}
	}
	return "", "", errors.New("find free subnet: all of 10.213.0.0/16 is taken")
}

func contains(addrs []net.Addr, one string) bool {
	for _, a := range addrs {
		if a.String() == one {
			return true
		}
	}
	return false
}

// ip runs the ip command of iproute2.
func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
