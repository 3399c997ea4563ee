-- What each piece of work has cost, by the CPU's own clock: the truth for a profiler.
local ffi = require("ffi")

local ngx = ngx
local jit = jit
local math = math
local pairs = pairs
local string = string
local tonumber = tonumber
local truth = ngx.shared.truth

ffi.cdef [[
struct profile_timespec { long sec; long nsec; };
int clock_gettime(int, struct profile_timespec *);
]]

local CLOCK_PROCESS_CPUTIME_ID = 2
local now = ffi.new("struct profile_timespec")
local spent = {} -- by name, in ns

local _M = {}


local function cpu()
    ffi.C.clock_gettime(CLOCK_PROCESS_CPUTIME_ID, now)
    return tonumber(now.sec) * 1e9 + tonumber(now.nsec)
end
_M.cpu = cpu


-- Runs work(size) over and over until it has used about so many microseconds of CPU.
function _M.run(name, work, size, micros)
    local began = cpu()
    local till = began + micros * 1000
    local at
    repeat
        work(size)
        at = cpu()
    until at >= till
    _M.add(name, at - began)
end
jit.off(_M.run)


function _M.add(name, ns)
    spent[name] = (spent[name] or 0) + ns
end


-- A budget that no sampling period can fall into step with.
function _M.about(micros)
    return micros * (0.5 + math.random())
end


-- Adds what this worker has spent to what all have.
function _M.flush()
    for name, ns in pairs(spent) do
        truth:incr(name, ns, 0)
        spent[name] = nil
    end
end


function _M.dump()
    local keys = truth:get_keys(0)
    for i = 1, #keys do
        ngx.say(keys[i], "\t", string.format("%.0f", truth:get(keys[i])))
    end
end


return _M
