package apisix

import (
	"net/netip"
	"strconv"
)

// Reception is what a gateway's conf/config.yaml says about how a request becomes what routes
// are matched against.
type Reception struct {
	Ports   []uint16       // where requests come in that are to be routed
	Proxies []netip.Prefix // whose word on the client's address is taken: real_ip_from
	Changes []string       // options that are on and change a path before the match
}

func (s *settings) reception() Reception {
	var r Reception
	for _, path := range [][]string{{"apisix", "node_listen"}, {"apisix", "ssl", "listen"}, {"apisix", "ssl", "listen_port"}} {
		r.Ports = append(r.Ports, s.ports(path...)...)
	}
	if !s.has("apisix", "node_listen") {
		r.Ports = append(r.Ports, 9080)
	}
	if !s.has("apisix", "ssl", "listen") && !s.has("apisix", "ssl", "listen_port") {
		r.Ports = append(r.Ports, 9443)
	}
	from := s.items("nginx_config", "http", "real_ip_from")
	if from == nil {
		from = []any{"127.0.0.1"}
	}
	for _, item := range from {
		word, _ := s.resolve(item) // what cannot be resolved is no address
		if p, err := parseNet(word); err == nil {
			r.Proxies = append(r.Proxies, p)
		}
	}
	for _, name := range []string{"delete_uri_tail_slash", "normalize_uri_like_servlet", "match_uri_encoded_slash"} {
		if s.text("apisix", name) == "true" || s.text("apisix", "router", name) == "true" {
			r.Changes = append(r.Changes, name)
		}
	}
	return r
}

// ports are those of a list of addresses, or of a single one: 9080, [9080], or [{port: 9080}].
func (s *settings) ports(path ...string) []uint16 {
	var all []uint16
	add := func(v any) {
		word, _ := s.resolve(v) // what cannot be resolved is no port
		if n, err := strconv.ParseUint(word, 10, 16); err == nil && n > 0 {
			all = append(all, uint16(n))
		}
	}
	add(s.get(path...))
	for _, item := range s.items(path...) {
		add(item)
		add(at(item, "port"))
	}
	return all
}

// servicePorts are where APISIX listens for what is not to be routed, unless told otherwise: the
// Admin API, the Control API, its metrics and its status.
var servicePorts = []uint16{9180, 9090, 9091, 9092, 7085}

// routes reports whether a request that came in at an address is one to be routed. Without a
// Reception it is all but what comes to the usual ports of APISIX's own APIs.
func (r *Reception) routes(at netip.AddrPort) bool {
	listed := servicePorts
	if r != nil {
		listed = r.Ports
	}
	found := false
	for _, p := range listed {
		found = found || p == at.Port()
	}
	return at.IsValid() && found == (r != nil)
}

// client is the client's address as APISIX has it, where the other end of its connection tells:
// the zero Addr where a header may say something else.
func (r *Reception) client(peer netip.Addr) netip.Addr {
	peer = peer.Unmap()
	if r == nil || !peer.IsValid() {
		return netip.Addr{}
	}
	for _, p := range r.Proxies {
		if p.Contains(peer) {
			return netip.Addr{}
		}
	}
	return peer
}
