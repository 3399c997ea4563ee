package cmd

import (
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/apisixscope/apisixscope/internal/apisix"
)

// adminColumn is a column of the table of a kind.
type adminColumn struct {
	title  string
	number bool
	wide   bool // in -o wide alone
	cell   func(r *apisix.Resource, value gjson.Result) string
}

// at is a column of what is at a path.
func at(title, path string) adminColumn {
	return adminColumn{title: title, cell: func(_ *apisix.Resource, v gjson.Result) string { return v.Get(path).String() }}
}

// of is a column of what f makes of a value.
func of(title string, f func(gjson.Result) string) adminColumn {
	return adminColumn{title: title, cell: func(_ *apisix.Resource, v gjson.Result) string { return f(v) }}
}

func id(title string) adminColumn {
	return adminColumn{title: title, cell: func(r *apisix.Resource, _ gjson.Result) string { return r.ID }}
}

func numeric(c adminColumn) adminColumn { c.number = true; return c }

func wide(columns ...adminColumn) []adminColumn {
	for i := range columns {
		columns[i].wide = true
	}
	return columns
}

// adminColumns are the columns for a kind. Those of -o wide come last.
func adminColumns(kind apisix.Kind, withWide bool) []adminColumn {
	var kept []adminColumn
	for _, c := range append(columnsOf(kind), columnsOfAll(kind)...) {
		if withWide || !c.wide {
			kept = append(kept, c)
		}
	}
	return kept
}

func columnsOf(kind apisix.Kind) []adminColumn {
	name := at("NAME", "name")
	plugins := of("PLUGINS", pluginNames)
	switch kind {
	case apisix.Routes:
		return append([]adminColumn{
			id("ID"), name, of("STATUS", status), of("HOST", either("host", "hosts")), of("URI", either("uri", "uris")),
			of("METHODS", either("methods", "")), of("UPSTREAM", upstreamOf), plugins,
		}, wide(at("SERVICE", "service_id"), at("PLUGIN CONFIG", "plugin_config_id"), numeric(at("PRIORITY", "priority")), of("CONDITIONS", conditions))...)
	case apisix.Services:
		return []adminColumn{id("ID"), name, of("HOST", either("hosts", "")), of("UPSTREAM", upstreamOf), plugins}
	case apisix.Upstreams:
		return append([]adminColumn{id("ID"), name, at("TYPE", "type"), of("NODES", nodesOf), of("CHECKS", checks)},
			wide(at("SCHEME", "scheme"), at("KEY", "key"), numeric(at("RETRIES", "retries")), of("TIMEOUT", timeouts))...)
	case apisix.Consumers:
		return []adminColumn{id("NAME"), at("GROUP", "group_id"), plugins, at("DESCRIPTION", "desc")}
	case apisix.Credentials, apisix.ConsumerGroups, apisix.PluginConfigs:
		return []adminColumn{id("ID"), plugins, at("DESCRIPTION", "desc")}
	case apisix.GlobalRules:
		return []adminColumn{id("ID"), plugins}
	case apisix.SSLs:
		return []adminColumn{id("ID"), of("SNI", either("sni", "snis")), at("TYPE", "type"), of("STATUS", status), of("EXPIRES", expires)}
	case apisix.PluginMetadata:
		return []adminColumn{id("PLUGIN"), of("MEMBERS", members)}
	case apisix.Protos:
		return []adminColumn{id("ID"), at("DESCRIPTION", "desc")}
	case apisix.Secrets:
		return []adminColumn{id("ID"), at("URI", "uri"), at("PREFIX", "prefix")}
	case apisix.StreamRoutes:
		return []adminColumn{id("ID"), of("LISTENS", listens), at("CLIENT", "remote_addr"), at("SNI", "sni"), of("UPSTREAM", upstreamOf), plugins}
	}
	return []adminColumn{id("NAME")} // of plugins
}

// columnsOfAll are the columns that every kind has in -o wide.
func columnsOfAll(kind apisix.Kind) []adminColumn {
	if kind == apisix.Plugins {
		return nil
	}
	revision := adminColumn{title: "REVISION", number: true, cell: func(r *apisix.Resource, _ gjson.Result) string {
		if r.ModifiedIndex == 0 {
			return ""
		}
		return strconv.FormatInt(r.ModifiedIndex, 10)
	}}
	return wide(of("LABELS", labelsOf), revision, of("CHANGED", changed))
}

func changed(v gjson.Result) string {
	at := v.Get("update_time")
	if at.Type != gjson.Number {
		return ""
	}
	return time.Unix(at.Int(), 0).UTC().Format("2006-01-02T15:04:05Z")
}

// status is 1 unless told otherwise.
func status(v gjson.Result) string {
	if s := v.Get("status"); s.Exists() && s.Int() == 0 {
		return "off"
	}
	return "on"
}

// either is what is at one of two paths: a word, or a list of them.
func either(one, other string) func(gjson.Result) string {
	return func(v gjson.Result) string {
		found := v.Get(one)
		if !found.Exists() && other != "" {
			found = v.Get(other)
		}
		var words []string
		for _, item := range found.Array() {
			words = append(words, item.String())
		}
		return strings.Join(words, ",")
	}
}
