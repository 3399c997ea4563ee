-- A gateway in APISIX's shape: the request's own table in ngx.ctx.api_ctx, a balancer in
-- Lua, and as much of the Admin API as names of routes take.
local balancer = require("ngx.balancer")
local nodes = require("nodes")

local ngx = ngx
local key = "edd1c9f034335f136f87ad84b625c8f1"
local route = {
    key = "/apisix/routes/shop",
    value = { id = "shop", name = "team_shop_orders", uri = "/*", upstream_id = "orders" },
    modifiedIndex = 101,
}
local turn = 0
local _M = {}


function _M.access()
    local api_ctx = { var = {}, headers = ngx.req.get_headers() }
    ngx.ctx.api_ctx = api_ctx
    api_ctx.curr_req_matched = { _path = ngx.var.uri, _host = ngx.var.host, _method = ngx.req.get_method() }
    api_ctx.matched_route = route
    api_ctx.conf_type, api_ctx.conf_version, api_ctx.conf_id = "route", route.modifiedIndex, route.value.id
    api_ctx.route_id, api_ctx.route_name = route.value.id, route.value.name
    api_ctx.upstream_key = route.value.upstream_id
end


function _M.balancer()
    turn = turn % #nodes + 1
    local api_ctx, host = ngx.ctx.api_ctx, nodes[turn]
    api_ctx.balancer_ip, api_ctx.balancer_port = host, 8080
    local ok, err = balancer.set_current_peer(host, 8080)
    if not ok then
        error(err)
    end
end


-- admin answers as APISIX 3 does: a page of a list, or one of it.
function _M.admin()
    ngx.header["Content-Type"] = "application/json"
    if ngx.var.http_x_api_key ~= key then
        ngx.status = 401
        return ngx.say('{"description":"wrong apikey","error_msg":"failed to check token"}')
    end
    local one = '{"key":"/apisix/routes/shop","createdIndex":101,"modifiedIndex":101,"value":{"id":"shop",'
        .. '"name":"team_shop_orders","uri":"/*","upstream_id":"orders","status":1,"priority":0}}'
    if ngx.var.uri == "/apisix/admin/routes/shop" then
        return ngx.say(one)
    elseif ngx.var.uri == "/apisix/admin/routes" then
        return ngx.say('{"total":1,"list":[' .. one .. "]}")
    end
    return ngx.say('{"total":0,"list":[]}')
end


return _M
