-- Asks an authorization service first, through a subrequest.
local ngx = ngx

local _M = { version = 0.1, priority = 2003, name = "auth-request" }


function _M.access(conf, ctx)
    local res = ngx.location.capture(conf.uri, { method = ngx.HTTP_GET })
    if res.status >= 300 then
        return res.status, res.body
    end
    ctx.consumer_name = res.header["X-User"]
end


return _M
