-- Answers by the gateway itself.
local ngx = ngx
local _M = {}


function _M.exit(code, body)
    ngx.status = code
    ngx.header["Content-Type"] = "application/json"
    if body then
        ngx.say(body)
    end
    return ngx.exit(code)
end


return _M
