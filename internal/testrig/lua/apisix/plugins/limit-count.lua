-- Counts requests: in the worker's shared memory, or in Redis.
local redis_count = require("apisix.plugins.limit-count.limit-count-redis")

local ngx = ngx
local counters = ngx.shared["plugin-limit-count"]

local _M = { version = 0.4, priority = 1002, name = "limit-count" }


function _M.access(conf, ctx)
    local count, err
    if conf.policy == "redis" then
        count, err = redis_count.incoming(conf, ctx)
    else
        local key = ctx.conf_type .. ctx.conf_id .. ":" .. ctx.var.remote_addr
        count, err = counters:incr(key, 1, 0, conf.time_window)
    end
    if not count then
        ngx.log(ngx.ERR, "limit-count: ", err)
        return 500, '{"error_msg":"limit count"}'
    end
    if count > conf.count then
        return 503
    end
    ctx.limit_count_remaining = conf.count - count
end


function _M.header_filter(conf, ctx)
    if ctx.limit_count_remaining then
        ngx.header["X-RateLimit-Remaining"] = ctx.limit_count_remaining
    end
end


return _M
