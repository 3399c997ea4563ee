-- Has the authorization server look at the request's token, over a cosocket, in
-- the rewrite phase as APISIX's plugin does.
local http = require("apisix.core.http")
local nodes = require("apisix.nodes")

local ngx = ngx

local _M = { version = 0.2, priority = 2599, name = "openid-connect" }


function _M.rewrite(conf, ctx)
    local res, err = http.request(nodes[conf.node], conf.introspection_path, {
        method = "POST",
        keepalive = true,
        body = "token=" .. (ctx.var.http_authorization or ""),
        headers = {
            ["Content-Type"] = "application/x-www-form-urlencoded",
            ["X-Rig-Id"] = ctx.var.http_x_rig_id or "",
        },
    })
    if not res then
        ngx.log(ngx.ERR, "openid-connect: ", err)
        return 500
    end
    if res.status ~= 200 then
        return 401, '{"message":"token is not active"}'
    end
end


return _M
