package otlp

import (
	"slices"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// namesAttrs appends what a request's parts are called in APISIX.
func namesAttrs(b []byte, n *trace.Names) []byte {
	b = textAttr(b, "http.route", n.URI)
	b = textAttr(b, "apisix.names", string(n.From))
	b = textAttr(b, "apisix.route_id", n.RouteID)
	b = textAttr(b, "apisix.route_name", n.RouteName)
	b = textAttr(b, "apisix.service_id", n.ServiceID)
	b = textAttr(b, "apisix.service_name", n.ServiceName)
	b = textAttr(b, "apisix.consumer_name", n.Consumer)
	b = textAttr(b, "apisix.upstream_key", n.Upstream)
	b = textAttr(b, "apisix.balancer", n.Balancer)
	b = countAttr(b, "apisix.try_count", int64(n.Tries))
	b = textAttr(b, "apisix.plugin", n.Plugin)
	if len(n.Plugins) > 0 {
		b = attr(b, "apisix.plugins", `"arrayValue":{"values":[`)
		for _, name := range n.Plugins {
			b = append(b, `{"stringValue":`...)
			b = append(text.AppendJSON(b, name), "},"...)
		}
		b = append(shut(b, ']'), "}}},"...)
	}
	for i := range n.Labels {
		b = labelAttr(b, &n.Labels[i])
	}
	return b
}

// labelAttr appends a label as apisix.label.KEY; the key is the user's and may need escaping.
func labelAttr(b []byte, l *trace.Label) []byte {
	b = append(b, `{"key":"apisix.label.`...)
	from := len(b)
	b = text.AppendJSON(b, l.Key)
	b = slices.Delete(b, from, from+1) // its first quote
	b = append(b, `,"value":{"stringValue":`...)
	return append(text.AppendJSON(b, l.Value), "}},"...)
}
