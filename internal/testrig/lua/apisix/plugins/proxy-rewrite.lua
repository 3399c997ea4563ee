-- Sets the path and headers of the request to the upstream.
local ngx = ngx
local pairs = pairs

local _M = { version = 0.1, priority = 1008, name = "proxy-rewrite" }


function _M.rewrite(conf, ctx)
    if conf.uri then
        ngx.var.upstream_uri = conf.uri .. ctx.var.is_args .. (ctx.var.args or "")
    end
    for name, value in pairs(conf.headers) do
        ngx.req.set_header(name, value)
    end
end


return _M
