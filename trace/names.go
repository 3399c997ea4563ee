package trace

// Naming says from where a request's Names are.
type Naming string

// Where names come from.
const (
	NamesUnread   Naming = ""         // they could not be read
	NamesExact    Naming = "exact"    // from the request's own ngx.ctx.api_ctx, as APISIX filled it
	NamesNone     Naming = "none"     // the request ended before APISIX made an api_ctx
	NamesComputed Naming = "computed" // by matching the request against the routes of the Admin API
)

// Names are what a request's parts are called in APISIX; empty where there is none.
type Names struct {
	From        Naming
	RouteID     string // with From exact: empty when no route matched
	RouteName   string
	ServiceID   string
	ServiceName string
	Consumer    string // consumer_name
	Upstream    string // upstream_key, as APISIX writes it
	Balancer    string // the node that the balancer chose last, ip:port
	Tries       int    // balancer_try_count
	RequestID   string // that the request-id plugin made or took over
	Plugin      string // that was running when the request ended: it ended it

	// What the Admin API adds; empty without it.
	URI     string   // of the route, as it is configured: the one that matched
	Plugins []string // that run for the request, in their order
	Labels  []Label  // of the route and its service, by key
}

// Label is what a user has marked a route or a service with.
type Label struct{ Key, Value string }
