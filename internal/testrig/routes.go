package testrig

import (
	"fmt"
	"slices"
)

// Routes lists the kinds of the usual load. lua/apisix/routes.lua is its other half.
func Routes() []Route {
	shop := []string{"/checkout", "/orders", "/catalog"}
	any1 := []string{""}
	return []Route{
		{Keepalive, OverHTTP, "GET", MainHost, shop, []int{200}, any1,
			"proxied over a keepalive pool, with plugins in every phase"},
		{Fresh, OverHTTP, "GET", "legacy.deepflow.demo", []string{"/legacy"}, []int{200}, any1,
			"a new upstream connection for each request"},
		{RetryRefused, OverHTTP, "GET", "retry.deepflow.demo", []string{"/refused"}, []int{200}, []string{"refused", "orders-1"},
			"the first node refuses the connection, the second answers"},
		{RetryReset, OverHTTP, "GET", "retry.deepflow.demo", []string{"/reset"}, []int{200}, []string{"reset", "orders-2"},
			"the first node resets the connection after the head, the second answers"},
		{RetryTimeout, OverHTTP, "GET", "retry.deepflow.demo", []string{"/timeout"}, []int{200}, []string{"hung", "orders-3"},
			"the first node does not answer within 50 ms, the second answers"},
		{Sleep, OverHTTP, "GET", "limit.deepflow.demo", []string{"/sleep"}, []int{200}, any1,
			"ngx.sleep for 4 ms in the access phase, then proxied"},
		{Cosocket, OverHTTP, "GET", "limit.deepflow.demo", []string{"/pooled"}, []int{200}, any1,
			"asks Redis over a pooled cosocket, then proxied"},
		{CosocketFresh, OverHTTP, "GET", "limit.deepflow.demo", []string{"/unpooled"}, []int{200}, any1,
			"asks Redis over a new cosocket, then proxied"},
		{Mirror, OverHTTP, "GET", "mirror.deepflow.demo", []string{"/orders"}, []int{200}, any1,
			"proxied, and copied to the mirror node by a mirror subrequest"},
		{Subrequest, OverHTTP, "GET", "auth.deepflow.demo", []string{"/account"}, []int{200}, any1,
			"asks the auth node by ngx.location.capture, then proxied"},
		{Lua401, OverHTTP, "GET", "auth.deepflow.demo", []string{"/private"}, []int{401}, nil,
			"refused by key-auth: no upstream"},
		{Lua404, OverHTTP, "GET", MainHost, []string{"/nowhere"}, []int{404}, nil,
			"no route matches: no upstream"},
		{BadGateway, OverHTTP, "GET", "faults.deepflow.demo", []string{"/refused"}, []int{502}, []string{"refused", "refused-2"},
			"every node refuses the connection"},
		{GatewayTimeout, OverHTTP, "GET", "faults.deepflow.demo", []string{"/timeout"}, []int{504}, []string{"hung"},
			"the only node does not answer within 50 ms"},
		{Upstream500, OverHTTP, "GET", "faults.deepflow.demo", []string{"/error"}, []int{500}, []string{"error"},
			"the upstream itself answers 500"},
		{Closed, OverHTTP, "GET", "faults.deepflow.demo", []string{"/closed"}, []int{502}, []string{"closed"},
			"the upstream closes a new connection without an answer"},
		{ClosedReused, OverHTTP, "POST", "faults.deepflow.demo", []string{"/stale"}, []int{200, 502}, []string{"stale"},
			"the upstream closes a connection at its second request, without an answer"},
		{HTTPS, OverHTTPS, "GET", MainHost, shop, []int{200}, any1,
			"keepalive, for a client that speaks HTTP/1.1 over TLS"},
		{H2, OverH2, "GET", MainHost, shop, []int{200}, any1,
			"keepalive, for a client that speaks HTTP/2 over TLS"},
		{H2C, OverH2C, "GET", MainHost, shop, []int{200}, any1,
			"keepalive, for a client that speaks HTTP/2 without TLS"},
		{HTTPSUpstream, OverHTTP, "GET", "bank.deepflow.demo", []string{"/balance"}, []int{200}, []string{"https"},
			"proxied to a node that speaks TLS"},
		{Large, OverHTTP, "POST", "files.deepflow.demo", []string{"/upload"}, []int{200}, []string{"large"},
			"1 MiB of request body, 1 MiB of response body"},
		{WebSocket, OverHTTP, "GET", "socket.deepflow.demo", []string{"/echo"}, []int{101}, []string{"websocket"},
			"an upgrade to a WebSocket that echoes"},
		{Stream, OverHTTP, "GET", "stream.deepflow.demo", []string{"/events"}, []int{200}, []string{"stream"},
			"a chunked response in five pieces, 3 ms apart, not buffered"},
		{CloseDelimited, OverHTTP, "GET", "legacy.deepflow.demo", []string{"/http10"}, []int{200}, []string{"http10"},
			"an HTTP/1.0 response that ends with the connection"},
		{Head, OverHTTP, "HEAD", MainHost, shop, []int{200}, any1,
			"keepalive, HEAD: a length but no body"},
		{NotModified, OverHTTP, "GET", MainHost, shop, []int{304}, any1,
			"keepalive, answered 304"},
		{Continue, OverHTTP, "POST", MainHost, shop, []int{200}, any1,
			"keepalive, a body sent only after 100 Continue"},
	}
}

// MoreRoutes lists the other kinds, which no load sends unasked: measurements that were
// made with the usual load stay comparable.
func MoreRoutes() []Route {
	const calls, names = "calls.deepflow.demo", "names.deepflow.demo"
	any1 := []string{""}
	return []Route{
		{ForwardAuth, OverHTTP, "GET", calls, []string{"/forward-auth"}, []int{200}, any1,
			"a plugin asks the auth node over HTTP, then proxied"},
		{OPA, OverHTTP, "GET", calls, []string{"/opa"}, []int{200}, any1,
			"a plugin asks the opa node over HTTP, then proxied"},
		{OpenID, OverHTTP, "GET", calls, []string{"/openid"}, []int{200}, any1,
			"a plugin asks the openid node over HTTP in the rewrite phase, then proxied"},
		{HTTPLogger, OverHTTP, "GET", calls, []string{"/logged"}, []int{200}, any1,
			"proxied; a timer then sends an entry to the collector node"},
		{TwoCalls, OverHTTP, "GET", calls, []string{"/two"}, []int{200}, any1,
			"one plugin asks the auth node, the next one Redis, then proxied"},
		{FanOut, OverHTTP, "GET", calls, []string{"/fan-out"}, []int{200}, any1,
			"a plugin asks the auth and opa nodes from two light threads, then proxied"},
		{FaultAbort, OverHTTP, "GET", "faults.deepflow.demo", []string{"/aborted"}, []int{418}, nil,
			"ended by fault-injection: no upstream"},
		{WebConsumer, OverHTTP, "GET", MainHost, []string{"/checkout", "/orders", "/catalog"}, []int{200}, any1,
			"keepalive, with another consumer's key"},
		{InvalidKey, OverHTTP, "GET", MainHost, []string{"/checkout", "/orders", "/catalog"}, []int{401}, nil,
			"refused by key-auth, which does not know the key: no upstream"},
		{NoService, OverHTTP, "GET", names, []string{"/no-service"}, []int{200}, any1,
			"proxied by a route without a service"},
		{NumericID, OverHTTP, "GET", names, []string{"/numeric"}, []int{200}, any1,
			"proxied by a route whose id is a number in Lua, and which has no name"},
		{LongNames, OverHTTP, "GET", names, []string{"/long"}, []int{200}, any1,
			"proxied by a route whose id and name are as long as APISIX allows"},
		{RewrittenPath, OverHTTP, "GET", names, []string{"/rewritten"}, []int{200}, any1,
			"proxied with another path"},
		{Headers, OverHTTP, "GET", "headers.deepflow.demo", []string{"/headers"}, []int{200}, []string{headersNode},
			"proxied to a node that answers with the head that Rig.Answer told it"},
		{GRPC, OverH2C, "POST", grpcHost, []string{"/shop.Orders/Get"}, []int{200}, []string{grpcNode},
			"a unary gRPC call, by an internal redirect to grpc_pass"},
		{GRPCOverTLS, OverH2, "POST", grpcHost, []string{"/shop.Orders/Get"}, []int{200}, []string{grpcNode},
			"a unary gRPC call over TLS"},
		{GRPCMissing, OverH2C, "POST", grpcHost, []string{"/shop.Orders/Missing"}, []int{200}, []string{grpcNode},
			"a unary gRPC call that ends with status 5 in the response's only head"},
		{GRPCBreak, OverH2C, "POST", grpcHost, []string{"/shop.Orders/Break"}, []int{200}, []string{grpcNode},
			"a unary gRPC call that ends with status 13 in the trailer, after a message"},
	}
}

// AllRoutes lists every kind.
func AllRoutes() []Route { return append(Routes(), MoreRoutes()...) }

// Kinds lists the kinds of the usual load that a rig with these options serves: all of
// them, or when Cheap is set those that need nothing but the keepalive pool.
func (o Options) Kinds() []Kind {
	cheap := []Kind{Keepalive, HTTPS, H2, H2C, Head, NotModified, Continue}
	if o.Cheap {
		return cheap
	}
	var all []Kind
	for _, r := range Routes() {
		all = append(all, r.Kind)
	}
	return all
}

// RouteOf returns the route of kind.
func RouteOf(kind Kind) (Route, error) {
	routes := AllRoutes()
	i := slices.IndexFunc(routes, func(r Route) bool { return r.Kind == kind })
	if i < 0 {
		return Route{}, fmt.Errorf("find route of kind %q: no such kind", kind)
	}
	return routes[i], nil
}
