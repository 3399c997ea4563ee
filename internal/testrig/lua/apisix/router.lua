-- Finds the route by host and path and puts its names into api_ctx.
local routes = require("apisix.routes")
local services = require("apisix.services")

local ipairs = ipairs
local by_host = {}
local _M = {}

for i, route in ipairs(routes) do
    local paths = by_host[route.host] or {}
    by_host[route.host] = paths
    paths[route.uri] = {
        key = "/apisix/routes/" .. route.id,
        value = route,
        modifiedIndex = 100 + i,
    }
end


function _M.match(api_ctx)
    local host, uri = api_ctx.var.host, api_ctx.var.uri
    local paths = by_host[host]
    local route = paths and paths[uri]
    if not route then
        return nil
    end

    api_ctx.curr_req_matched = { _path = uri, _host = host, _method = api_ctx.var.request_method }
    api_ctx.matched_route = route
    local service = services[route.value.service_id]
    if service then
        api_ctx.conf_type = "route&service"
        api_ctx.conf_version = route.modifiedIndex .. "&" .. service.modifiedIndex
        api_ctx.conf_id = route.value.id .. "&" .. service.id
        api_ctx.service_id = service.id
        api_ctx.service_name = service.name
    else
        api_ctx.conf_type = "route"
        api_ctx.conf_version = route.modifiedIndex
        api_ctx.conf_id = route.value.id
    end
    api_ctx.route_id = route.value.id
    api_ctx.route_name = route.value.name
    return route
end


return _M
