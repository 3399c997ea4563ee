-- Names the consumer by the key in the apikey header.
local consumers = require("apisix.consumers")

local ngx = ngx
local pairs = pairs

local digests = {}
for _, consumer in pairs(consumers) do
    if consumer.key then
        digests[ngx.md5("salt" .. consumer.key)] = consumer
    end
end

local _M = { version = 0.1, priority = 2500, name = "key-auth" }


local function attach(ctx, consumer)
    ctx.consumer = consumer
    ctx.consumer_name = consumer.username
end


function _M.rewrite(conf, ctx)
    local key = ctx.var.http_apikey
    if not key then
        if conf.anonymous_consumer then
            attach(ctx, consumers[conf.anonymous_consumer])
            return
        end
        return 401, '{"message":"Missing API key in request"}'
    end

    local consumer = digests[ngx.md5("salt" .. key)]
    if not consumer then
        return 401, '{"message":"Invalid API key in request"}'
    end
    attach(ctx, consumer)
    ngx.req.set_header("X-Consumer-Username", consumer.username)
end


return _M
