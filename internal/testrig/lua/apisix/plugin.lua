-- Plugins of a route: found by name, ordered by priority, run phase by phase.
local response = require("apisix.core.response")

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


-- run_plugin calls the function that each plugin has for the phase. A plugin
-- that returns a code or a body ends the request; its name then stays in
-- api_ctx._plugin_name.
function _M.run_plugin(phase, plugins, api_ctx)
    for i = 1, #plugins, 2 do
        local phase_func = plugins[i][phase]
        if phase_func then
            api_ctx._plugin_name = plugins[i].name
            local code, body = phase_func(plugins[i + 1], api_ctx)
            if code or body then
                return response.exit(code, body)
            end
            api_ctx._plugin_name = nil
        end
    end
end


return _M
