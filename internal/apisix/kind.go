package apisix

import "strings"

// Kind is a sort of resource, by its name for users, such as "consumer-groups".
type Kind string

// The kinds of the Admin API.
const (
	Routes         Kind = "routes"
	Services       Kind = "services"
	Upstreams      Kind = "upstreams"
	Consumers      Kind = "consumers"
	ConsumerGroups Kind = "consumer-groups"
	SSLs           Kind = "ssls"
	GlobalRules    Kind = "global-rules"
	PluginConfigs  Kind = "plugin-configs"
	PluginMetadata Kind = "plugin-metadata"
	Protos         Kind = "protos"
	Secrets        Kind = "secrets"
	StreamRoutes   Kind = "stream-routes"
	Plugins        Kind = "plugins"

	// Credentials are those of a consumer, below it: an id is CONSUMER/ID. They are not among Kinds.
	Credentials Kind = "credentials"
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{
		Routes, Services, Upstreams, Consumers, ConsumerGroups, SSLs, GlobalRules,
		PluginConfigs, PluginMetadata, Protos, Secrets, StreamRoutes, Plugins,
	}
}

// path is the kind's name in paths of the Admin API, and in etcd's keys.
func (k Kind) path() string { return strings.ReplaceAll(string(k), "-", "_") }

// oldPath is what APISIX 2.x calls the kind, if that differs.
func (k Kind) oldPath() string {
	switch k {
	case SSLs:
		return "ssl"
	case Protos:
		return "proto"
	}
	return ""
}

// one is the word for one resource of the kind.
func (k Kind) one() string {
	switch k {
	case PluginMetadata:
		return "plugin-metadata"
	case SSLs:
		return "ssl"
	}
	return strings.TrimSuffix(string(k), "s")
}
