-- Writes down what ngx.ctx.api_ctx holds when a request ends, for a test to
-- compare with. contextlog.go reads it.
local concat = table.concat
local tostring = tostring
local type = type
local _M = {}

local fields = {
    "route_id", "route_name", "service_id", "service_name", "consumer_name", "upstream_key",
    "upstream_scheme", "balancer_ip", "balancer_port", "balancer_try_count", "conf_type",
    "conf_id", "conf_version", "request-id-X-Request-Id",
}
local file


-- write adds a line: the request's id, then each field's type and value.
function _M.write(path, api_ctx)
    local out = { api_ctx.var.http_x_rig_id or "" }
    for i = 1, #fields do
        local value = api_ctx[fields[i]]
        out[i + 1] = type(value) .. ":" .. tostring(value)
    end
    -- One write for each line: the workers share the file.
    file = file or assert(io.open(path, "a"))
    file:write(concat(out, "\t") .. "\n")
    file:flush()
end


return _M
