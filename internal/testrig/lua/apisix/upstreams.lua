-- Upstreams by id; nodes are names, whose addresses apisix.nodes holds.
-- ordered: each request begins at the first node, so a node that fails fails
-- first. Other upstreams go round robin.
local shop = { "orders-1", "orders-2", "orders-3" }

-- Milliseconds. Only the routes that must time out are this impatient.
local impatient = { connect = 1000, send = 1000, read = 50 }

return {
    orders = { nodes = shop },
    legacy = { nodes = shop, keepalive = false },
    http10 = { nodes = { "http10" } },
    retry_refused = { nodes = { "refused", "orders-1" }, ordered = true, retries = 1 },
    retry_reset = { nodes = { "reset", "orders-2" }, ordered = true, retries = 1 },
    retry_timeout = { nodes = { "hung", "orders-3" }, ordered = true, retries = 1,
                      timeout = impatient },
    refused = { nodes = { "refused", "refused-2" }, ordered = true, retries = 1 },
    hung = { nodes = { "hung" }, timeout = impatient },
    error = { nodes = { "error" } },
    closed = { nodes = { "closed" } },
    stale = { nodes = { "stale" } },
    https = { nodes = { "https" }, scheme = "https", pass_host = "node" },
    large = { nodes = { "large" } },
    websocket = { nodes = { "websocket" } },
    stream = { nodes = { "stream" } },
}
