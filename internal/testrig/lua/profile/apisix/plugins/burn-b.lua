-- A plugin that burns CPU time in its header_filter phase.
local clock = require("profile.clock")
local work = require("profile.work")

local jit = jit

local _M = { version = 0.1, priority = 100, name = "burn-b" }


local function burns_b(micros)
    local till = clock.cpu() + micros * 1000
    repeat
        work.by_name.strings[2](20)
    until clock.cpu() >= till
end
jit.off(burns_b)


function _M.header_filter(micros)
    burns_b(micros)
end


return _M
