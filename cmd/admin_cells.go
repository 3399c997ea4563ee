package cmd

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/text"
)

// pluginNames lists the plugins in alphabetical order, for the API's own varies.
func pluginNames(v gjson.Result) string {
	var names []string
	v.Get("plugins").ForEach(func(name, conf gjson.Result) bool {
		word := name.String()
		if conf.Get("_meta.disable").Bool() || conf.Get("disable").Bool() {
			word += "(off)"
		}
		names = append(names, word)
		return true
	})
	slices.Sort(names)
	return strings.Join(names, ",")
}

func labelsOf(v gjson.Result) string { return pairs(v.Get("labels")) }

func pairs(v gjson.Result) string {
	var words []string
	v.ForEach(func(name, value gjson.Result) bool {
		words = append(words, name.String()+"="+value.String())
		return true
	})
	slices.Sort(words)
	return strings.Join(words, ",")
}

func members(v gjson.Result) string {
	var names []string
	v.ForEach(func(name, _ gjson.Result) bool {
		if name.String() != "id" {
			names = append(names, name.String())
		}
		return true
	})
	slices.Sort(names)
	return strings.Join(names, ",")
}

// upstreamOf says where requests go: to an upstream or a service by id, or to nodes.
func upstreamOf(v gjson.Result) string {
	switch {
	case v.Get("upstream_id").Exists():
		return "upstream/" + v.Get("upstream_id").String()
	case v.Get("upstream").IsObject():
		return nodesOf(v.Get("upstream"))
	case v.Get("service_id").Exists():
		return "service/" + v.Get("service_id").String()
	}
	return ""
}

// nodesOf lists an upstream's nodes, with weights where they differ. It is either a map of
// addresses and weights, or an array of objects; discovery has a name instead.
func nodesOf(v gjson.Result) string {
	if name := v.Get("service_name"); name.Exists() {
		return strings.Join([]string{v.Get("discovery_type").String(), name.String()}, ":")
	}
	type node struct{ address, weight string }
	var nodes []node
	v.Get("nodes").ForEach(func(name, n gjson.Result) bool {
		switch {
		case n.IsObject():
			address := n.Get("host").String()
			if strings.Contains(address, ":") && !strings.HasPrefix(address, "[") {
				address = "[" + address + "]"
			}
			if port := n.Get("port"); port.Exists() {
				address += ":" + port.String()
			}
			nodes = append(nodes, node{address, n.Get("weight").String()})
		default:
			nodes = append(nodes, node{name.String(), n.String()})
		}
		return true
	})
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.address, b.address) })
	differ := slices.ContainsFunc(nodes, func(n node) bool { return n.weight != nodes[0].weight || n.weight == "0" })
	var words []string
	for _, n := range nodes {
		if differ {
			n.address += "=" + n.weight
		}
		words = append(words, n.address)
	}
	return strings.Join(words, ",")
}

func checks(v gjson.Result) string {
	var words []string
	for _, kind := range []string{"active", "passive"} {
		if v.Get("checks." + kind).Exists() {
			words = append(words, kind)
		}
	}
	return strings.Join(words, ",")
}

func timeouts(v gjson.Result) string {
	var words []string
	for _, name := range []string{"connect", "send", "read"} {
		if t := v.Get("timeout." + name); t.Exists() {
			words = append(words, name+"="+t.String()+"s")
		}
	}
	return strings.Join(words, ",")
}

// conditions names what else a request must have to match a route.
func conditions(v gjson.Result) string {
	var words []string
	for _, name := range []string{"vars", "remote_addr", "remote_addrs", "filter_func"} {
		if v.Get(name).Exists() {
			words = append(words, name)
		}
	}
	return strings.Join(words, ",")
}

func listens(v gjson.Result) string {
	address := v.Get("server_addr").String()
	if port := v.Get("server_port"); port.Exists() {
		address += ":" + port.String()
	}
	return address
}

// expires is the day on which the certificate ends.
func expires(v gjson.Result) string {
	block, _ := pem.Decode([]byte(v.Get("cert").String()))
	if block == nil {
		return ""
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return text.Truncate(err.Error(), 20)
	}
	return cert.NotAfter.UTC().Format("2006-01-02")
}
