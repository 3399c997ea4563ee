-- The Redis policy. The rig's id is part of the key so that the Redis server
-- of the test can write down which request called it.
local nodes = require("apisix.nodes")
local redis = require("apisix.core.redis")

local _M = {}


function _M.incoming(conf, ctx)
    local key = "plugin-limit-count:" .. ctx.conf_id .. ":" .. (ctx.var.http_x_rig_id or "")
    return redis.call(nodes.redis, conf.keepalive ~= false, "INCR", key)
end


return _M
