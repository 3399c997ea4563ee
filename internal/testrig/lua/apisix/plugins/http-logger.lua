-- Sends an entry for each request to a collector, from a timer: by then the
-- request has ended, and the call is nobody's.
local http = require("apisix.core.http")
local nodes = require("apisix.nodes")

local ngx = ngx
local timer_at = ngx.timer.at

local _M = { version = 0.1, priority = 410, name = "http-logger" }


local function send(_, conf, entry)
    local res, err = http.request(nodes[conf.node], conf.path, {
        method = "POST",
        body = entry,
        headers = { ["Content-Type"] = "application/json" },
    })
    if not res then
        ngx.log(ngx.ERR, "http-logger: ", err)
    end
end


function _M.log(conf, ctx)
    local entry = '{"route_id":"' .. ctx.route_id .. '","status":' .. ngx.status .. '}'
    local ok, err = timer_at(0, send, conf, entry)
    if not ok then
        ngx.log(ngx.ERR, "http-logger: ", err)
    end
end


return _M
