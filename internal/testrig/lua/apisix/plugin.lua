-- Plugins of a route: found by name, ordered by priority, run phase by phase.
local response = require("apisix.core.response")

local ngx = ngx
local pairs = pairs
local require = require
local sort = table.sort
local _M = {}


-- filter returns the route's plugins as APISIX keeps them: plugin, conf,
-- plugin, conf, ... The list belongs to the route and is built once.
function _M.filter(route)
    if route.plugins_cache then
        return route.plugins_cache
    end

    local found = {}
    for name, conf in pairs(route.value.plugins or {}) do
        found[#found + 1] = { plugin = require("apisix.plugins." .. name), conf = conf }
    end
    sort(found, function(a, b) return a.plugin.priority > b.plugin.priority end)

    local plugins = {}
    for _, one in pairs(found) do
        plugins[#plugins + 1] = one.plugin
        plugins[#plugins + 1] = one.conf
    end
    route.plugins_cache = plugins
    return plugins
end


-- run_plugin calls the function that each plugin has for the phase. While it
-- runs, api_ctx._plugin_name is the plugin's name. A plugin that returns a code
-- or a body ends the request, by when APISIX has taken the name away again.
function _M.run_plugin(phase, plugins, api_ctx)
    for i = 1, #plugins, 2 do
        local phase_func = plugins[i][phase]
        if phase_func then
            api_ctx._plugin_name = plugins[i].name
            local code, body = phase_func(plugins[i + 1], api_ctx)
            api_ctx._plugin_name = nil
            if code or body then
                if code and code >= 400 then
                    ngx.log(ngx.WARN, plugins[i].name, " exits with http status code ", code)
                end
                return response.exit(code, body)
            end
        end
    end
end


return _M
