-- Asks an authorization service first, over a cosocket.
local http = require("apisix.core.http")
local nodes = require("apisix.nodes")

local ngx = ngx

local _M = { version = 0.1, priority = 2002, name = "forward-auth" }


function _M.access(conf, ctx)
    local res, err = http.request(nodes[conf.node], conf.path, {
        keepalive = true,
        headers = {
            ["X-Forwarded-Proto"] = ctx.var.scheme,
            ["X-Forwarded-Method"] = ctx.var.request_method,
            ["X-Forwarded-Host"] = ctx.var.host,
            ["X-Forwarded-Uri"] = ctx.var.request_uri,
            ["X-Forwarded-For"] = ctx.var.remote_addr,
            ["X-Rig-Id"] = ctx.var.http_x_rig_id or "",
        },
    })
    if not res then
        ngx.log(ngx.ERR, "forward-auth: ", err)
        return 403
    end
    if res.status >= 300 then
        return res.status, res.body
    end
    ngx.req.set_header("X-User", res.headers["X-User"])
end


return _M
