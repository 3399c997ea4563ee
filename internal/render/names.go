package render

import (
	"cmp"

	"github.com/apisixscope/apisixscope/internal/text"
	"github.com/apisixscope/apisixscope/trace"
)

// calledAs writes a name with its id, as "checkout (17)"; either may be missing.
func calledAs(name, id string) string {
	name, id = text.Clean(name), text.Clean(id)
	if name == "" || id == "" || name == id {
		return cmp.Or(name, id)
	}
	return name + " (" + id + ")"
}

// requestID is the one that APISIX gave the request or took over, and else a header's.
func requestID(x *trace.Exchange) string { return cmp.Or(x.Names.RequestID, x.RequestID) }

// routing says which route, service and consumer a request is of; nil where that is not known.
func routing(n *trace.Names) []piece {
	var out []piece
	add := func(s string) { out = append(out, piece{" · ", s}) }
	switch {
	case n.From == trace.NamesUnread:
		return nil
	case n.From == trace.NamesNone:
		return []piece{{"", "none: it ended before routing"}}
	case n.RouteID == "" && n.RouteName == "":
		add("none matched")
	default:
		add(calledAs(n.RouteName, n.RouteID))
	}
	if n.ServiceID != "" || n.ServiceName != "" {
		add("service " + calledAs(n.ServiceName, n.ServiceID))
	}
	if n.Consumer != "" {
		add("consumer " + text.Clean(n.Consumer))
	}
	for i := range n.Labels {
		add(text.Clean(n.Labels[i].Key) + "=" + text.Clean(n.Labels[i].Value))
	}
	if n.From == trace.NamesComputed {
		add("computed, not read")
	}
	return out
}

// running names the plugins of a request in their order.
func running(n *trace.Names) []piece {
	var out []piece
	for _, name := range n.Plugins {
		out = append(out, piece{then, text.Clean(name)})
	}
	return out
}

// routeCell names the route in a column of a table: "-" where it is not known, and with ~
// before it where it was computed.
func routeCell(x *trace.Exchange, _ int) string {
	n := &x.Names
	name := cmp.Or(n.RouteName, n.RouteID)
	switch {
	case n.From == trace.NamesUnread:
		return "-"
	case name == "":
		name = "none"
	}
	if n.From == trace.NamesComputed {
		name = "~" + name
	}
	return text.Clean(name)
}

// namesFields appends what a request's parts are called.
func namesFields(b []byte, n *trace.Names) []byte {
	b = textField(b, `"apisix.names":`, string(n.From))
	b = textField(b, `"apisix.route_id":`, n.RouteID)
	b = textField(b, `"apisix.route_name":`, n.RouteName)
	b = textField(b, `"http.route":`, n.URI)
	b = textField(b, `"apisix.service_id":`, n.ServiceID)
	b = textField(b, `"apisix.service_name":`, n.ServiceName)
	b = textField(b, `"apisix.consumer_name":`, n.Consumer)
	b = textField(b, `"apisix.upstream_key":`, n.Upstream)
	b = textField(b, `"apisix.balancer":`, n.Balancer)
	b = countField(b, `"apisix.try_count":`, int64(n.Tries))
	b = textField(b, `"apisix.plugin":`, n.Plugin)
	b = listField(b, `"apisix.plugins":`, n.Plugins)
	return labelsField(b, n)
}

func labelsField(b []byte, n *trace.Names) []byte {
	if len(n.Labels) == 0 {
		return b
	}
	b = append(b, `"apisix.labels":{`...)
	for i := range n.Labels {
		b = append(text.AppendJSON(b, n.Labels[i].Key), ':')
		b = append(text.AppendJSON(b, n.Labels[i].Value), ',')
	}
	return append(shut(b, '}'), ',')
}

// spanName is a span's own, and for a call the plugin that made it.
func spanName(s *trace.Span) string {
	if s.Plugin == "" {
		return text.Clean(s.Name)
	}
	return text.Clean(s.Plugin) + then + text.Clean(s.Name)
}
