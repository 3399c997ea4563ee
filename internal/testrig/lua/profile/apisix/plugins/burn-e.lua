-- A plugin that burns CPU time in its access phase.
local clock = require("profile.clock")
local work = require("profile.work")

local jit = jit

local _M = { version = 0.1, priority = 100, name = "burn-e" }


local function burns_e(micros)
    local till = clock.cpu() + micros * 1000
    repeat
        work.by_name.matched[2](2)
    until clock.cpu() >= till
end
jit.off(burns_e)


function _M.access(micros)
    burns_e(micros)
end


return _M
