-- Has a policy server decide, over a cosocket.
local http = require("apisix.core.http")
local nodes = require("apisix.nodes")

local ngx = ngx

local _M = { version = 0.1, priority = 2001, name = "opa" }


function _M.access(conf, ctx)
    local res, err = http.request(nodes[conf.node], "/v1/data/" .. conf.policy, {
        method = "POST",
        keepalive = true,
        body = '{"input":{"request":{"path":"' .. ctx.var.uri .. '"},"type":"http"}}',
        headers = {
            ["Content-Type"] = "application/json",
            ["X-Rig-Id"] = ctx.var.http_x_rig_id or "",
        },
    })
    if not res then
        ngx.log(ngx.ERR, "opa: ", err)
        return 403
    end
    if not res.body:find('"allow":true', 1, true) then
        return 403
    end
end


return _M
