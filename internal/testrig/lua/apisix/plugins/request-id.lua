-- Gives each request an X-Request-Id, to the upstream and to the client.
local settings = require("apisix.settings")

local ngx = ngx
local random = math.random
local format = string.format

local _M = { version = 0.1, priority = 12015, name = "request-id" }


local function uuid()
    return format("%08x-%04x-4%03x-%04x-%012x", random(0, 0xffffffff), random(0, 0xffff),
                  random(0, 0xfff), random(0x8000, 0xbfff), random(0, 0xffffffffffff))
end


function _M.rewrite(conf, ctx)
    local id = ctx.var.http_x_request_id
    if not id then
        id = uuid()
        ngx.req.set_header("X-Request-Id", id)
    end
    ctx["request-id-X-Request-Id"] = id
    if settings.apisix_log then
        ngx.var.apisix_request_id = id
    end
end


function _M.header_filter(conf, ctx)
    ngx.header["X-Request-Id"] = ctx["request-id-X-Request-Id"]
end


return _M
