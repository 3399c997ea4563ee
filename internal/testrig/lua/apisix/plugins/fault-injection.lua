-- Delays a request.
local sleep = ngx.sleep

local _M = { version = 0.1, priority = 11000, name = "fault-injection" }


function _M.rewrite(conf)
    if conf.delay then
        sleep(conf.delay.duration)
    end
end


return _M
