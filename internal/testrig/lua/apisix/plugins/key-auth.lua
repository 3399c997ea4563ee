-- Names the consumer by the key in the apikey header.
local ngx = ngx

local consumers = { ["rig-key"] = "mobile-app" }
local digests = {}
for key, name in pairs(consumers) do
    digests[ngx.md5("salt" .. key)] = name
end

local _M = { version = 0.1, priority = 2500, name = "key-auth" }


function _M.rewrite(conf, ctx)
    local key = ctx.var.http_apikey
    if not key then
        if conf.anonymous_consumer then
            ctx.consumer_name = conf.anonymous_consumer
            return
        end
        return 401, '{"message":"Missing API key in request"}'
    end

    local name = digests[ngx.md5("salt" .. key)]
    if not name then
        return 401, '{"message":"Invalid API key in request"}'
    end
    ctx.consumer_name = name
    ngx.req.set_header("X-Consumer-Username", name)
end


return _M
