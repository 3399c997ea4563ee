package apisix

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// An ipList is lua-resty-ipmatcher's, of addresses and networks.
type ipList struct {
	text string
	nets []netip.Prefix
}

// readIPs reads a string or an array of them; nil for what is not there.
func readIPs(v gjson.Result) (*ipList, error) {
	if !v.Exists() {
		return nil, nil
	}
	l := &ipList{}
	var texts []string
	for _, e := range v.Array() {
		if e.Type != gjson.String {
			return nil, fmt.Errorf("invalid ip address: it is %s", kindOf(e))
		}
		p, err := parseNet(e.Str)
		if err != nil {
			return nil, err
		}
		l.nets, texts = append(l.nets, p), append(texts, e.Str)
	}
	l.text = listOf(texts)
	return l, nil
}

// parseNet is resty/ipmatcher.lua, split_ip and new: a mask that is no number is none.
func parseNet(s string) (netip.Prefix, error) {
	text, bits, masked := strings.Cut(s, "/")
	addr, ok := parseIP(text)
	if !ok {
		return netip.Prefix{}, fmt.Errorf("invalid ip address: %s", shorten(text))
	}
	mask := addr.BitLen()
	if masked {
		n, err := strconv.Atoi(bits)
		if err != nil || n < 0 || n > mask {
			return netip.Prefix{}, fmt.Errorf("invalid mask: %s", shorten(s))
		}
		mask = n
	}
	return netip.PrefixFrom(addr, mask), nil
}

// parseIP is inet_pton, with brackets around IPv6 if one likes.
func parseIP(s string) (netip.Addr, bool) {
	if inner, found := strings.CutPrefix(s, "["); found && strings.HasSuffix(inner, "]") {
		s = strings.TrimSuffix(inner, "]")
		if !strings.Contains(s, ":") {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == ""
}

// has does not take an IPv4 address in IPv6 for IPv4: ipmatcher does not.
func (l *ipList) has(a netip.Addr) bool {
	for _, n := range l.nets {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// maxShown is how much of a list is shown.
const maxShown = 6

// listOf writes a list that may be long.
func listOf(texts []string) string {
	if len(texts) > maxShown {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:maxShown], ", "), len(texts)-maxShown)
	}
	return strings.Join(texts, ", ")
}
