-- Counts finished requests and their latency.
local ngx = ngx
local concat = table.concat
local tonumber = tonumber
local metrics = ngx.shared["prometheus-metrics"]

local buckets = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000 }

local _M = { version = 0.2, priority = 500, name = "prometheus" }


function _M.log(conf, ctx)
    local labels = concat({ ngx.status, ctx.route_id, ctx.service_id or "",
                            ctx.consumer_name or "", ctx.balancer_ip or "" }, '","')
    metrics:incr('apisix_http_status{"' .. labels .. '"}', 1, 0)

    local ms = tonumber(ctx.var.request_time) * 1000
    for i = 1, #buckets do
        if ms <= buckets[i] then
            metrics:incr('apisix_http_latency_bucket{"' .. labels .. '","' .. buckets[i] .. '"}', 1, 0)
            return
        end
    end
end


return _M
