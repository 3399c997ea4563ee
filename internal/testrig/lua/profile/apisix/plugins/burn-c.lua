-- A plugin that burns CPU time in its access phase.
local clock = require("profile.clock")
local work = require("profile.work")

local jit = jit

local _M = { version = 0.1, priority = 100, name = "burn-c" }


local function burns_c(micros)
    local till = clock.cpu() + micros * 1000
    repeat
        work.by_name.compiled[2](300)
    until clock.cpu() >= till
end
jit.off(burns_c)


function _M.access(micros)
    burns_c(micros)
end


return _M
