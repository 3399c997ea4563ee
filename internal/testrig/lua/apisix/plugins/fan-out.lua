-- Asks several services at the same time, each in a light thread of its own:
-- none of APISIX's plugins does, but users' own do.
local http = require("apisix.core.http")
local nodes = require("apisix.nodes")

local ngx = ngx
local ipairs = ipairs
local spawn, wait = ngx.thread.spawn, ngx.thread.wait

local _M = { version = 0.1, priority = 1500, name = "fan-out" }


local function ask(node, path, id)
    return http.request(nodes[node], path, { keepalive = true, headers = { ["X-Rig-Id"] = id } })
end


function _M.access(conf, ctx)
    local threads = {}
    for i, node in ipairs(conf.nodes) do
        threads[i] = spawn(ask, node, conf.path, ctx.var.http_x_rig_id or "")
    end
    for _, thread in ipairs(threads) do
        local _, res, err = wait(thread)
        if not res then
            ngx.log(ngx.ERR, "fan-out: ", err)
            return 502
        end
    end
end


return _M
