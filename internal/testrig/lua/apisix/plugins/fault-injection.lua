-- Delays a request, or ends it.
local sleep = ngx.sleep

local _M = { version = 0.1, priority = 11000, name = "fault-injection" }


function _M.rewrite(conf)
    if conf.delay then
        sleep(conf.delay.duration)
    end
    if conf.abort then
        return conf.abort.http_status, conf.abort.body
    end
end


return _M
