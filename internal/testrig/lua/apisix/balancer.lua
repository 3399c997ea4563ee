-- Chooses the node of an attempt and its timeouts.
local balancer = require("ngx.balancer")
local nodes = require("apisix.nodes")

local error = error
local _M = {}


local function pick(upstream, try)
    local n = #upstream.nodes
    if upstream.ordered then
        return upstream.nodes[(try - 1) % n + 1]
    end
    upstream.turn = (upstream.turn or 0) % n + 1
    return upstream.nodes[upstream.turn]
end


function _M.run(api_ctx)
    local upstream = api_ctx.matched_upstream
    local try = (api_ctx.balancer_try_count or 0) + 1
    api_ctx.balancer_try_count = try
    if try == 1 and upstream.retries then
        balancer.set_more_tries(upstream.retries)
    end

    local server = nodes[pick(upstream, try)]
    api_ctx.balancer_server = server
    api_ctx.balancer_ip = server.host
    api_ctx.balancer_port = server.port

    if upstream.first_read_timeout then
        -- nginx keeps the timeouts for the next try, which is not to hurry.
        balancer.set_timeouts(60, 60, try == 1 and upstream.first_read_timeout or 60)
    end
    local ok, err = balancer.set_current_peer(server.host, server.port)
    if not ok then
        error("set current peer " .. server.host .. ":" .. server.port .. ": " .. err)
    end
    api_ctx.proxy_passed = true
end


return _M
