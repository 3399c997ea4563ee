package trace

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A Filter says which exchanges are of interest. The zero Filter keeps all. Conditions of
// one kind are alternatives; each kind that has one must be met.
type Filter struct {
	// SlowerThan removes what took less.
	SlowerThan time.Duration
	// Sample keeps one in so many of what meets the conditions, the first one included;
	// 0 and 1 keep each.
	Sample uint64

	hosts     []string // lower case, without port; "*.h" for those below h
	paths     []string // globs
	methods   []string
	statuses  []statusRange
	clients   []netip.Prefix
	upstreams []node
	routes    []called
	services  []called
	consumers []called

	matched uint64
}

// statusRange is from one HTTP status to another, both included.
type statusRange struct{ from, to int }

// node is an upstream's address, as far as it was given.
type node struct {
	addr netip.Addr // invalid for any
	port uint16     // 0 for any
}

// Keep returns "" for an exchange of interest, and else the flag that removes it, such as
// "--host". It is for one goroutine.
func (f *Filter) Keep(x *Exchange) string {
	switch {
	case !f.keepsHost(x.Host):
		return "--host"
	case !f.keepsPath(x.Path):
		return "--path"
	case len(f.methods) > 0 && !slices.Contains(f.methods, x.Method):
		return "--method"
	case !f.keepsStatus(x.Status):
		return "--status"
	case x.Duration < f.SlowerThan:
		return "--slower-than"
	case !f.keepsClient(x.Client.Addr()):
		return "--client"
	case !f.keepsUpstream(x.Attempts):
		return "--upstream"
	}
	if why := f.keepsNames(&x.Names); why != "" {
		return why
	}
	if f.Sample > 1 {
		f.matched++
		if f.matched%f.Sample != 1 {
			return "--sample"
		}
	}
	return ""
}

func (f *Filter) keepsHost(host string) bool {
	if len(f.hosts) == 0 {
		return true
	}
	host = withoutPort(host)
	for _, want := range f.hosts {
		below, wild := strings.CutPrefix(want, "*")
		n := len(host) - len(below)
		if wild && n > 0 && strings.EqualFold(host[n:], below) || !wild && strings.EqualFold(host, want) {
			return true
		}
	}
	return false
}

func (f *Filter) keepsPath(path string) bool {
	for _, glob := range f.paths {
		if matchGlob(glob, path) {
			return true
		}
	}
	return len(f.paths) == 0
}

func (f *Filter) keepsStatus(status int) bool {
	for _, r := range f.statuses {
		if r.from <= status && status <= r.to {
			return true
		}
	}
	return len(f.statuses) == 0
}

func (f *Filter) keepsClient(client netip.Addr) bool {
	client = client.Unmap().WithZone("")
	for _, p := range f.clients {
		if p.Contains(client) {
			return true
		}
	}
	return len(f.clients) == 0
}

func (f *Filter) keepsUpstream(attempts []Attempt) bool {
	for i := range attempts {
		peer := attempts[i].Peer
		for _, want := range f.upstreams {
			if peer.IsValid() && (want.port == 0 || want.port == peer.Port()) &&
				(!want.addr.IsValid() || want.addr == peer.Addr().Unmap().WithZone("")) {
				return true
			}
		}
	}
	return len(f.upstreams) == 0
}

// withoutPort cuts the port off a host; the colons of a bare IPv6 address are none.
func withoutPort(host string) string {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") || strings.IndexByte(host, ':') != i && host[i-1] != ']' {
		return host
	}
	return host[:i]
}

// matchGlob reports whether all of s matches: "*" stands for any run of characters, "/"
// included, and "?" for one character.
func matchGlob(glob, s string) bool {
	star, retry := -1, 0 // where the last "*" was, and where what follows it was tried last
	g, i := 0, 0
	for i < len(s) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, retry = g, i
			g++
		case g < len(glob) && glob[g] == '?':
			g++
			_, size := utf8.DecodeRuneInString(s[i:])
			i += size
		case g < len(glob) && glob[g] == s[i]:
			g++
			i++
		case star >= 0:
			retry++
			g, i = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(glob[g:], "*") == ""
}
