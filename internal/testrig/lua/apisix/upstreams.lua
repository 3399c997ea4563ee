-- Upstreams by id; nodes are names, whose addresses apisix.nodes holds.
-- ordered: each request begins at the first node, so a node that fails fails
-- first. Other upstreams go round robin.
-- first_read_timeout: in seconds, for the first try alone.
local shop = { "orders-1", "orders-2", "orders-3" }

return {
    orders = { nodes = shop },
    legacy = { nodes = shop, keepalive = false },
    http10 = { nodes = { "http10" } },
    retry_refused = { nodes = { "refused", "orders-1" }, ordered = true, retries = 1 },
    retry_reset = { nodes = { "reset", "orders-2" }, ordered = true, retries = 1 },
    retry_timeout = { nodes = { "hung", "orders-3" }, ordered = true, retries = 1,
                      first_read_timeout = 0.05 },
    refused = { nodes = { "refused", "refused-2" }, ordered = true, retries = 1 },
    hung = { nodes = { "hung" }, first_read_timeout = 0.05 },
    error = { nodes = { "error" } },
    closed = { nodes = { "closed" } },
    stale = { nodes = { "stale" } },
    https = { nodes = { "https" }, scheme = "https", pass_host = "node" },
    large = { nodes = { "large" } },
    websocket = { nodes = { "websocket" } },
    grpc = { nodes = { "grpc" }, scheme = "grpc" },
    headers = { nodes = { "headers" } },
    stream = { nodes = { "stream" } },
}
