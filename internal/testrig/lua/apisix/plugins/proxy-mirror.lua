-- Sends a copy of the request to a second upstream.
local nodes = require("apisix.nodes")

local ngx = ngx

local _M = { version = 0.1, priority = 1010, name = "proxy-mirror" }


function _M.rewrite(conf, ctx)
    local node = nodes[conf.node]
    ngx.var.upstream_mirror_uri = "http://" .. node.host .. ":" .. node.port .. ctx.var.uri
end


return _M
