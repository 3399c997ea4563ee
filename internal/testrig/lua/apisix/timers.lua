-- Work outside any request: a heartbeat to Redis twice a second.
local nodes = require("apisix.nodes")
local redis = require("apisix.core.redis")

local ngx = ngx
local _M = {}


local function heartbeat(premature)
    if premature then
        return
    end
    local _, err = redis.call(nodes.redis, true, "PING")
    if err then
        ngx.log(ngx.ERR, "heartbeat: ", err)
    end
end


function _M.start()
    ngx.timer.every(0.5, heartbeat)
end


return _M
