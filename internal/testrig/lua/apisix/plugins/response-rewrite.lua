-- Touches the response's head and reads its body.
local ngx = ngx

local _M = { version = 0.1, priority = 899, name = "response-rewrite" }


function _M.header_filter(conf, ctx)
    ngx.header["Vary"] = conf.vary
end


function _M.body_filter(conf, ctx)
    local chunk, eof = ngx.arg[1], ngx.arg[2]
    local _, fields = chunk:gsub('":', "")
    ctx.body_fields = (ctx.body_fields or 0) + fields
    if eof then
        ctx.body_crc = ngx.crc32_short(chunk)
    end
end


return _M
