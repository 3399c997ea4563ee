package testrig

import "strings"

// Names are what APISIX calls the things that a request meets: what its ngx.ctx.api_ctx
// holds. What is "" is absent there.
type Names struct {
	RouteID, RouteName     string
	ServiceID, ServiceName string
	Consumer               string
	UpstreamKey            string // the upstream's id, as in APISIX 3.16; "" if a plugin ended the request
	UpstreamScheme         string
	EndedBy                string // the plugin that answered instead of an upstream
}

// longID has 64 characters and longName 100, the most that APISIX's schema allows.
var (
	longID   = "partner." + strings.Repeat("a-1_", 14)
	longName = "Zahlungsverkehr für Geschäftskunden – 支付網關 " + strings.Repeat("ünïcødé-", 6) + "012345678"
)

// serviceNames has the services' names by id.
var serviceNames = map[string]string{"shop": "web-shop", "edge": "edge-cases", "media": "media-store", "partners": "partner-api"}

// consumers has the consumers by key; who sends none is the anonymous one.
var consumers = map[string]string{"rig-key": "mobile-app", "rig-web-key": "web-app", "": "anonymous"}

// A named is a route's names: id, name, service and upstream.
type named struct{ id, name, service, upstream string }

// routeNames is the truth about lua/apisix/routes.lua, by host and path.
var routeNames = map[string]named{
	MainHost + "/checkout":             {"1", "checkout", "shop", "orders"},
	MainHost + "/orders":               {"2", "orders", "shop", "orders"},
	MainHost + "/catalog":              {"3", "catalog", "shop", "orders"},
	"legacy.deepflow.demo/legacy":      {"10", "legacy", "edge", "legacy"},
	"legacy.deepflow.demo/http10":      {"11", "http10", "edge", "http10"},
	"retry.deepflow.demo/refused":      {"20", "retry-refused", "edge", "retry_refused"},
	"retry.deepflow.demo/reset":        {"21", "retry-reset", "edge", "retry_reset"},
	"retry.deepflow.demo/timeout":      {"22", "retry-timeout", "edge", "retry_timeout"},
	"limit.deepflow.demo/sleep":        {"30", "sleep", "edge", "orders"},
	"limit.deepflow.demo/pooled":       {"31", "pooled", "edge", "orders"},
	"limit.deepflow.demo/unpooled":     {"32", "unpooled", "edge", "orders"},
	"mirror.deepflow.demo/orders":      {"40", "mirror", "edge", "orders"},
	"auth.deepflow.demo/account":       {"41", "account", "edge", "orders"},
	"auth.deepflow.demo/private":       {"42", "private", "shop", "orders"},
	"faults.deepflow.demo/refused":     {"50", "bad-gateway", "edge", "refused"},
	"faults.deepflow.demo/timeout":     {"51", "gateway-timeout", "edge", "hung"},
	"faults.deepflow.demo/error":       {"52", "upstream-500", "edge", "error"},
	"faults.deepflow.demo/closed":      {"53", "closed", "edge", "closed"},
	"faults.deepflow.demo/stale":       {"54", "closed-reused", "edge", "stale"},
	"bank.deepflow.demo/balance":       {"55", "https-upstream", "edge", "https"},
	"files.deepflow.demo/upload":       {"60", "files", "media", "large"},
	"socket.deepflow.demo/echo":        {"61", "echo", "edge", "websocket"},
	"stream.deepflow.demo/events":      {"62", "events", "media", "stream"},
	"calls.deepflow.demo/forward-auth": {"70", "forward-auth", "edge", "orders"},
	"calls.deepflow.demo/opa":          {"71", "opa", "edge", "orders"},
	"calls.deepflow.demo/openid":       {"72", "openid-connect", "edge", "orders"},
	"calls.deepflow.demo/logged":       {"73", "http-logger", "edge", "orders"},
	"calls.deepflow.demo/two":          {"74", "two-calls", "edge", "orders"},
	"calls.deepflow.demo/fan-out":      {"75", "fan-out", "edge", "orders"},
	"faults.deepflow.demo/aborted":     {"76", "fault", "edge", "orders"},
	grpcHost + "/shop.Orders/Get":      {"78", "grpc-get", "edge", "grpc"},
	grpcHost + "/shop.Orders/Missing":  {"79", "grpc-missing", "edge", "grpc"},
	grpcHost + "/shop.Orders/Break":    {"81", "grpc-break", "edge", "grpc"},
	"headers.deepflow.demo/headers":    {"77", "headers", "edge", "headers"},
	"names.deepflow.demo/no-service":   {"00000000000000000057", "no-service", "", "orders"},
	"names.deepflow.demo/numeric":      {"4711", "", "partners", "orders"},
	"names.deepflow.demo/long":         {longID, longName, "partners", "orders"},
	"names.deepflow.demo/rewritten":    {"80", "rewritten", "partners", "orders"},
}

// NamesOf tells the names of a request for host and path with this apikey header, which
// may be empty. Of a request that no route matches it knows none.
func NamesOf(host, path, key string) Names {
	path, _, _ = strings.Cut(path, "?")
	r, ok := routeNames[host+path]
	if !ok {
		return Names{}
	}
	n := Names{
		RouteID: r.id, RouteName: r.name, ServiceID: r.service, ServiceName: serviceNames[r.service],
		UpstreamKey: r.upstream, UpstreamScheme: "http",
	}
	if r.upstream == "https" || r.upstream == "grpc" {
		n.UpstreamScheme = r.upstream
	}
	consumer, known := consumers[key]
	switch {
	case r.name == "account":
		n.Consumer = "alice" // so says the auth node
	case r.name == "fault":
		n.EndedBy = "fault-injection"
	case r.name == "private" && key == "":
		n.EndedBy = "key-auth"
	case r.service == "shop" && !known:
		n.EndedBy = "key-auth"
	case r.service == "shop":
		n.Consumer = consumer
	}
	if n.EndedBy != "" {
		n.UpstreamKey, n.UpstreamScheme = "", ""
	}
	return n
}

// Names tells the names of the route's requests for path, one of Paths.
func (r Route) Names(path string) Names {
	var key string
	for _, h := range requestHeaders(r.Kind) {
		if h[0] == "apikey" {
			key = h[1]
		}
	}
	return NamesOf(r.Host, path, key)
}
