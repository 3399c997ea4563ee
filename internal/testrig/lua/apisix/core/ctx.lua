-- The request's own table, ngx.ctx.api_ctx, with its cache of nginx variables.
local tablepool = require("apisix.core.tablepool")

local ngx = ngx
local setmetatable = setmetatable
local _M = {}

local cached_var = {
    __index = function(vars, key)
        local val = ngx.var[key]
        if val ~= nil then
            vars[key] = val
        end
        return val
    end,
}


function _M.new()
    local api_ctx = tablepool.fetch("api_ctx", 0, 32)
    api_ctx.var = setmetatable({}, cached_var)
    api_ctx.headers = ngx.req.get_headers()
    return api_ctx
end


return _M
