-- The routes of the test gateway. routes.go describes the same ones to Go.
local usual = { ["request-id"] = {}, ["prometheus"] = {} }

local function with(more)
    for name, conf in pairs(usual) do
        more[name] = more[name] or conf
    end
    return more
end

local function shop(id, name)
    return {
        id = id, name = name, host = "apisix.deepflow.demo", uri = "/" .. name,
        service_id = "shop", upstream_id = "orders",
        plugins = with {
            ["key-auth"] = { anonymous_consumer = "anonymous" },
            ["limit-count"] = { policy = "local", count = 1e9, time_window = 60 },
            ["traffic-split"] = { weights = { stable = 9, canary = 1 } },
            ["proxy-rewrite"] = { headers = { ["X-Gateway"] = "apisix" } },
            ["response-rewrite"] = { vary = "Accept-Encoding" },
        },
    }
end

local function edge(id, name, host, uri, upstream_id, plugins)
    return {
        id = id, name = name, host = host, uri = uri, service_id = "edge",
        upstream_id = upstream_id, plugins = with(plugins or {}),
    }
end

local redis = { policy = "redis", count = 1e9, time_window = 60 }
local redis_fresh = { policy = "redis", count = 1e9, time_window = 60, keepalive = false }
local authorize = { node = "auth", path = "/authorize" }
local websocket = edge("61", "echo", "socket.deepflow.demo", "/echo", "websocket")
websocket.enable_websocket = true

return {
    shop("1", "checkout"), shop("2", "orders"), shop("3", "catalog"),
    edge("10", "legacy", "legacy.deepflow.demo", "/legacy", "legacy"),
    edge("11", "http10", "legacy.deepflow.demo", "/http10", "http10"),
    edge("20", "retry-refused", "retry.deepflow.demo", "/refused", "retry_refused"),
    edge("21", "retry-reset", "retry.deepflow.demo", "/reset", "retry_reset"),
    edge("22", "retry-timeout", "retry.deepflow.demo", "/timeout", "retry_timeout"),
    edge("30", "sleep", "limit.deepflow.demo", "/sleep", "orders",
         { ["fault-injection"] = { delay = { duration = 0.004 } } }),
    edge("31", "pooled", "limit.deepflow.demo", "/pooled", "orders", { ["limit-count"] = redis }),
    edge("32", "unpooled", "limit.deepflow.demo", "/unpooled", "orders",
         { ["limit-count"] = redis_fresh }),
    edge("40", "mirror", "mirror.deepflow.demo", "/orders", "orders",
         { ["proxy-mirror"] = { node = "mirror" } }),
    edge("41", "account", "auth.deepflow.demo", "/account", "orders",
         { ["auth-request"] = { uri = "/forward_auth" } }),
    {
        id = "42", name = "private", host = "auth.deepflow.demo", uri = "/private",
        service_id = "shop", upstream_id = "orders",
        plugins = { ["key-auth"] = {}, ["prometheus"] = {} },
    },
    edge("50", "bad-gateway", "faults.deepflow.demo", "/refused", "refused"),
    edge("51", "gateway-timeout", "faults.deepflow.demo", "/timeout", "hung"),
    edge("52", "upstream-500", "faults.deepflow.demo", "/error", "error"),
    edge("53", "closed", "faults.deepflow.demo", "/closed", "closed"),
    edge("54", "closed-reused", "faults.deepflow.demo", "/stale", "stale"),
    edge("55", "https-upstream", "bank.deepflow.demo", "/balance", "https"),
    { id = "60", name = "files", host = "files.deepflow.demo", uri = "/upload",
      service_id = "media", upstream_id = "large", plugins = with {} },
    websocket,
    { id = "62", name = "events", host = "stream.deepflow.demo", uri = "/events",
      service_id = "media", upstream_id = "stream", plugins = with {} },

    -- Plugins that call other services.
    edge("70", "forward-auth", "calls.deepflow.demo", "/forward-auth", "orders",
         { ["forward-auth"] = authorize }),
    edge("71", "opa", "calls.deepflow.demo", "/opa", "orders",
         { ["opa"] = { node = "opa", policy = "shop/allow" } }),
    edge("72", "openid-connect", "calls.deepflow.demo", "/openid", "orders",
         { ["openid-connect"] = { node = "openid", introspection_path = "/introspect" } }),
    edge("73", "http-logger", "calls.deepflow.demo", "/logged", "orders",
         { ["http-logger"] = { node = "collector", path = "/entries" } }),
    edge("74", "two-calls", "calls.deepflow.demo", "/two", "orders",
         { ["forward-auth"] = authorize, ["limit-count"] = redis }),
    edge("75", "fan-out", "calls.deepflow.demo", "/fan-out", "orders",
         { ["fan-out"] = { nodes = { "auth", "opa" }, path = "/fan-out" } }),
    edge("76", "fault", "faults.deepflow.demo", "/aborted", "orders",
         { ["fault-injection"] = { abort = { http_status = 418, body = '{"error":"teapot"}' } } }),

    edge("78", "grpc-get", "grpc.deepflow.demo", "/shop.Orders/Get", "grpc"),
    edge("79", "grpc-missing", "grpc.deepflow.demo", "/shop.Orders/Missing", "grpc"),
    edge("81", "grpc-break", "grpc.deepflow.demo", "/shop.Orders/Break", "grpc"),
    edge("77", "headers", "headers.deepflow.demo", "/headers", "headers"),

    -- Names of every shape: ids are 64 characters at most, names 100.
    { id = "00000000000000000057", name = "no-service", host = "names.deepflow.demo",
      uri = "/no-service", upstream_id = "orders", plugins = with {} },
    -- APISIX in standalone mode keeps an id that its YAML has as a number.
    { id = 4711, host = "names.deepflow.demo", uri = "/numeric", service_id = "partners",
      upstream_id = "orders", plugins = with {} },
    { id = "partner." .. ("a-1_"):rep(14), name = "Zahlungsverkehr für Geschäftskunden – 支付網關 "
          .. ("ünïcødé-"):rep(6) .. "012345678",
      host = "names.deepflow.demo", uri = "/long", service_id = "partners",
      upstream_id = "orders", plugins = with {} },
    { id = "80", name = "rewritten", host = "names.deepflow.demo", uri = "/rewritten",
      service_id = "partners", upstream_id = "orders",
      plugins = with { ["proxy-rewrite"] = { uri = "/v2/orders", headers = {} } } },
}
