package trace

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// The functions below add conditions in a user's words, several with commas between. An
// error names the word, what is wrong with it, and what would do.

// AddHost adds hosts: "shop.example", or "*.shop.example" for all below it.
func (f *Filter) AddHost(words string) error {
	return each(words, "a host, such as shop.example or *.shop.example", func(w string) error {
		host := strings.ToLower(withoutPort(w))
		name := strings.TrimPrefix(host, "*.")
		if name == "" || strings.ContainsAny(name, "*?@ ") || strings.Contains(w, "/") {
			return fmt.Errorf("%q is not a host: write shop.example, or *.shop.example for all below it", w)
		}
		f.hosts = append(f.hosts, host)
		return nil
	})
}

// AddPath adds globs of paths, in which "*" stands for any run of characters, "/"
// included, and "?" for one character.
func (f *Filter) AddPath(words string) error {
	return each(words, "a path, such as /orders/*", func(w string) error {
		if w[0] != '/' && w[0] != '*' && w[0] != '?' {
			return fmt.Errorf("%q matches no path, as each begins with a slash: write /%s or *%s", w, w, w)
		}
		f.paths = append(f.paths, w)
		return nil
	})
}

// AddMethod adds request methods, in any case.
func (f *Filter) AddMethod(words string) error {
	return each(words, "a method, such as GET", func(w string) error {
		if strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }) {
			return fmt.Errorf("%q is not a method: write GET, POST or the like", w)
		}
		f.methods = append(f.methods, strings.ToUpper(w))
		return nil
	})
}

// AddStatus adds HTTP statuses: "404", "5xx", "500-504", or "none" for no response.
func (f *Filter) AddStatus(words string) error {
	return each(words, "a status, such as 404 or 5xx", func(w string) error {
		r, ok := parseStatus(strings.ToLower(w))
		if !ok {
			return fmt.Errorf("%q is not a status: write 404, 5xx, 500-504, or none for no response", w)
		}
		f.statuses = append(f.statuses, r)
		return nil
	})
}

func parseStatus(w string) (statusRange, bool) {
	if w == "none" || w == "0" {
		return statusRange{}, true
	}
	if len(w) == 3 && w[1:] == "xx" && '1' <= w[0] && w[0] <= '5' {
		class := int(w[0]-'0') * 100
		return statusRange{class, class + 99}, true
	}
	low, high, isRange := strings.Cut(w, "-")
	if !isRange {
		high = low
	}
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	return statusRange{from, to}, err1 == nil && err2 == nil && 100 <= from && from <= to && to <= 599
}

// AddClient adds clients: an address, or a network as "10.0.0.0/8".
func (f *Filter) AddClient(words string) error {
	return each(words, "a client, such as 10.1.2.3 or 10.0.0.0/8", func(w string) error {
		if addr, err := netip.ParseAddr(w); err == nil {
			addr = addr.Unmap().WithZone("")
			f.clients = append(f.clients, netip.PrefixFrom(addr, addr.BitLen()))
			return nil
		}
		p, err := netip.ParsePrefix(w)
		if err != nil {
			return fmt.Errorf("%q is neither an address nor a network: write 10.1.2.3, 10.0.0.0/8 or fd00::/8", w)
		}
		f.clients = append(f.clients, p.Masked())
		return nil
	})
}

// AddUpstream adds upstream nodes: "10.0.0.5:80", "10.0.0.5" at any port, or ":80" at
// any address. A node that was tried counts, whether it answered or not.
func (f *Filter) AddUpstream(words string) error {
	return each(words, "a node, such as 10.0.0.5:80", func(w string) error {
		n, ok := parseNode(w)
		if !ok {
			return fmt.Errorf("%q is not a node's address: write 10.0.0.5, 10.0.0.5:80, [fd00::5]:80 or :80", w)
		}
		f.upstreams = append(f.upstreams, n)
		return nil
	})
}

func parseNode(w string) (node, bool) {
	if port, ok := strings.CutPrefix(w, ":"); ok {
		if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
			return node{port: uint16(n)}, true
		}
	}
	if addr, err := netip.ParseAddr(strings.Trim(w, "[]")); err == nil {
		return node{addr: addr.Unmap().WithZone("")}, true
	}
	ap, err := netip.ParseAddrPort(w)
	return node{ap.Addr().Unmap().WithZone(""), ap.Port()}, err == nil && ap.Port() > 0
}

// each adds every word of a list.
func each(words, want string, add func(string) error) error {
	for w := range strings.SplitSeq(words, ",") {
		w = strings.TrimSpace(w)
		if w == "" {
			return fmt.Errorf("%q has an empty word: give %s", words, want)
		}
		if err := add(w); err != nil {
			return err
		}
	}
	return nil
}
